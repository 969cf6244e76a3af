// Runs confined: a component in, its WIT as wasm-tools prints it out, or wasm-tools' reason for refusing it.

import { describeThrown, readMessage, writeMessage } from './child-input.ts';

const { blobs } = await readMessage();
const { componentWit } = await import('@bytecodealliance/jco-transpile/wasm-tools');
try {
  writeMessage({ value: { kind: 'wit', wit: await componentWit(blobs[0] ?? new Uint8Array()) }, blobs: [] });
} catch (thrown) {
  const kind = thrown instanceof WebAssembly.RuntimeError ? 'failed' : 'invalid';
  writeMessage({ value: { kind, reason: describeThrown(thrown) }, blobs: [] });
}
