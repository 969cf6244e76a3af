// `npm run bench:banks`: ten thousand banks in one process, each with an artifact of its own, one in a hundred a large one (QuickJS),
// under Zipf traffic, on Node and in workerd: what misses cost, and whether memory stays bounded. A request
// that its bank's validator does not answer is a fault, and the exit is then 1. Flags: --seconds (of traffic on each),
// --banks, --workerd-banks (fewer: miniflare's R2 is slow to fill; 0 leaves a runtime out), --budget-mib (artifacts that are kept), --isolates (in workerd). Linux: reads /proc.

import { parseArgs } from 'node:util';

import { hexOf } from '../src/artifact/digest.ts';
import { artifactKey, currentReleaseKey } from '../src/store/keys.ts';
import { validatorFromCoreWat } from '../test/fixtures/components.ts';
import { startLiveGateway, type LiveGateway } from '../test/fixtures/live-gateway.ts';
import { makeCopy, readTemplate } from './banks-copies.ts';
import { findDescendant, residentBytesOf, sampleDuring } from './banks-memory.ts';
import { loadInRounds, type RoundsResult } from './banks-rounds.ts';
import { createRandom, drawRanks, nameBanks, type Banks } from './banks-traffic.ts';
import type { Target } from './load.ts';
import { buildExample, startNodeGateway } from './node-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, percentile, table } from './statistics.ts';

const MEBIBYTE = 1024 * 1024;
const CONNECTIONS = 16;
/** Requests until the traffic repeats itself. */
const TRAFFIC_LENGTH = 100_000;
const SEED = 1;
/** Writes to R2 at once. */
const WRITES_AT_ONCE = 32;
/** Banks that are stored until another line says so. */
const PROGRESS_BANKS = 1_000;
/**
 * How long the gateway in workerd waits for storage, milliseconds. Miniflare's R2 shares workerd's thread with guests, so
 * while sixteen cold banks load it can be later than the usual 700.
 */
const WORKERD_STORE_WAIT_MS = 10_000;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    banks: { type: 'string', default: '10000' },
    'workerd-banks': { type: 'string', default: '2000' },
    'budget-mib': { type: 'string', default: '64' },
    isolates: { type: 'string', default: '200' },
  },
});
const durationMs = Number(flags.seconds) * 1000;
const artifactBudgetBytes = Number(flags['budget-mib']) * MEBIBYTE;

const validators = {
  small: await validatorFromCoreWat(),
  large: (await buildExample('nordhaven-typescript')).component,
};

function targetOf(port: number, { all }: Banks): Target {
  const bodies = all.map(paymentTo);
  const ranks = drawRanks(all.length, TRAFFIC_LENGTH, createRandom(SEED));
  return {
    port,
    path: '/v1/validate',
    host: 'localhost',
    bodies: ranks.map((rank) => bodies[rank] ?? ''),
    expected: '"decided_by":"validator"',
  };
}

interface Measured {
  readonly title: string;
  readonly banks: number;
  /** What its memory is bounded by. */
  readonly bound: string;
  readonly result: RoundsResult;
  readonly residentBytes: readonly number[];
  /** Absent where nobody outside can ask. */
  readonly heapBytes?: readonly number[];
  readonly artifactReads?: number;
}

async function measureNode(): Promise<Measured> {
  const banks = nameBanks(Number(flags.banks));
  using gateway = await startNodeGateway();
  for (const size of ['small', 'large'] as const) {
    const bank = `template-${size}`;
    await gateway.command({ kind: 'publish', bank, component: validators[size] });
    await gateway.command({ kind: 'copy', bank, to: banks[size] });
  }
  await gateway.command({ kind: 'forget', artifactBudgetBytes });
  const heapBytes: number[] = [];
  const readBefore = (await gateway.command({ kind: 'usage' })).artifactReads;
  const { value: result, samples } = await sampleDuring(
    async () => {
      const usage = await gateway.command({ kind: 'usage' });
      heapBytes.push(usage.heapBytes);
      return usage.residentBytes;
    },
    () => loadInRounds(targetOf(gateway.port, banks), CONNECTIONS, durationMs),
  );
  const { artifactReads } = await gateway.command({ kind: 'usage' });
  return {
    title: 'Node',
    banks: banks.all.length,
    bound: `artifacts ${flags['budget-mib']} MiB`,
    result,
    residentBytes: samples,
    heapBytes,
    artifactReads: artifactReads - readBefore,
  };
}

