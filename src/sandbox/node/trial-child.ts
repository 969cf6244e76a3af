// Runs confined: an artifact and its policy in, the trial's verdict out.

import { readArtifact } from '../../artifact/artifact.ts';
import type { Digest } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { decodeMessage, encodeMessage } from '../../core/frames.ts';
import { runTrial } from './trial.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const message = decodeMessage(Buffer.concat(chunks));
if (message === undefined) throw new TypeError('no message on standard input');
const { digest, policy } = message.value as { digest: Digest; policy: SandboxPolicy };
const artifact = await readArtifact(new Uint8Array(message.blobs[0] ?? []), digest);
process.stdout.write(encodeMessage({ value: runTrial(artifact, policy), blobs: [] }));
