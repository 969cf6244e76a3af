// The confined tools, jco's run begun with wasm-tools' and not after it: for an author who waits, and whose component will
// nearly always pass the inspection. What jco wrote is looked at once the names have passed, as ever. The inspection
// looks at a copy, so it is the bytes that tell whether jco was begun for this component.

import { TRANSPILE_OPTIONS } from '../transpile.ts';
import { CONFINED_TOOLS, type GenerateOutcome, type Tools } from './tools.ts';

/** Tools for one component. */
export function createEagerTools(tools: Tools = CONFINED_TOOLS): Tools {
  let begun: { readonly component: Uint8Array; readonly outcome: Promise<GenerateOutcome> } | undefined;
  return {
    printWit(component) {
      begun = { component, outcome: tools.generate(component, TRANSPILE_OPTIONS) };
      return tools.printWit(component);
    },
    generate(component, options) {
      if (begun !== undefined && options === TRANSPILE_OPTIONS && isSame(begun.component, component))
        return begun.outcome;
      return tools.generate(component, options);
    },
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
