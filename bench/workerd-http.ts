// `npm run bench:workerd-http`: requests a second of the gateway in workerd, warm, without any proxy, as a share of a
// worker that answers a constant; and how often the whole process stood still. Rounds are interleaved.

import { Miniflare } from 'miniflare';

import { startLiveGateway } from '../test/fixtures/live-gateway.ts';
import { load, type Target } from './load.ts';
import { buildExample, EXAMPLES } from './node-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 8);
const ROUND_MS = 1_500;
const CONNECTIONS = 16;
/** A request that took this long met a stop of the process, milliseconds: workerd frees what requests left behind. */
const STALL_MS = 40;

const CONSTANT = `export default { async fetch() {
  return new Response('{"decided_by":"validator"}', { headers: { 'content-type': 'application/json' } });
} }`;

await using gateway = await startLiveGateway();
const noop = new Miniflare({
  cf: false,
  modules: [{ type: 'ESModule', path: 'worker.js', contents: CONSTANT }],
  compatibilityDate: '2026-07-01',
  unsafeDirectSockets: [{ host: '127.0.0.1' }],
});
await noop.ready;

function targetOf(port: string, bank: string): Target {
  return {
    port: Number(port),
    path: '/v1/validate',
    host: 'localhost',
    bodies: [paymentTo(bank)],
    expected: '"decided_by":"validator"',
  };
}

const subjects = [
  {
    title: 'a worker that answers a constant',
    target: targetOf((await noop.unsafeGetDirectURL()).port, 'x'),
  },
];
for (const { name, title } of EXAMPLES) {
  const { bank, component } = await buildExample(name);
  await gateway.publish(bank, new Uint8Array(component));
  subjects.push({ title, target: targetOf(gateway.directUrl.port, bank) });
}
const samples = subjects.map((subject) => ({
  ...subject,
  rates: [] as number[],
  latencies: [] as number[],
}));
for (let round = -1; round < ROUNDS; round += 1) {
  for (const sample of samples) {
    const { perSecond, latencies } = await load(sample.target, CONNECTIONS, ROUND_MS);
    if (round < 0) continue;
    sample.rates.push(perSecond);
    sample.latencies.push(...latencies);
  }
}
await noop.dispose();

const base = median(samples[0]?.rates ?? []);
console.log(
  table(
    [
      `workerd, warm, ${CONNECTIONS} connections`,
      'requests/s',
      'share',
      'p50 ms',
      'p99 ms',
      `over ${STALL_MS} ms, per 1,000`,
    ],
    samples.map(({ title, rates, latencies }) => [
      title,
      median(rates).toFixed(0),
      (median(rates) / base).toFixed(2),
      median(latencies).toFixed(2),
      percentile(latencies, 0.99).toFixed(2),
      ((latencies.filter((ms) => ms > STALL_MS).length / latencies.length) * 1000).toFixed(1),
    ]),
  ),
);
