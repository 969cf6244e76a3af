// `npm run bench:node-http`: the gateway on Node over HTTP, in a process of its own. Warm: requests a second as a share of
// a Hono route that parses the same JSON and answers a constant, on Hono's server for Node. Cold: from request to response with
// nothing cached, storage in memory, and again with 50 ms added to each read. Rounds are interleaved.

import { setTimeout as sleep } from 'node:timers/promises';

import { DEFAULT_RATIONS } from '../src/gateway/governor.ts';
import { load, type Target } from './load.ts';
import { buildExample, EXAMPLES, startNodeGateway } from './node-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 12);
const ROUND_MS = 1_000;
const CONNECTIONS = 16;
const COLD_ROUNDS = Number(process.argv[3] ?? 3 * ROUNDS);
const SLOW_READ_MS = 50;
/** After this long a bank has no neighbours, and no ration either: each subject is measured alone. */
const ALONE_MS = DEFAULT_RATIONS.neighbourMs + 100;

using gateway = await startNodeGateway();

function targetOf(port: number, bank: string, apiKey?: string): Target {
  return {
    port,
    path: '/v1/validate',
    host: 'localhost',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    bodies: [paymentTo(bank)],
    expected: '"decided_by":"validator"',
  };
}

const subjects = [
  {
    title: 'Hono: parse the JSON, answer a constant',
    target: targetOf(gateway.baselinePort, 'icamer'),
    isCold: false,
  },
  {
    title: 'the same on the gateway’s server',
    target: targetOf(gateway.ownBaselinePort, 'icamer'),
    isCold: false,
  },
];
for (const { name, title } of EXAMPLES) {
  const { bank, component } = await buildExample(name);
  await gateway.command({ kind: 'publish', bank, component });
  subjects.push(
    { title, target: targetOf(gateway.port, bank), isCold: true },
    {
      title: `${title}, API key`,
      target: targetOf(gateway.guardedPort, bank, gateway.apiKey),
      isCold: false,
    },
  );
}
const samples = subjects.map((subject) => ({
  ...subject,
  rates: [] as number[],
  processorUs: [] as number[],
  latencies: [] as number[],
  cold: [] as number[],
  coldSlow: [] as number[],
  reads: 0,
}));

for (let round = -2; round < ROUNDS; round += 1) {
  for (const subject of samples) {
    await sleep(ALONE_MS);
    const before = await gateway.command({ kind: 'usage' });
    const result = await load(subject.target, CONNECTIONS, ROUND_MS);
    const after = await gateway.command({ kind: 'usage' });
    if (round < 0) continue;
    subject.rates.push(result.perSecond);
    subject.processorUs.push((1_000 * (after.processorMs - before.processorMs)) / result.requests);
    subject.latencies.push(...result.latencies);
  }
}

/** Milliseconds of one request to a gateway that has forgotten everything. */
async function measureCold(target: Target): Promise<number> {
  await gateway.command({ kind: 'forget' });
  await gateway.command({ kind: 'reads' });
  const { latencies } = await load(target, 1, 0.001);
  return latencies[0] ?? Number.NaN;
}

for (let round = 0; round < COLD_ROUNDS; round += 1) {
  for (const subject of samples.filter(({ isCold }) => isCold)) {
    await gateway.command({ kind: 'delay', ms: 0 });
    subject.cold.push(await measureCold(subject.target));
    subject.reads = Math.max(subject.reads, (await gateway.command({ kind: 'reads' })) ?? 0);
    await gateway.command({ kind: 'delay', ms: SLOW_READ_MS });
    subject.coldSlow.push(await measureCold(subject.target));
  }
}

const base = median(samples[0]?.rates ?? []);
const baseProcessorUs = median(samples[0]?.processorUs ?? []);
console.log(
  table(
    [
      `Node, warm, ${CONNECTIONS} connections`,
      'requests/s',
      'share',
      'processor µs',
      'share',
      'p50 ms',
      'p99 ms',
    ],
    samples.map(({ title, rates, processorUs, latencies }) => [
      title,
      median(rates).toFixed(0),
      (median(rates) / base).toFixed(2),
      median(processorUs).toFixed(0),
      (baseProcessorUs / median(processorUs)).toFixed(2),
      median(latencies).toFixed(2),
      percentile(latencies, 0.99).toFixed(2),
    ]),
  ),
);
console.log();
console.log(
  table(
    ['Node, cold, one request', 'median ms', 'p90 ms', 'reads', `median ms, reads +${SLOW_READ_MS} ms`],
    samples
      .filter(({ isCold }) => isCold)
      .map(({ title, cold, coldSlow, reads }) => [
        title,
        median(cold).toFixed(1),
        percentile(cold, 0.9).toFixed(1),
        String(reads),
        median(coldSlow).toFixed(1),
      ]),
  ),
);
