// `wasmpay test` and `wasmpay bench` on components: what each case gets, what is printed, and how the command ends.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  componentFromCoreWat,
  contractWit,
  plainValidator,
  validatorCoreWat,
  validatorFromCoreWat,
} from '../fixtures/components.ts';
import { startProcess } from '../entry/dev-process.ts';
import { errorCodeOf, jsonOf, refusalCodesOf, runCommand, unprintableIn } from './command.ts';

let folder = '';

const BANK = { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' };
const TRANSACTION = {
  id: 'txn_1',
  origin: BANK,
  destination: { ...BANK, id: 'mybank' },
  amount: { name: 'Euro', symbol: '€', amount: 100 },
  status: 'pending',
};

/** A folder with a component and these cases beside it; gives the component's path. */
async function keep(name: string, component: Uint8Array, cases: readonly object[]): Promise<string> {
  const directory = join(folder, name);
  await mkdir(directory);
  await writeFile(join(directory, 'validator.wasm'), component);
  await writeFile(
    join(directory, 'cases.json'),
    JSON.stringify({ cases: cases.map((one) => ({ transaction: TRANSACTION, ...one })) }, undefined, 2),
  );
  return join(directory, 'validator.wasm');
}

const APPROVED = { name: 'a payment', expect: 'approve' };
const DENIED = { name: 'another <payment> & "more" \u001b[31m', expect: 'deny' };

let approving = '';
let looping = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-test-command-'));
  approving = await keep('approving', await plainValidator(), [APPROVED, DENIED]);
  const loop = await validatorFromCoreWat({ validateBody: '(loop $again (br $again)) unreachable' });
  looping = await keep('looping', loop, [APPROVED]);
});
afterAll(() => rm(folder, { recursive: true }));

interface JsonCase {
  readonly name: string;
  readonly passed: boolean;
  readonly decision: string;
  readonly fuel: number;
  readonly memoryBytes: number;
  readonly failure?: { readonly code: string };
  readonly differences: readonly object[];
}

