// `npm run bench:node`: what a decision costs in Node, from JSON text to a boolean, metered and pristine, against the
// same rules as plain JavaScript. One process, the subjects interleaved in short rounds, medians of rounds.

import { readArtifact } from '../src/artifact/artifact.ts';
import { parseJson } from '../src/core/json.ts';
import { parseTransaction } from '../src/core/parse-transaction.ts';
import { createNodeSandbox } from '../src/sandbox/node/node-sandbox.ts';
import { prepareExample } from './prepare-example.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = 200;
const CALLS_A_ROUND = 200;
const COLD_ROUNDS = 40;

const TEXT = JSON.stringify({
  id: 'txn_1',
  origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000 },
  status: 'pending',
});
const SEED = new Uint8Array(32);

function parse(text: string) {
  const json = parseJson(text);
  if (!json.ok) throw new Error(json.fault.message);
  const parsed = parseTransaction(json.value);
  if (!parsed.ok) throw new Error('no transaction');
  return parsed.transaction;
}

interface Wire {
  readonly origin: { readonly country: string };
  readonly destination: { readonly country: string };
  readonly amount: { readonly amount: number };
}

/** Icamer's rule without a sandbox. */
function decidePlainly(text: string): boolean {
  const { amount, origin, destination } = JSON.parse(text) as Wire;
  const isServed = (country: string): boolean => country === 'USA' || country === 'GBR';
  return amount.amount > 0 && isServed(origin.country) && isServed(destination.country);
}

const subjects: { name: string; run: () => unknown; rounds: number[] }[] = [
  { name: 'plain JavaScript, JSON.parse', run: () => decidePlainly(TEXT), rounds: [] },
  { name: 'our lossless parsing alone', run: () => parse(TEXT), rounds: [] },
];
const cold: { name: string; ms: number[] }[] = [];

for (const name of ['icamer-assemblyscript', 'nordhaven-typescript']) {
  const { artifact: prepared, bytes, policy } = await prepareExample(name);
  const call = (
    sandbox: ReturnType<typeof createNodeSandbox>,
    artifact: Awaited<ReturnType<typeof readArtifact>>,
  ) => {
    const { outcome } = sandbox.run(artifact, policy, {
      transaction: parse(TEXT),
      seed: SEED,
      evaluatedAtMs: 1_800_000_000_000,
    });
    if (outcome.kind !== 'verdict' || outcome.verdict.kind !== 'approve')
      throw new Error(JSON.stringify(outcome));
    return outcome.fuel;
  };
  const ms: number[] = [];
  for (let round = 0; round < COLD_ROUNDS; round += 1) {
    const start = performance.now();
    const artifact = await readArtifact(bytes, prepared.digest);
    call(createNodeSandbox(), artifact);
    ms.push(performance.now() - start);
  }
  cold.push({ name, ms });
  const sandbox = createNodeSandbox();
  const artifact = await readArtifact(bytes, prepared.digest);
  console.log(`${name}: ${call(sandbox, artifact)} fuel`);
  subjects.push({ name: `${name}, metered and pristine`, run: () => call(sandbox, artifact), rounds: [] });
}

for (let round = -20; round < ROUNDS; round += 1) {
  for (const subject of subjects) {
    const start = performance.now();
    for (let i = 0; i < CALLS_A_ROUND; i += 1) subject.run();
    if (round >= 0) subject.rounds.push(((performance.now() - start) / CALLS_A_ROUND) * 1000);
  }
}

const base = median(subjects[0]?.rounds ?? []);
console.log(
  table(
    ['Node, JSON text to a boolean', 'median µs', 'least µs', 'median / plain'],
    subjects.map(({ name, rounds }) => [
      name,
      median(rounds).toFixed(2),
      Math.min(...rounds).toFixed(2),
      `${(median(rounds) / base).toFixed(1)} ×`,
    ]),
  ),
);
console.log(
  `\n${table(
    ['cold: artifact bytes in memory to a decision', 'median ms', 'p90 ms'],
    cold.map(({ name, ms }) => [name, median(ms).toFixed(2), percentile(ms, 0.9).toFixed(2)]),
  )}`,
);
