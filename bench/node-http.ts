// `npm run bench:node-http`: requests a second of the gateway on Node, warm, as a share of a Hono route on the same
// server that parses the same JSON and answers a constant. The server has a process of its own; rounds are interleaved.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { load } from './load.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 12);
const ROUND_MS = 1_000;
const CONNECTIONS = 16;

const payment = (bank: string): string =>
  JSON.stringify({
    id: 'txn_1',
    origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
    destination: { id: bank, name: 'Destination', country: 'GBR', currency: 'GBP' },
    amount: { name: 'US Dollar', symbol: '$', amount: 10_000 },
    status: 'pending',
  });

const server = fork(join(import.meta.dirname, 'node-http-server.ts'), { execArgv: process.execArgv });
const [ports] = (await once(server, 'message')) as [{ gateway: number; baseline: number }];

const subjects = [
  { name: 'Hono: parse the JSON, answer a constant', port: ports.baseline, bank: 'icamer' },
  { name: 'icamer-assemblyscript', port: ports.gateway, bank: 'icamer' },
  { name: 'nordhaven-typescript (QuickJS)', port: ports.gateway, bank: 'nordhaven' },
].map((subject) => ({ ...subject, rates: [] as number[], latencies: [] as number[] }));

for (let round = -2; round < ROUNDS; round += 1) {
  for (const subject of subjects) {
    const target = {
      port: subject.port,
      path: '/v1/validate',
      host: 'localhost',
      bodies: [payment(subject.bank)],
      expected: '"decided_by":"validator"',
    };
    const result = await load(target, CONNECTIONS, ROUND_MS);
    if (round < 0) continue;
    subject.rates.push(result.perSecond);
    subject.latencies.push(...result.latencies);
  }
}
server.disconnect();

const base = median(subjects[0]?.rates ?? []);
console.log(
  table(
    [`Node, ${CONNECTIONS} connections`, 'requests/s', 'share', 'p50 ms', 'p99 ms'],
    subjects.map(({ name, rates, latencies }) => [
      name,
      median(rates).toFixed(0),
      (median(rates) / base).toFixed(2),
      median(latencies).toFixed(2),
      percentile(latencies, 0.99).toFixed(2),
    ]),
  ),
);
