// jco's run is begun early, and used for the component and the options that it was begun for only.

import { describe, expect, it } from 'vitest';

import { prepareComponent } from '../../../src/publisher/prepare.ts';
import { TRANSPILE_OPTIONS } from '../../../src/publisher/transpile.ts';
import { createEagerTools } from '../../../src/publisher/workshop/eager-tools.ts';
import type { Tools } from '../../../src/publisher/workshop/tools.ts';
import { DEFAULT_POLICY } from '../../../src/publisher/policy.ts';
import { buildMinimal } from '../../fixtures/glue-components.ts';
import { SHARED_TOOLS } from '../../fixtures/shared-tools.ts';

/** Tools that write down what they are asked. */
function createListedTools(): { readonly tools: Tools; readonly asked: string[] } {
  const asked: string[] = [];
  const tools: Tools = {
    printWit(component) {
      asked.push(`wit ${component[0]}`);
      return Promise.resolve({ kind: 'wit', wit: '' });
    },
    generate(component, options) {
      asked.push(`generate ${component[0]} ${String(options['name'])}`);
      return Promise.resolve({ ok: false, reason: `of ${component[0]}` });
    },
  };
  return { tools, asked };
}

describe('eager tools', () => {
  it('run jco once, beside wasm-tools', async () => {
    const { tools, asked } = createListedTools();
    const eager = createEagerTools(tools);
    const component = Uint8Array.of(1);
    await eager.printWit(component);
    expect(asked.toSorted()).toEqual(['generate 1 validator', 'wit 1']);
    expect(await eager.generate(component, TRANSPILE_OPTIONS)).toEqual({ ok: false, reason: 'of 1' });
    expect(asked).toHaveLength(2);
  });

  it('run it anew for another component, and for other options', async () => {
    const { tools, asked } = createListedTools();
    const eager = createEagerTools(tools);
    const component = Uint8Array.of(1);
    await eager.printWit(component);
    expect(await eager.generate(Uint8Array.of(2), TRANSPILE_OPTIONS)).toEqual({ ok: false, reason: 'of 2' });
    await eager.generate(component, { ...TRANSPILE_OPTIONS, name: 'other' });
    expect(asked.slice(2)).toEqual(['generate 2 validator', 'generate 1 other']);
  });

  it('run jco once for a component that goes through the stages', async () => {
    let runs = 0;
    const counting: Tools = {
      printWit: (component) => SHARED_TOOLS.printWit(component),
      generate(component, options) {
        runs += 1;
        return SHARED_TOOLS.generate(component, options);
      },
    };
    const component = new Uint8Array(await buildMinimal());
    const options = {
      component,
      policy: DEFAULT_POLICY,
      tools: createEagerTools(counting),
      stopwatch: () => 0,
    };
    expect(await prepareComponent(options, [])).toMatchObject({ ok: true });
    expect(runs).toBe(1);
  });
});
