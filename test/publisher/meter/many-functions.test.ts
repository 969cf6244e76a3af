// Metering's own time, of modules with many functions: five bytes each, of types with as many values as an engine takes
// or of small ones. Time by the function must not be time by the value: 100,000 functions would hold a publisher for 20 s.

import { expect, it } from 'vitest';
import { fromText, meterOrThrow } from '../../fixtures/meter-run.ts';

const FUNCTIONS = 20_000;

/** Milliseconds of this process to meter functions that take and give `values` values. */
async function timeOf(values: number, body: string): Promise<number> {
  const type = `(type $t (func (param ${'i64 '.repeat(values)}) (result ${'i64 '.repeat(values)})))`;
  const bytes = await fromText(`(module ${type} ${`(func (type $t) ${body})`.repeat(FUNCTIONS)})`);
  const before = process.cpuUsage();
  meterOrThrow(bytes);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it.each(['unreachable', 'unreachable return'])('is not slow by large types: %s', async (body) => {
  await timeOf(1, body);
  const small = await timeOf(1, body);
  expect(await timeOf(999, body)).toBeLessThan(6 * small);
});