describe('wasmpay test', () => {
  it('shows what was asked for and what came where a case fails, and exits with 1', async () => {
    const result = await runCommand(['test', approving]);
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^pass {2}a payment .*approve +[\d,]+ fuel {2}64\.0 KiB$/m);
    expect(result.stdout).toMatch(/^FAIL {2}another <payment>[^]*^ +- deny\n +\+ approve$/m);
    expect(result.stdout).toMatch(/^2 cases: 1 passed, 1 failed; trial: 7 probes answered; \d+\.\d s$/m);
    // Not a terminal: no colours; and a case's name brings none of its own.
    expect(unprintableIn(result)).toEqual([]);
  });

  it('answers a program with the same, exit code and all', async () => {
    const result = await runCommand(['test', approving, '--json']);
    expect(result.code).toBe(1);
    const { passed, publishable, counts, limits, cases } = jsonOf(result) as { cases: JsonCase[] } & Record<
      string,
      unknown
    >;
    expect({ passed, publishable, counts, limits }).toMatchObject({
      passed: false,
      publishable: true,
      counts: { cases: 2, failed: 1 },
      limits: { fuel: 35_000_000, memoryPages: 256 },
    });
    expect(cases).toMatchObject([
      { name: 'a payment', passed: true, decision: 'approve', memoryBytes: 65_536, differences: [] },
      { passed: false, differences: [{ what: 'decision', expected: 'deny', got: 'approve' }] },
    ]);
    expect(cases[0]?.fuel).toBeGreaterThan(0);
  });

  it('writes JUnit XML that parses, whatever a case is called', async () => {
    const report = join(folder, 'report.xml');
    const { code } = await runCommand(['test', approving, '--junit', report]);
    expect(code).toBe(1);
    const { elements, attributes } = parseXml(await readFile(report, 'utf8'));
    const passed = 'testcase properties property property';
    expect(elements.join(' ')).toBe(`testsuites testsuite testcase ${passed} ${passed} failure`);
    expect(attributes).toContainEqual(['failures', '1']);
    expect(attributes).toContainEqual(['name', 'another <payment> & "more" \ufffd[31m']);
    expect(attributes).toContainEqual(['message', 'decision: expected deny, got approve']);
  });

  it('ends a validator that loops: a failing case with fuel_exhausted, which would not be published', async () => {
    const result = await runCommand(['test', looping, '--json']);
    expect(result.code).toBe(1);
    expect(refusalCodesOf(result)).toEqual(['trial_failed']);
    const [only] = (jsonOf(result) as { cases: JsonCase[] }).cases;
    expect(only).toMatchObject({ passed: false, decision: 'failure', failure: { code: 'fuel_exhausted' } });
    expect((await runCommand(['test', looping])).stdout).toContain('+ no answer: fuel_exhausted');
  });

  it('runs under the limits that it is given, and holds a case to its own bound of fuel', async () => {
    const bounded = await keep('bounded', await plainValidator(), [
      { ...APPROVED, most_fuel: 100_000 },
      { ...APPROVED, name: 'too dear', most_fuel: 1 },
    ]);
    const { cases } = jsonOf(await runCommand(['test', bounded, '--json'])) as { cases: JsonCase[] };
    expect(cases.map(({ passed }) => passed)).toEqual([true, false]);
    expect(cases[1]?.differences).toMatchObject([{ what: 'fuel', expected: 'at most 1' }]);
    const { limits } = jsonOf(await runCommand(['test', bounded, '--json', '--limit', 'fuel=2000000']));
    expect(limits).toMatchObject({ fuel: 2_000_000 });
  });

  it('holds reasons against the case, code and message', async () => {
    const verdict = await componentFromCoreWat(
      denyingCoreWat('AM02', 'above'),
      contractWit('0.2.0'),
      'validator',
    );
    const reasons = await keep('reasons', verdict, [
      { name: 'any', expect: 'deny' },
      { name: 'code', expect: 'deny', reason: { code: 'AM02' } },
      { name: 'both', expect: 'deny', reason: { code: 'AM02', message: 'above' } },
      { name: 'other code', expect: 'deny', reason: { code: 'AM04', message: 'above' } },
      { name: 'other message', expect: 'deny', reason: { code: 'AM02', message: 'below' } },
      { name: 'approval', expect: 'approve' },
    ]);
    const result = await runCommand(['test', reasons, '--json']);
    const { cases } = jsonOf(result) as { cases: JsonCase[] };
    expect(cases.map(({ name, differences }) => [name, differences])).toEqual([
      ['any', []],
      ['code', []],
      ['both', []],
      ['other code', [{ what: 'code', expected: 'AM04', got: 'AM02' }]],
      ['other message', [{ what: 'message', expected: '"below"', got: '"above"' }]],
      ['approval', [{ what: 'decision', expected: 'approve', got: 'deny' }]],
    ]);
  });

  it('tells faults of cases.json with line and way out, and runs nothing', async () => {
    const bad = await keep('bad', await plainValidator(), [{ ...APPROVED, expect: 'aprove' }]);
    const result = await runCommand(['test', bad]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cases\.json:\d+:\d+: \/cases\/0\/expect: must be "approve" or "deny"/);
    expect(result.stderr).toMatch(/^ {2}code {2}cases_invalid\n {2}help {2}/m);
    const asJson = jsonOf(await runCommand(['test', bad, '--json']));
    expect(asJson).toMatchObject({
      error: { code: 'cases_invalid', faults: [{ pointer: '/cases/0/expect' }] },
    });
  });

  it('says where it looked for cases, and takes another file', async () => {
    const alone = join(folder, 'alone.wasm');
    await writeFile(alone, await plainValidator());
    const missing = await runCommand(['test', alone]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/cases\.json \(ENOENT\).*--cases/),
    ]);
    const cases = join(folder, 'approving/cases.json');
    expect((await runCommand(['test', alone, '--cases', cases, '--json'])).code).toBe(1);
  });

  it('says what is neither a folder nor a file, and what is no component', async () => {
    const nothing = await runCommand(['test', join(folder, 'nowhere'), '--json']);
    expect([nothing.code, errorCodeOf(nothing)]).toEqual([2, 'usage']);
    const text = await keep('text', new TextEncoder().encode('not wasm'), [APPROVED]);
    const refused = await runCommand(['test', text, '--json']);
    expect([refused.code, refusalCodesOf(refused)]).toEqual([1, ['not_wasm']]);
  });

  it('with --watch tests again once the component is another', async () => {
    const watched = await keep('watched', await plainValidator(), [APPROVED]);
    const test = startProcess(['bin/wasmpay.js', 'test', watched, '--watch'], {}, 'waiting');
    try {
      await test.ready();
      expect(test.output()).toContain('1 case: 1 passed');
      await writeFile(watched, await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
      await expect.poll(() => test.output(), { timeout: 60_000 }).toContain('1 case: 0 passed, 1 failed');
    } finally {
      await test.end('SIGTERM');
    }
  });
});

