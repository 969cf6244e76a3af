// `node --expose-gc bench/soak.ts`: whether the sandbox keeps anything of a call or an instance. Runs the small validator
// many times on one instance that is put back, then on ever new instances, and looks at heap and process after each tenth
// of them. Exits with 1 where either grows by more than noise. Flags: --calls, --instances, --minutes (at most, for each).

import { parseArgs } from 'node:util';

import type { Transaction } from '../src/core/transaction.ts';
import { createNodeSandbox } from '../src/sandbox/node/node-sandbox.ts';
import { prepareExample } from './prepare-example.ts';
import { median, table } from './statistics.ts';

const { values: flags } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000000' },
    instances: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '5' },
  },
});
const SAMPLES = 10;
const minutes = countOf('minutes', flags.minutes);

/**
 * What heap and process may differ by between the first third of the samples and the last, MB: V8 recompiles, and
 * allocators keep what they were given. A leak of 10 bytes a call is 5 MB over a million calls, one of 1 KB an instance 5
 * over ten thousand.
 */
const HEAP_NOISE_MB = 1.5;
const RSS_NOISE_MB = 40;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with node --expose-gc');

const TRANSACTION: Transaction = {
  id: 'txn_1',
  origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000n },
  status: 'pending',
};
const call = { transaction: TRANSACTION, seed: new Uint8Array(32), evaluatedAtMs: 1_800_000_000_000 };

interface Sample {
  readonly done: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

/** Runs `work` `count` times; samples after each tenth, and once before. The first tenth warms up. */
async function soak(name: string, count: number, work: () => void): Promise<boolean> {
  const samples: Sample[] = [];
  const endMs = performance.now() + minutes * 60_000;
  let done = 0;
  const step = Math.max(1, Math.floor(count / SAMPLES));
  while (done < count && performance.now() < endMs) {
    for (let i = 0; i < step; i += 1) work();
    done += step;
    samples.push({ done, ...(await measure()) });
  }
  const third = Math.max(1, Math.floor(samples.length / 3));
  const growth = (of: (sample: Sample) => number): number =>
    median(samples.slice(-third).map(of)) - median(samples.slice(0, third).map(of));
  const heapMb = growth((sample) => sample.heapMb);
  const rssMb = growth((sample) => sample.rssMb);
  console.log(
    table(
      [name, 'heapUsed MB', 'RSS MB'],
      samples.map((sample) => [String(sample.done), sample.heapMb.toFixed(2), sample.rssMb.toFixed(1)]),
    ),
  );
  const good = samples.length >= 3 && heapMb < HEAP_NOISE_MB && rssMb < RSS_NOISE_MB;
  console.log(
    `\n${name}: heap ${signed(heapMb)} MB, process ${signed(rssMb)} MB, last third against the first: ${good ? 'no growth' : 'GROWS'}\n`,
  );
  return good;
}

/** Weak references are cleared between tasks, and what they held is collected by the next run. */
async function measure(): Promise<Omit<Sample, 'done'>> {
  for (let run = 0; run < 4; run += 1) {
    collect?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: heapUsed / 1e6, rssMb: rss / 1e6 };
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
}

function countOf(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is a number above zero`);
  return value;
}

const { artifact, policy } = await prepareExample('icamer-assemblyscript');
const sandbox = createNodeSandbox();
let fuel: number | undefined;

function decide(underPolicy: typeof policy): void {
  const { outcome } = sandbox.run(artifact, underPolicy, call);
  if (outcome.kind !== 'verdict' || outcome.fuel !== (fuel ??= outcome.fuel))
    throw new Error(JSON.stringify(outcome));
}

const calls = await soak('calls on one instance', countOf('calls', flags.calls), () => decide(policy));
// A policy of its own is a pool of its own: modules are compiled and an instance is made.
const instances = await soak('new instances', countOf('instances', flags.instances), () =>
  decide({ ...policy }),
);
process.exitCode = calls && instances ? 0 : 1;
