// The thread of resident-tools: a component in, what a tool says out.

import { parentPort } from 'node:worker_threads';

import { describeThrown } from './child-input.ts';
import type { ResidentAnswer, ResidentRequest } from './resident-tools.ts';

parentPort?.on('message', (request: ResidentRequest) => void reply(request));

async function reply(request: ResidentRequest): Promise<void> {
  const message = await answer(request);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  parentPort?.postMessage(message);
}

async function answer(request: ResidentRequest): Promise<ResidentAnswer> {
  const { component } = request;
  try {
    if (request.tool === 'wit') {
      const { componentWit } = await import('@bytecodealliance/jco-transpile/wasm-tools');
      return { isSpent: false, outcome: { kind: 'wit', wit: await componentWit(component) } };
    }
    const { $init, generate } = await import('@bytecodealliance/jco-transpile/component');
    await $init;
    const { files, imports } = generate(
      component,
      request.options as unknown as Parameters<typeof generate>[1],
    );
    return { isSpent: false, outcome: { ok: true, files: Object.fromEntries(files), imports } };
  } catch (thrown) {
    const isSpent = thrown instanceof WebAssembly.RuntimeError;
    const reason = describeThrown(thrown);
    return {
      isSpent,
      outcome:
        request.tool === 'wit' ? { kind: isSpent ? 'failed' : 'invalid', reason } : { ok: false, reason },
    };
  }
}
