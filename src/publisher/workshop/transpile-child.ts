// Runs confined: a component in, jco's glue and core modules out, or jco's reason for refusing it.

import { describeThrown, readMessage, writeMessage } from './child-input.ts';

const { value, blobs } = await readMessage();
const { $init, generate } = await import('@bytecodealliance/jco-transpile/component');
await $init;
try {
  const { files, imports } = generate(blobs[0] ?? new Uint8Array(), value as Parameters<typeof generate>[1]);
  writeMessage({
    value: { ok: true, names: files.map(([name]) => name), imports },
    blobs: files.map(([, bytes]) => bytes),
  });
} catch (thrown) {
  writeMessage({ value: { ok: false, reason: describeThrown(thrown) }, blobs: [] });
}
