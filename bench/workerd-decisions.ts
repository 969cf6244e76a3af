// `npm run bench:workerd`: what a decision costs in workerd, warm and cold, against the same gateway's /healthz. One
// connection, one request at a time, the subjects interleaved, so that all of them meet the same machine. Figures are
// ratios within this run; the milliseconds are for orientation.

import { Agent, request } from 'node:http';
import { join } from 'node:path';

import { buildValidator } from '../src/authoring/build-validator.ts';
import { startLiveGateway } from '../test/fixtures/live-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, percentile, table } from './statistics.ts';

const ROOT = join(import.meta.dirname, '..');
const WARM_ROUNDS = 2_000;
const COLD_ROUNDS = 25;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
await using gateway = await startLiveGateway();

/** Sends one request straight to workerd; gives milliseconds from writing it to having read the answer. */
function time(path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const headers = { host: 'localhost', ...(body !== undefined && { 'content-type': 'application/json' }) };
    const sent = request(
      new URL(path, gateway.directUrl),
      { agent, method: body === undefined ? 'GET' : 'POST', headers },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          const good =
            answer.statusCode === 200 && (body === undefined || text.includes('"decided_by":"validator"'));
          if (good) resolve(performance.now() - start);
          else reject(new Error(`${answer.statusCode}: ${text}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const subjects = [];
for (const name of ['icamer-assemblyscript', 'nordhaven-typescript']) {
  const built = await buildValidator({
    directory: join(ROOT, 'examples/validators', name),
    outDirectory: join(ROOT, 'build/validators'),
  });
  await gateway.publish(built.bank, built.component);
  const cold: number[] = [];
  for (let round = 0; round < COLD_ROUNDS; round += 1) {
    // A custom section of its own makes another component of it, and so another artifact and another isolate.
    const component = new Uint8Array([...built.component, 0, 3, 2, 0x61 + round, 0x78]);
    const bank = `${built.bank}-${round}`;
    await gateway.publish(bank, component);
    cold.push(await time('/v1/validate', paymentTo(bank)));
  }
  subjects.push({ name, bank: built.bank, cold, warm: [] as number[] });
}

const baseline: number[] = [];
for (let round = -200; round < WARM_ROUNDS; round += 1) {
  const noop = await time('/healthz');
  if (round >= 0) baseline.push(noop);
  for (const subject of subjects) {
    const warm = await time('/v1/validate', paymentTo(subject.bank));
    if (round >= 0) subject.warm.push(warm);
  }
}

const ms = (value: number): string => value.toFixed(2);
const times = (value: number): string => `${(value / median(baseline)).toFixed(1)} ×`;
console.log(
  table(
    ['workerd, one connection', 'median ms', 'p99 ms', 'median / healthz'],
    [
      ['GET /healthz', ms(median(baseline)), ms(percentile(baseline, 0.99)), '1.0 ×'],
      ...subjects.flatMap(({ name, warm, cold }) => [
        [`${name}, warm`, ms(median(warm)), ms(percentile(warm, 0.99)), times(median(warm))],
        [`${name}, cold`, ms(median(cold)), ms(percentile(cold, 0.99)), times(median(cold))],
      ]),
    ],
  ),
);
console.log(
  `\n${WARM_ROUNDS} warm rounds, ${COLD_ROUNDS} cold ones (release and artifact from R2, new isolate, first call).`,
);
