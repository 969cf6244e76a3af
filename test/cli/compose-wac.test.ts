// `wasmpay compose` with the real wac. `npm run test:compose` finds one and says where it is; without that there is nothing
// to ask, and the one test says so.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildHarness } from '../../src/authoring/harness.ts';
import { buildValidator } from '../../src/authoring/build-validator.ts';
import { harness } from '../fixtures/compositions.ts';
import { HOSTS, openHost } from '../fixtures/hosts.ts';
import { BAD, GOOD } from '../fixtures/hostile-validator.ts';
import { endingOf } from '../fixtures/attacks.ts';
import { jsonOf, runCommand } from './command.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const FIXTURE = join(ROOT, 'test/fixtures/composed/icamer.wasm');
const EXAMPLES = [
  ['icamer-assemblyscript', '0.1.0'],
  ['meridian-typescript', '0.2.0'],
] as const;

const wac = process.env['WASMPAY_TEST_WAC'];
const REASON = 'no wac: WASMPAY_TEST_WAC is not set, run "npm run test:compose"';

if (wac === undefined) {
  console.warn(`skipped: test/cli/compose-wac.test.ts: ${REASON}`);
  it.skip(`wasmpay compose with wac (${REASON})`, () => undefined);
} else {
  describeWac(wac);
}

function describeWac(program: string): void {
  let folder = '';
  const env = { PATH: `${dirname(program)}:${process.env['PATH'] ?? ''}` };
  const file = (name: string): string => join(folder, name);
  const compose = (...args: string[]) => runCommand(['compose', ...args], { env });

  /** A copy of an example: composing a folder builds in it. */
  async function copyOf(example: string): Promise<string> {
    await cp(join(ROOT, 'examples/validators', example), file(`source/${example}`), { recursive: true });
    return file(`source/${example}`);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wasmpay-wac-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe('wasmpay compose with wac', () => {
    it('makes the committed composition again, byte for byte', async () => {
      const made = await compose(await copyOf('icamer-assemblyscript'), '-o', file('icamer.wasm'));
      expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('composing')]);
      const bytes = await readFile(file('icamer.wasm'));
      if (process.env['WASMPAY_TEST_WAC_WRITE'] !== undefined) await writeFile(FIXTURE, bytes);
      const same = bytes.equals(await readFile(FIXTURE));
      expect(same, 'the same bytes; where they are meant to change: npm run test:compose -- --write').toBe(
        true,
      );
    });

    it.each(EXAMPLES)('composes %s of contract %s, which passes its cases', async (example, contract) => {
      const made = await compose(await copyOf(example), '-o', file(`${example}.wasm`), '--json');
      expect([made.code, jsonOf(made)['contract']]).toEqual([0, `wasmpay:platform@${contract}`]);
      const cases = `examples/validators/${example}/cases.json`;
      const tested = await runCommand(['test', file(`${example}.wasm`), '--cases', cases]);
      expect([tested.code, tested.stdout]).toEqual([0, expect.stringMatching(/(\d+) cases: \1 passed/)]);
    });

    it('has the validator in it byte for byte, whatever the harness: none is built again', async () => {
      const { component, componentPath } = await buildValidator({
        directory: join(ROOT, 'examples/validators/icamer-assemblyscript'),
        outDirectory: join(ROOT, 'build/validators'),
      });
      const denies =
        '(if (i64.gt_s (i64.load offset=88 (local.get $transaction)) (i64.const 9999)) (then (return (i32.const 0))))';
      await writeFile(file('strict.wasm'), await harness({ before: denies }));
      const strict = await compose(componentPath, '-o', file('one.wasm'), '--harness', file('strict.wasm'));
      const own = await compose(componentPath, '-o', file('two.wasm'));
      expect([strict.code, own.code]).toEqual([0, 0]);
      const [one, two] = await Promise.all([readFile(file('one.wasm')), readFile(file('two.wasm'))]);
      const validator = Buffer.from(component);
      expect([one.includes(validator), two.includes(validator)]).toEqual([true, true]);
      for (const name of HOSTS) {
        await using host = await openHost(name);
        // The amount of GOOD is 10,000.
        const answers = [one, two].map(async (bytes) =>
          endingOf(await host.call(await host.prepare(new Uint8Array(bytes)), { transaction: GOOD })),
        );
        expect(await Promise.all(answers), name).toEqual(['deny', 'approve']);
      }
    });

    it('is what `wac plug` by hand gives, and that is inspected, published and run', async () => {
      await writeFile(file('harness.wasm'), await buildHarness('wasmpay:platform@0.1.0'));
      const { componentPath } = await buildValidator({
        directory: join(ROOT, 'examples/validators/icamer-assemblyscript'),
        outDirectory: join(ROOT, 'build/validators'),
      });
      await run(program, ['plug', file('harness.wasm'), '--plug', componentPath, '-o', file('by-hand.wasm')]);
      const bytes = await readFile(file('by-hand.wasm'));
      const inspected = await runCommand(['inspect', file('by-hand.wasm'), '--json']);
      expect([inspected.code, jsonOf(inspected)['publishable']]).toEqual([0, true]);
      for (const name of HOSTS) {
        await using host = await openHost(name);
        const subject = await host.prepare(new Uint8Array(bytes));
        expect((await host.call(subject, { transaction: BAD })).kind, name).toBe('verdict');
      }
    });

    it('composes what is composed already: the outer harness asks the inner one', async () => {
      const made = await compose(FIXTURE, '-o', file('twice.wasm'));
      expect(made.code).toBe(0);
      const cases = 'examples/validators/icamer-assemblyscript/cases.json';
      const tested = await runCommand(['test', file('twice.wasm'), '--cases', cases]);
      expect(tested.code).toBe(0);
    });
  });
}
