// The trial and an author's cases in a thread that stays (see cli/author/resident-sandbox): V8 has compiled what one artifact
// after the other has in common. What bounds a guest here is its meter, as on a gateway.

import { parentPort } from 'node:worker_threads';

import { readArtifact, type Artifact } from '../../artifact/artifact.ts';
import type { Digest } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { fromWireCall, type CaseRun, type WireCall } from './case-calls.ts';
import { createNodeSandbox } from './node-sandbox.ts';
import { runTrial, type TrialVerdict } from './trial.ts';

export interface ResidentRequest {
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly policy: SandboxPolicy;
  readonly calls: readonly WireCall[];
}

export interface ResidentAnswer {
  readonly trial: TrialVerdict;
  readonly runs: readonly CaseRun[];
  /** What the guest printed, of each call. */
  readonly outputs: readonly Uint8Array[];
}

const sandbox = createNodeSandbox();

/** The last one, and with it what V8 compiled of it: the next one mostly has the same modules. */
const kept: Artifact[] = [];

parentPort?.on('message', (request: ResidentRequest) => void reply(request));

async function reply({ digest, bytes, policy, calls }: ResidentRequest): Promise<void> {
  const artifact = await readArtifact(bytes, digest);
  const runs: CaseRun[] = [];
  const outputs: Uint8Array[] = [];
  for (const call of calls) {
    const { outcome, pages, output } = sandbox.run(artifact, policy, fromWireCall(call));
    runs.push({ outcome, pages });
    outputs.push(Buffer.concat(output));
  }
  const answer: ResidentAnswer = { trial: runTrial(artifact, policy), runs, outputs };
  kept[0] = artifact;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  parentPort?.postMessage(answer);
}
