// `npm run bench:neighbours`: what a bank's callers notice of another bank's validator in the same process. A quiet rate of
// payments to one bank; then the same beside payments to a bank whose validator does no harm, whose never ends, and
// whose burns nearly all of its fuel and answers. Node and workerd. Phases are interleaved.

import { validatorFromCoreWat } from '../test/fixtures/components.ts';
import { startLiveGateway } from '../test/fixtures/live-gateway.ts';
import { loadAtRate, type Target } from './load.ts';
import { buildExample, startNodeGateway } from './node-gateway.ts';
import { paymentTo } from './payments.ts';
import { median, percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 3);
/** A validator that was never seen gets three calls before its pause: their share of a quarter of a minute. */
const PHASE_MS = 15_000;
const QUIET_PER_SECOND = 200;
const HOSTILE_PER_SECOND = 50;

const burn = (turns: number): string => `
  (local $turn i32)
  (local.set $turn (i32.const ${turns}))
  (loop $again
    (local.set $turn (i32.sub (local.get $turn) (i32.const 1)))
    (br_if $again (local.get $turn)))
  i32.const 1`;

const BESIDE = {
  harmless: 'i32.const 1',
  endless: '(loop $again (br $again)) i32.const 1',
  burner: burn(2_500_000),
};

interface Bed {
  readonly host: string;
  readonly port: number;
  publish(bank: string, component: Uint8Array): Promise<unknown>;
}

async function measure(bed: Bed): Promise<string[][]> {
  const { bank, component } = await buildExample('icamer-assemblyscript');
  await bed.publish(bank, component);
  for (const [name, validateBody] of Object.entries(BESIDE)) {
    await bed.publish(name, await validatorFromCoreWat({ validateBody }));
  }
  const targetOf = (to: string, expected: string): Target => ({
    port: bed.port,
    path: '/v1/validate',
    host: 'localhost',
    bodies: [paymentTo(to)],
    expected,
  });
  const quiet = targetOf(bank, '"decided_by":"validator"');
  await loadAtRate(quiet, QUIET_PER_SECOND, 3_000);
  const phases = ['alone', ...Object.keys(BESIDE)].map((name) => ({
    name,
    p50: [] as number[],
    p99: [] as number[],
  }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const phase of phases) {
      const beside =
        phase.name === 'alone'
          ? undefined
          : loadAtRate(targetOf(phase.name, '"decision"'), HOSTILE_PER_SECOND, PHASE_MS);
      const { latencies } = await loadAtRate(quiet, QUIET_PER_SECOND, PHASE_MS);
      await beside;
      phase.p50.push(median(latencies));
      phase.p99.push(percentile(latencies, 0.99));
    }
  }
  const alone = median(phases[0]?.p99 ?? []);
  return phases.map(({ name, p50, p99 }) => [
    `${bed.host}, beside ${name === 'alone' ? 'nobody' : name}`,
    median(p50).toFixed(2),
    median(p99).toFixed(2),
    (median(p99) / alone).toFixed(2),
  ]);
}

const rows: string[][] = [];
{
  using gateway = await startNodeGateway();
  rows.push(
    ...(await measure({
      host: 'Node',
      port: gateway.port,
      publish: (bank, component) => gateway.command({ kind: 'publish', bank, component }),
    })),
  );
}
{
  await using gateway = await startLiveGateway();
  rows.push(
    ...(await measure({
      host: 'workerd',
      port: Number(gateway.directUrl.port),
      publish: (bank, component) => gateway.publish(bank, new Uint8Array(component)),
    })),
  );
}
console.log(
  table(
    [
      `icamer, ${QUIET_PER_SECOND} payments/s, beside ${HOSTILE_PER_SECOND}/s`,
      'p50 ms',
      'p99 ms',
      'p99 / alone',
    ],
    rows,
  ),
);
