// Components whose author put escape sequences, and JavaScript, into every text that a component can carry.

import { componentFromWat, validatorFromCoreWat } from '../fixtures/components.ts';
import { customSection, named, sized, wat } from '../fixtures/custom-sections.ts';

/** Red, a new title, a cleared screen, C1's CSI, a hidden right-to-left override, and a bell. */
const ESCAPES = '\u001b[31mred\u001b]0;title\u0007\u001b[2J\u009b31m\u202eevil\u2066\u0000\u007f\r';

/** What ran as JavaScript in jco's glue when it was a core export's name (facts.md). */
export const NAME_PAYLOAD = "validate'] ?? (globalThis.PWNED = typeof process), exports0['validate2";

/** A component whose core export is called as `NAME_PAYLOAD`. */
export function escapingThroughNames(): Promise<Uint8Array> {
  return componentFromWat(
    `(component (core module $m (func (export ${wat(NAME_PAYLOAD)}) (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (func (export "validate") (result bool) (canon lift (core func $i ${wat(NAME_PAYLOAD)}))))`,
  );
}

/** A component that no one publishes, with escape sequences as name of everything that has one. */
export function escapeSequencesInNames(): Promise<Uint8Array> {
  const name = wat(ESCAPES);
  return componentFromWat(`(component
    (core module (func (export ${name})))
    (core module (import ${name} ${name} (func)))
    (import ${name} (func $f))
    (export ${name} (func $f))
    (type (record (field ${name} u32))))`);
}

/**
 * A good validator with escape sequences in all that names nothing: producers, debug names of the component and of its
 * core module's functions, and sections that nobody knows.
 */
export async function escapeSequencesInSections(): Promise<Uint8Array<ArrayBuffer>> {
  const debugName = `$${wat(ESCAPES)}`;
  const validator = await validatorFromCoreWat({
    extra: `(func ${debugName})`,
    validateBody: `call ${debugName} i32.const 1`,
  });
  const bytes = new Uint8Array([
    ...validator,
    ...customSection('producers', [1, ...named('processed-by'), 1, ...named(ESCAPES), ...named(ESCAPES)]),
    ...customSection('component-name', [0, ...sized(named(ESCAPES))]),
    ...customSection(ESCAPES, [...new TextEncoder().encode(ESCAPES)]),
  ]);
  if (new TextDecoder().decode(validator).split(ESCAPES).length < 2)
    throw new Error('no debug name was kept');
  return bytes;
}

/** A good validator with escape sequences in its docs, which wasm-tools prints as part of the WIT. */
export async function escapeSequencesInDocs(): Promise<Uint8Array> {
  const docs = JSON.stringify({ docs: ESCAPES, worlds: { root: { docs: ESCAPES } } });
  return new Uint8Array([
    ...(await validatorFromCoreWat()),
    ...customSection('package-docs', [0, ...new TextEncoder().encode(docs)]),
  ]);
}
