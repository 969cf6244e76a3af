// Runs confined: an artifact, its policy and calls in; times of the production sandbox out.

import { readArtifact } from '../../artifact/artifact.ts';
import type { Digest } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { decodeMessage, encodeMessage } from '../../core/frames.ts';
import { fromWireCall, type BenchRun, type WireCall } from './case-calls.ts';
import { createNodeSandbox } from './node-sandbox.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const message = decodeMessage(Buffer.concat(chunks));
if (message === undefined) throw new TypeError('no message on standard input');
const { digest, policy, calls, warmUpMs, measureMs, mostCalls } = message.value as {
  digest: Digest;
  policy: SandboxPolicy;
  calls: readonly WireCall[];
  /** V8 compiles what runs often anew: calls before that are not measured. */
  warmUpMs: number;
  measureMs: number;
  mostCalls: number;
};
const artifact = await readArtifact(new Uint8Array(message.blobs[0] ?? []), digest);
const guestCalls = calls.map(fromWireCall);
process.stdout.write(encodeMessage({ value: bench(), blobs: [] }));

function bench(): BenchRun {
  const fuel: number[] = [];
  const callUs: number[] = [];
  let pages = 0;
  const failures: NonNullable<BenchRun['failed']>[] = [];
  const sandbox = createNodeSandbox();
  /** Answers call `index` of an endless row; gives how long it took, milliseconds. */
  const run = (index: number): number => {
    const at = index % guestCalls.length;
    const call = guestCalls[at];
    if (call === undefined) throw new TypeError('there is no call');
    const startMs = performance.now();
    const { outcome, pages: used } = sandbox.run(artifact, policy, call);
    const durationMs = performance.now() - startMs;
    pages = Math.max(pages, used);
    fuel[at] = outcome.fuel;
    if (outcome.kind === 'failure') failures.push({ index: at, ...outcome.failure });
    return durationMs;
  };

  const runUntil = (endMs: number, note: (durationMs: number) => void): void => {
    for (let i = 0; performance.now() < endMs && failures.length === 0; i += 1) note(run(i));
  };

  const coldStartMs = run(0);
  if (measureMs > 0) for (let i = 1; i < guestCalls.length && failures.length === 0; i += 1) run(i);
  runUntil(performance.now() + warmUpMs, () => {});
  runUntil(performance.now() + measureMs, (durationMs) => {
    if (callUs.length < mostCalls) callUs.push(durationMs * 1000);
  });
  const [failed] = failures;
  return {
    coldStartMs,
    callUs: callUs.sort((a, b) => a - b),
    fuel,
    pages,
    ...(failed !== undefined && { failed }),
  };
}
