// The worker of component-wit: bytes in, wasm-tools' answer out. A trap of wasm-tools is told apart from its
// verdict, for its instance is unusable afterwards.

import { parentPort } from 'node:worker_threads';
import { componentWit } from '@bytecodealliance/jco';
import type { WitOutcome } from './component-wit.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  void answer(bytes);
});

async function answer(bytes: Uint8Array): Promise<void> {
  let outcome: WitOutcome;
  try {
    outcome = { kind: 'wit', wit: await componentWit(bytes) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    outcome = { kind: error instanceof WebAssembly.RuntimeError ? 'failed' : 'invalid', reason };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  parentPort?.postMessage(outcome);
}
