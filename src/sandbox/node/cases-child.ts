// Runs confined: an artifact, its policy and calls in; what the production sandbox answers to each of them out, with what
// the guest printed. As on a gateway, one instance answers them all and is put back in between.

import { readArtifact } from '../../artifact/artifact.ts';
import type { Digest } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { decodeMessage, encodeMessage } from '../../core/frames.ts';
import { fromWireCall, type CaseRun, type WireCall } from './case-calls.ts';
import { createNodeSandbox } from './node-sandbox.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const message = decodeMessage(Buffer.concat(chunks));
if (message === undefined) throw new TypeError('no message on standard input');
const { digest, policy, calls } = message.value as {
  digest: Digest;
  policy: SandboxPolicy;
  calls: readonly WireCall[];
};
const artifact = await readArtifact(new Uint8Array(message.blobs[0] ?? []), digest);
const sandbox = createNodeSandbox();
const runs: CaseRun[] = [];
const outputs: Uint8Array[] = [];
for (const call of calls) {
  const { outcome, pages, output } = sandbox.run(artifact, policy, fromWireCall(call));
  runs.push({ outcome, pages });
  outputs.push(Buffer.concat(output));
}
process.stdout.write(encodeMessage({ value: runs, blobs: outputs }));
