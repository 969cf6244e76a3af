// `npm run bench:verify`: what it costs to believe storage: to verify a signed release, and to check the digest of the
// largest example's artifact and read it. Beside them SHA-256 of the same bytes alone, interleaved, as the unit that
// another machine can compare. Exits with 1 where release and artifact together are above the target.

import { readArtifact } from '../src/artifact/artifact.ts';
import { sha256 } from '../src/artifact/digest.ts';
import type { Release } from '../src/artifact/release.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../src/artifact/release-keys.ts';
import { signRelease } from '../src/artifact/sign-release.ts';
import { createReleaseVerifier } from '../src/artifact/verify-release.ts';
import { prepareExample } from './prepare-example.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 300);
const WARM_UP_ROUNDS = 20;
/** Most that a cold start may spend on both, milliseconds. */
const TARGET_MS = 10;
const AUDIENCE = 'bench';
const BANK = 'nordhaven';

const { bytes, artifact, policy } = await prepareExample('nordhaven-typescript');
const keys = await generateReleaseKeys();
const signingKey = await parseSigningKey(JSON.stringify(keys.private));
const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
const clock = (): number => Date.now();
const notBeforeS = Math.floor(clock() / 1000);
const release: Release = {
  audience: AUDIENCE,
  bank: BANK,
  bankId: BANK,
  number: 1,
  replaces: 0,
  artifact: artifact.digest,
  component: artifact.manifest.component,
  contract: artifact.manifest.contract,
  policy,
  fallback: 'deny',
  notBeforeS,
  notAfterS: notBeforeS + 86_400,
};
const token = await signRelease(release, signingKey);
const verifyRelease = createReleaseVerifier({ trustedKeys, audience: AUDIENCE, clock });

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const megabytes = (bytes.length / 1e6).toFixed(2);
const subjects = [
  { title: `SHA-256 alone, ${megabytes} MB`, work: () => sha256(bytes) },
  { title: `verify a release, ${token.length} bytes`, work: () => verifyRelease(token, BANK) },
  {
    title: `check and read an artifact, ${megabytes} MB`,
    work: () => readArtifact(bytes, artifact.digest),
  },
  {
    title: 'release and artifact',
    work: async () => readArtifact(bytes, (await verifyRelease(token, BANK)).artifact),
  },
].map((subject) => ({ ...subject, samples: [] as number[] }));

for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
  for (const { work, samples } of subjects) {
    const ms = await time(work);
    if (round >= 0) samples.push(ms);
  }
}

const unit = median(subjects[0]?.samples ?? []);
const together = median(subjects.at(-1)?.samples ?? []);
console.log(
  table(
    ['Node, one at a time', 'median ms', 'p99 ms', 'median / SHA-256'],
    subjects.map(({ title, samples }) => [
      title,
      median(samples).toFixed(2),
      percentile(samples, 0.99).toFixed(2),
      (median(samples) / unit).toFixed(2),
    ]),
  ),
);
const isWithin = together <= TARGET_MS;
console.log(
  `\nTarget: both within ${TARGET_MS} ms: ${isWithin ? 'met' : 'missed'} (${together.toFixed(2)} ms).`,
);
if (!isWithin) process.exitCode = 1;