describe('wasmpay bench', () => {
  it('measures calls, fuel and cold start', async () => {
    const result = await runCommand(['bench', approving, '--seconds', '1', '--json']);
    expect(result.code).toBe(0);
    const { callUs, fuel, coldStartMs, calls, cases } = jsonOf(result) as Record<
      string,
      Record<string, number>
    >;
    expect(callUs?.['p99']).toBeGreaterThanOrEqual(callUs?.['median'] ?? Infinity);
    expect(coldStartMs?.['median']).toBeGreaterThan(0);
    expect(fuel?.['median']).toBeGreaterThan(0);
    expect(calls).toBeGreaterThan(100);
    expect(cases).toHaveLength(2);
  });

  it('says which case has no answer', async () => {
    const result = await runCommand(['bench', looping, '--json']);
    expect(result.code).toBe(1);
    expect(jsonOf(result)).toMatchObject({
      measured: false,
      failure: { case: 'a payment', code: 'fuel_exhausted' },
    });
  });
});

/** A core module of contract 0.2.0 that denies with this reason: verdict, code and message lie in its memory. */
function denyingCoreWat(code: string, message: string): string {
  const words = [1, 64, code.length, 96, message.length];
  const data = words.map((word) => `\\${word.toString(16).padStart(2, '0')}\\00\\00\\00`).join('');
  return validatorCoreWat({
    validateBody: 'i32.const 16',
    extra: `(data (i32.const 16) "${data}") (data (i32.const 64) "${code}") (data (i32.const 96) "${message}")`,
  }).replaceAll('validation@0.1.0', 'validation@0.2.0');
}

/** Reads XML strictly: every element closed in order, every text and attribute escaped. Throws where it is not so. */
function parseXml(text: string): { elements: string[]; attributes: [string, string][] } {
  const elements: string[] = [];
  const attributes: [string, string][] = [];
  const open: string[] = [];
  const body = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  expect(body).not.toBe(text);
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const match = token.exec(body);
    if (match === null) throw new Error(`no XML at ${JSON.stringify(body.slice(at, at + 40))}`);
    const [, closing, name = '', list = '', empty, content = ''] = match;
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(`${list}${content}`).not.toMatch(/&(?!(amp|lt|gt|quot|#\d+);)|[\u0000-\u0008\u000e-\u001f]/);
    if (closing === '/') expect(open.pop()).toBe(name);
    else if (name !== '') {
      elements.push(name);
      for (const [, key = '', value = ''] of list.matchAll(/ ([a-z]+)="([^"]*)"/g))
        attributes.push([key, unescapeXml(value)]);
      if (empty !== '/') open.push(name);
    }
  }
  expect(open).toEqual([]);
  return { elements, attributes };
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
