// `npm run bench:batches`: decisions a second of batches of 100 as a multiple of those of single requests, on Node and in
// workerd, each without any proxy and over kept connections. Rounds are interleaved. On Node also the processor's time for
// a decision, which tells more than rates do where the machine has other work.

import { setTimeout as sleep } from 'node:timers/promises';

import { DEFAULT_RATIONS } from '../src/gateway/governor.ts';
import { startLiveGateway } from '../test/fixtures/live-gateway.ts';
import { load, type Target } from './load.ts';
import { buildExample, EXAMPLES, startNodeGateway } from './node-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 6);
const ROUND_MS = 1_000;
const BATCH_ITEMS = 100;
const CONNECTIONS = 16;
/** As many as keep the gateway busy: more only make each wait for the others. */
const BATCH_CONNECTIONS = 4;
/** After this long a bank has no neighbours, and no ration either: each subject is measured alone. */
const ALONE_MS = DEFAULT_RATIONS.neighbourMs + 100;

using node = await startNodeGateway();
await using workerd = await startLiveGateway();

/** A batch's answer must have a decision of a validator in its last line. */
const LAST_LINE = `{"index":${BATCH_ITEMS - 1},"decision":"approve"`;

function targetOf(port: number, path: string, body: string, expected: string): Target {
  return { port, path, host: 'localhost', bodies: [body], expected };
}

interface Sample {
  readonly title: string;
  readonly single: Target;
  readonly batch: Target;
  readonly singles: number[];
  readonly batched: number[];
  /** Multiples of the processor's time. */
  readonly saved: number[];
}

const samples: Sample[] = [];
for (const { name, title } of EXAMPLES) {
  const { bank, component } = await buildExample(name);
  await node.command({ kind: 'publish', bank, component });
  await workerd.publish(bank, new Uint8Array(component));
  const payment = paymentTo(bank);
  const batch = `[${Array.from({ length: BATCH_ITEMS }, () => payment).join(',')}]`;
  for (const [runtime, port] of [
    ['Node', node.port],
    ['workerd', Number(workerd.directUrl.port)],
  ] as const) {
    samples.push({
      title: `${runtime}: ${title}`,
      single: targetOf(port, '/v1/validate', payment, '"decided_by":"validator"'),
      batch: targetOf(port, '/v1/validate/batch', batch, LAST_LINE),
      singles: [],
      batched: [],
      saved: [],
    });
  }
}

/** Of the gateway on Node; what workerd uses is not its own alone. */
async function readProcessorMs(): Promise<number> {
  return (await node.command({ kind: 'usage' })).processorMs;
}

for (let round = -1; round < ROUNDS; round += 1) {
  for (const { single, batch, singles, batched, saved } of samples) {
    await sleep(ALONE_MS);
    const startedMs = await readProcessorMs();
    const one = await load(single, CONNECTIONS, ROUND_MS);
    const betweenMs = await readProcessorMs();
    const many = await load(batch, BATCH_CONNECTIONS, ROUND_MS);
    const endedMs = await readProcessorMs();
    if (round < 0) continue;
    singles.push(one.perSecond);
    batched.push(many.perSecond * BATCH_ITEMS);
    const oneMs = (betweenMs - startedMs) / one.requests;
    saved.push(oneMs / ((endedMs - betweenMs) / (many.requests * BATCH_ITEMS)));
  }
}

console.log(
  table(
    [
      `batches of ${BATCH_ITEMS}, warm`,
      'single decisions/s',
      'batched decisions/s',
      'multiple',
      "of processor's time",
    ],
    samples.map(({ title, singles, batched, saved }) => [
      title,
      median(singles).toFixed(0),
      median(batched).toFixed(0),
      // Of the same round: the machine is shared.
      median(batched.map((rate, index) => rate / (singles[index] ?? Number.NaN))).toFixed(1),
      title.startsWith('Node') ? median(saved).toFixed(1) : '',
    ]),
  ),
);