/** Stores artifact and release of every bank. */
async function fill(gateway: LiveGateway, banks: Banks): Promise<void> {
  const { store, signingKey } = gateway;
  let stored = 0;
  for (const size of ['small', 'large'] as const) {
    const publication = await gateway.publish(`template-${size}`, new Uint8Array(validators[size]));
    const template = await readTemplate(store, publication);
    const waiting = banks[size].values();
    // All take from the one iterator.
    const write = async (): Promise<void> => {
      for (const bank of waiting) {
        const { slug, bytes, release, token } = await makeCopy(template, bank, signingKey);
        await store.put(artifactKey(hexOf(release.artifact)), bytes, { kind: 'absent' });
        await store.put(currentReleaseKey(slug), token, { kind: 'absent' });
        stored += 1;
        if (stored % PROGRESS_BANKS === 0) console.error(`R2: ${stored} of ${banks.all.length} banks stored`);
      }
    };
    await Promise.all(Array.from({ length: WRITES_AT_ONCE }, write));
  }
}

async function measureWorkerd(): Promise<Measured> {
  const banks = nameBanks(Number(flags['workerd-banks']));
  await using gateway = await startLiveGateway({
    WASMPAY_MAX_ISOLATES: flags.isolates,
    WASMPAY_FRESHNESS: `artifactBudgetBytes=${artifactBudgetBytes},storeWaitMs=${WORKERD_STORE_WAIT_MS}`,
  });
  await fill(gateway, banks);
  const workerd = findDescendant('workerd');
  const { value: result, samples } = await sampleDuring(
    async () => residentBytesOf(workerd),
    () => loadInRounds(targetOf(Number(gateway.directUrl.port), banks), CONNECTIONS, durationMs),
  );
  return {
    title: 'workerd',
    banks: banks.all.length,
    bound: `artifacts ${flags['budget-mib']} MiB, ${flags.isolates} isolates`,
    result,
    residentBytes: samples,
  };
}

const mebibytes = (bytes: number): string => (bytes / MEBIBYTE).toFixed(0);

/** Before, half-way, after and at most. */
function course(samples: readonly number[] | undefined): string[] {
  if (samples === undefined) return ['–', '–', '–', '–'];
  const half = samples[Math.floor(samples.length / 2)] ?? Number.NaN;
  return [samples[0] ?? Number.NaN, half, samples.at(-1) ?? Number.NaN, Math.max(...samples)].map(mebibytes);
}

const measured: Measured[] = [];
for (const [wanted, measure] of [
  [flags.banks, measureNode],
  [flags['workerd-banks'], measureWorkerd],
] as const) {
  if (Number(wanted) === 0) continue;
  const one = await measure();
  console.error(
    `${one.title}: ${one.result.requests} requests, ${one.result.faults.length} rounds with faults`,
  );
  measured.push(one);
}

console.log(
  table(
    [
      `Zipf, ${CONNECTIONS} connections, ${flags.seconds} s`,
      'banks',
      'requests',
      'requests/s',
      'artifact hits',
      'p50 ms',
      'p99 ms',
      'rounds with faults',
    ],
    measured.map(({ title, banks, result, artifactReads }) => [
      title,
      String(banks),
      String(result.requests),
      result.perSecond.toFixed(0),
      artifactReads === undefined ? '–' : `${(100 * (1 - artifactReads / result.requests)).toFixed(1)} %`,
      median(result.latencies).toFixed(2),
      percentile(result.latencies, 0.99).toFixed(2),
      String(result.faults.length),
    ]),
  ),
);
for (const { title, result } of measured) {
  if (result.faults.length === 0) continue;
  console.log(`\n${title}, first fault: ${result.faults[0]}`);
  process.exitCode = 1;
}
console.log();
console.log(
  table(
    ['MiB', 'bounded by', 'before', 'half-way', 'after', 'at most'],
    measured.flatMap(({ title, bound, residentBytes, heapBytes }) => [
      [`${title}, resident`, bound, ...course(residentBytes)],
      ...(heapBytes === undefined ? [] : [[`${title}, JavaScript heap`, bound, ...course(heapBytes)]]),
    ]),
  ),
);
