import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { componentWit, transpile } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildValidator, type BuiltValidator } from '../../src/authoring/build-validator.ts';
import { projectRoot } from '../../src/authoring/toolchain.ts';
import { MAX_AMOUNT, MIN_AMOUNT, type Transaction } from '../../src/core/transaction.ts';
import { endingOf } from '../fixtures/attacks.ts';
import { readCases } from '../fixtures/cases.ts';
import { HOSTS, openHost } from '../fixtures/hosts.ts';

const examples = join(projectRoot, 'examples/validators');
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wasmpay-test-'));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** A copy of an example in a folder of its own, so that a test may change it. */
async function copyExample(example: string, copy: string): Promise<string> {
  const directory = join(scratch, copy, example);
  await cp(join(examples, example), directory, { recursive: true });
  return directory;
}

async function rewrite(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
}

function build(directory: string, out = join(scratch, 'out')): Promise<BuiltValidator> {
  return buildValidator({ directory, outDirectory: out });
}

interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly cabi_realloc: (pointer: number, size: number, alignment: number, newSize: number) => number;
}

/** A component run as jco makes it, and its core module's exports. For trusted components only. */
async function instantiate(component: Uint8Array, name: string) {
  const { files } = await transpile(component, { name, instantiation: 'sync', base64Cutoff: 0 });
  const directory = await mkdtemp(join(scratch, 'glue-'));
  const glue = join(directory, `${name}.mjs`);
  const modules = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [file, bytes] of Object.entries(files)) {
    if (file.endsWith('.wasm')) modules.set(file, new Uint8Array(bytes));
    if (file === `${name}.js`) await writeFile(glue, bytes);
  }
  const { instantiate } = (await import(pathToFileURL(glue).href)) as {
    instantiate: (
      getCoreModule: (file: string) => WebAssembly.Module,
      imports: object,
      instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
    ) => { validation: { validate: (transaction: Transaction) => boolean } };
  };
  const cores: CoreExports[] = [];
  const { validation } = instantiate(
    (file) => new WebAssembly.Module(modules.get(file) ?? new Uint8Array()),
    { 'wasmpay:platform/types': {} },
    (module, imports) => {
      const instance = new WebAssembly.Instance(module, imports);
      if ('cabi_realloc' in instance.exports) cores.push(instance.exports as unknown as CoreExports);
      return instance;
    },
  );
  const core = cores[0];
  if (core === undefined) throw new Error('no core module exports cabi_realloc');
  return { validate: (transaction: Transaction) => validation.validate(transaction), core };
}

async function importsOf(component: Uint8Array): Promise<string[]> {
  return [...(await componentWit(component)).matchAll(/^ {2}import ([^;]+);/gm)].map(
    ([, name]) => name ?? '',
  );
}

const payment: Transaction = {
  id: 'txn_1',
  origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000n },
  status: 'pending',
};

describe('icamer in AssemblyScript', () => {
  let built: BuiltValidator;
  let guest: Awaited<ReturnType<typeof instantiate>>;

  beforeAll(async () => {
    built = await build(await copyExample('icamer-assemblyscript', 'first'));
    guest = await instantiate(built.component, 'icamer');
  });

  it('is a component of less than 8 KiB that imports types only', async () => {
    expect(built).toMatchObject({ bank: 'icamer', name: 'icamer-assemblyscript', built: true });
    expect(built.component.byteLength).toBeLessThan(8 * 1024);
    expect(await importsOf(built.component)).toEqual(['wasmpay:platform/types@0.1.0']);
  });

  it('has a core module that imports nothing', async () => {
    const { files } = await transpile(built.component, { name: 'icamer', base64Cutoff: 0 });
    const cores = Object.entries(files).filter(([file]) => file.endsWith('.wasm'));
    expect(cores).toHaveLength(1);
    for (const [, bytes] of cores) {
      expect(WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes)))).toEqual([]);
    }
  });

  it('is the same bytes wherever and whenever it is built', async () => {
    const again = await build(
      await copyExample('icamer-assemblyscript', 'again'),
      join(scratch, 'out-again'),
    );
    expect(again.built).toBe(true);
    expect(again.digest).toBe(built.digest);
    expect(again.component).toEqual(built.component);
  });

  it('answers each of its cases', async () => {
    const cases = readCases('icamer-assemblyscript');
    expect(cases.length).toBeGreaterThanOrEqual(10);
    for (const { name, expect: expected, transaction } of cases) {
      expect({ name, answer: guest.validate(transaction) ? 'approve' : 'deny' }).toEqual({
        name,
        answer: expected,
      });
    }
  });

  it('reads members at their places whatever the lengths of the strings before them', () => {
    for (let length = 0; length < 40; length += 1) {
      for (const letter of ['a', 'é', '日', '🏦']) {
        const text = letter.repeat(length);
        const bank = { id: text, name: text, country: 'GBR', currency: text };
        const amount = { name: text, symbol: text, amount: 1n };
        const transaction: Transaction = { id: text, origin: bank, destination: bank, amount, status: text };
        expect(guest.validate(transaction)).toBe(true);
        expect(guest.validate({ ...transaction, amount: { ...amount, amount: 0n } })).toBe(false);
        expect(guest.validate({ ...transaction, destination: { ...bank, country: text } })).toBe(false);
      }
    }
  });

  it('reads amounts as signed 64-bit integers', () => {
    const ask = (amount: bigint): boolean =>
      guest.validate({ ...payment, amount: { ...payment.amount, amount } });
    expect([MAX_AMOUNT, 2n ** 32n, 2n ** 31n, 1n].map(ask)).toEqual([true, true, true, true]);
    expect([MIN_AMOUNT, -(2n ** 32n), -1n, 0n].map(ask)).toEqual([false, false, false, false]);
  });

  it('stays in one page over 10,000 calls with the longest strings', () => {
    const longest = 'x'.repeat(1024);
    const bank = { id: longest, name: longest, country: 'USA', currency: longest };
    const amount = { name: longest, symbol: longest, amount: 1n };
    const transaction: Transaction = {
      id: longest,
      origin: bank,
      destination: bank,
      amount,
      status: longest,
    };
    for (let call = 0; call < 10_000; call += 1) guest.validate(transaction);
    expect(guest.validate(transaction)).toBe(true);
    expect(guest.core.memory.buffer.byteLength).toBe(65_536);
  });

  it('gives memory as the canonical ABI asks: aligned, apart, grown, copied, or a trap', async () => {
    const { core } = await instantiate(built.component, 'icamer');
    const end = (): number => core.memory.buffer.byteLength;
    let last = 0;
    for (const alignment of [1, 2, 4, 8]) {
      for (const size of [1, 3, 8, 13, 104, 1024]) {
        const pointer = core.cabi_realloc(0, 0, alignment, size);
        expect(pointer % alignment).toBe(0);
        expect(pointer).toBeGreaterThanOrEqual(last);
        last = pointer + size;
      }
    }
    const small = core.cabi_realloc(0, 0, 1, 4);
    new Uint8Array(core.memory.buffer).set([1, 2, 3, 4], small);
    core.cabi_realloc(0, 0, 1, 1);
    const moved = core.cabi_realloc(small, 4, 1, 200);
    expect([...new Uint8Array(core.memory.buffer, moved, 4)]).toEqual([1, 2, 3, 4]);
    const large = core.cabi_realloc(0, 0, 8, 300_000);
    expect(large + 300_000).toBeLessThanOrEqual(end());
    expect(() => core.cabi_realloc(0, 0, 1, 0x7fff_ffff)).toThrow(WebAssembly.RuntimeError);
    expect(() => core.cabi_realloc(0, 0, 1, -1)).toThrow(WebAssembly.RuntimeError);
  });
});

describe('AssemblyScript for other validators', () => {
  it('compares strings beyond ASCII, makes strings, and forgets them after each call', async () => {
    const directory = await copyExample('icamer-assemblyscript', 'strings');
    await writeFile(
      join(directory, 'validator.ts'),
      `import { Transaction } from 'wasmpay';
import { LIMITS } from './limits';

export function validate(transaction: Transaction): bool {
  const name = transaction.origin.name;
  if (name.is('é日🏦')) return transaction.origin.country.equals(transaction.destination.country);
  if (!LIMITS.has(name.toString())) return false;
  return transaction.amount.amount <= LIMITS.get(name.toString());
}
`,
    );
    await writeFile(
      join(directory, 'limits.ts'),
      `export const LIMITS = new Map<string, i64>();
LIMITS.set('small', 10);
LIMITS.set('gro\\u00df', 1000);
`,
    );
    const { component } = await build(directory, join(scratch, 'out-strings'));
    const guest = await instantiate(component, 'strings');
    const ask = (name: string, amount: bigint, country = 'USA'): boolean =>
      guest.validate({
        ...payment,
        origin: { ...payment.origin, name, country },
        amount: { ...payment.amount, amount },
      });
    for (let call = 0; call < 5_000; call += 1) {
      expect(ask('é日🏦', 1n, 'GBR')).toBe(true);
      expect(ask('é日🏦', 1n, 'USA')).toBe(false);
      expect(ask('é日🏥', 1n, 'GBR')).toBe(false);
      expect(ask('small', 10n)).toBe(true);
      expect(ask('small', 11n)).toBe(false);
      expect(ask('groß', 1000n)).toBe(true);
      expect(ask('unknown', 0n)).toBe(false);
    }
    expect(guest.core.memory.buffer.byteLength).toBeLessThanOrEqual(2 * 65_536);
  });

  it.each([
    [
      'a syntax error',
      'transaction.amount.amount > 0',
      'transaction.amount.amount >',
      /^validator\.ts:7:33: TS1109: Expr/m,
    ],
    [
      'a type error',
      'transaction.amount.amount > 0',
      'transaction.amounts > 0',
      /^validator\.ts:7:17: TS2339/m,
    ],
    ['a text compared with ==', "country.is('USA')", "country == 'USA'", /^validator\.ts:14:\d+: TS/m],
    ['an import from outside', "'wasmpay'", "'../outside'", /^validator\.ts:3:\d+: TS6054/m],
    ['no validate', 'function validate(', 'function check(', /^validator\.ts:1:1: TS/m],
  ])('is refused with file and line for %s', async (title, from, to, message) => {
    const directory = await copyExample('icamer-assemblyscript', `bad-${title.replaceAll(' ', '-')}`);
    await writeFile(join(directory, '../outside.ts'), 'export class Transaction {}\nexport class Text {}\n');
    await rewrite(join(directory, 'validator.ts'), from, to);
    await expect(build(directory)).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('fails as a build, not as a process, for a core import that no contract names', async () => {
    const directory = await copyExample('icamer-assemblyscript', 'import');
    await rewrite(
      join(directory, 'validator.ts'),
      'export function validate',
      "@external('env', 'peek')\ndeclare function peek(): i64;\n\nexport function validate",
    );
    await rewrite(join(directory, 'validator.ts'), 'amount.amount > 0', 'amount.amount > peek()');
    await expect(build(directory)).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('env') as string,
    });
  });
});

describe('AssemblyScript with reasons', () => {
  /** A copy of the example for contract 0.2.0 with this validator. */
  async function buildWithReasons(name: string, body: string): Promise<BuiltValidator> {
    const directory = await copyExample('icamer-assemblyscript', name);
    await rewrite(join(directory, 'validator.json'), '@0.1.0', '@0.2.0');
    await writeFile(
      join(directory, 'validator.ts'),
      `import { Transaction, Verdict } from 'wasmpay';\n${body}`,
    );
    return build(directory, join(scratch, `out-${name}`));
  }

  it('answers verdicts, made for the call or before it, and forgets them after each', async () => {
    const { component } = await buildWithReasons(
      'reasons',
      `const BLOCKED = Verdict.deny('RR04', 'é日🏦');

export function validate(transaction: Transaction): Verdict {
  if (transaction.origin.country.is('PRK')) return BLOCKED;
  if (transaction.amount.amount < 0) return Verdict.deny('AM12');
  if (transaction.amount.amount > 1000) return Verdict.deny('AM02', 'above ' + (1000).toString());
  if (transaction.status.is('long')) return Verdict.deny('A'.repeat(36));
  if (transaction.status.is('lone')) return Verdict.deny('AM04', String.fromCharCode(0xd800));
  return Verdict.approve();
}
`,
    );
    expect(component.byteLength).toBeLessThan(16 * 1024);
    expect(await importsOf(component)).toEqual(['wasmpay:platform/types@0.2.0']);
    for (const name of HOSTS) {
      await using host = await openHost(name);
      const subject = await host.prepare(component);
      const ask = async (amount: bigint, country = 'USA', status = 'pending') => {
        const origin = { ...payment.origin, country };
        const transaction = { ...payment, origin, status, amount: { ...payment.amount, amount } };
        const outcome = await host.call(subject, { transaction });
        return outcome.kind === 'verdict' ? outcome.verdict : outcome.failure.code;
      };
      const approve = { kind: 'approve' };
      for (let round = 0; round < 3; round += 1) {
        expect(await ask(1000n)).toEqual(approve);
        expect(await ask(1001n)).toEqual({
          kind: 'deny',
          denial: { code: 'AM02', message: 'above 1000' },
        });
        expect(await ask(1n, 'PRK')).toEqual({ kind: 'deny', denial: { code: 'RR04', message: 'é日🏦' } });
        expect(await ask(-1n)).toEqual({ kind: 'deny', denial: { code: 'AM12' } });
        expect(await ask(1n, 'USA', 'long')).toBe('bad_output');
        expect(await ask(1n, 'USA', 'lone')).toBe('trap');
      }
    }
  });

  it('keeps its heap where it was over 10,000 calls of one instance', async () => {
    const { component } = await buildWithReasons(
      'reasons-heap',
      `export function validate(transaction: Transaction): Verdict {
  return Verdict.deny('AM02', transaction.origin.name.toString());
}
`,
    );
    const guest = await instantiate(component, 'heap');
    const transaction = { ...payment, origin: { ...payment.origin, name: 'x'.repeat(1024) } };
    const validate = guest.validate as (transaction: Transaction) => unknown;
    for (let call = 0; call < 10_000; call += 1) validate(transaction);
    expect(validate(payment)).toEqual({
      tag: 'deny',
      val: { code: 'AM02', message: payment.origin.name },
    });
    expect(guest.core.memory.buffer.byteLength).toBe(65_536);
  });

  it.each([
    ['a bool', 'bool { return true; }'],
    ['a number, which could be an address', 'i32 { return 0; }'],
    ['nothing', 'void {}'],
  ])('is refused where validate answers %s', async (title, answer) => {
    const name = `reasons-${title.replaceAll(/\W+/g, '-')}`;
    await expect(
      buildWithReasons(name, `export function validate(transaction: Transaction): ${answer}\n`),
    ).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/^validator\.ts:1:1: TS/m) as string,
    });
  });

  it('is refused where a validator of 0.1.0 answers a verdict', async () => {
    const directory = await copyExample('icamer-assemblyscript', 'reasons-early');
    await writeFile(
      join(directory, 'validator.ts'),
      `import { Transaction, Verdict } from 'wasmpay';
export function validate(transaction: Transaction): Verdict { return Verdict.deny('AM02'); }
`,
    );
    await expect(build(directory)).rejects.toMatchObject({ code: 'source_invalid' });
  });
});

describe('nordhaven in TypeScript', () => {
  it('is type-checked, bundled and componentized, and asks for nothing outside WASI 0.2', async () => {
    const built = await build(await copyExample('nordhaven-typescript', 'first'));
    expect(built).toMatchObject({ bank: 'nordhaven', name: 'nordhaven-typescript', built: true });
    const imports = await importsOf(built.component);
    expect(imports).toContain('wasmpay:platform/types@0.1.0');
    expect(imports.filter((name) => !/^wasi:(?:io|cli|clocks|filesystem|random)\//.test(name))).toEqual([
      'wasmpay:platform/types@0.1.0',
    ]);
  });

  it('has cases that are transactions', async () => {
    expect(readCases('nordhaven-typescript').length).toBeGreaterThanOrEqual(10);
  });

  it.each([
    ['a syntax error', 'return transaction', 'return = transaction', /^validator\.ts:7:\d+: TS1109/m],
    [
      'a type error',
      'transaction.amount.name ===',
      'transaction.amount.names ===',
      /^validator\.ts:7:\d+: TS2551/m,
    ],
    [
      'a verdict that is no boolean',
      'validate(transaction)',
      'async validate(transaction)',
      /^validator\.ts:6:\d+: TS2322/m,
    ],
    ['another export', 'const validation', 'const rule', /^validator\.ts:1:1: TS/m],
    [
      'what QuickJS has not',
      'return transaction',
      'console.log(1); return transaction',
      /^validator\.ts:7:\d+: TS2584/m,
    ],
  ])('is refused with file and line for %s', async (title, from, to, message) => {
    const directory = await copyExample('nordhaven-typescript', `bad-${title.replaceAll(' ', '-')}`);
    await rewrite(join(directory, 'validator.ts'), from, to);
    await expect(build(directory)).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is refused for an import that leads out of its folder', async () => {
    const directory = await copyExample('nordhaven-typescript', 'outside');
    await writeFile(join(directory, '../outside.ts'), 'export const outside = 1;\n');
    await rewrite(
      join(directory, 'validator.ts'),
      'export const',
      "import { outside } from '../outside.ts';\nvoid outside;\nexport const",
    );
    await expect(build(directory)).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/^validator\.ts:5:\d+: import of /m) as string,
    });
  });

  it.each([
    ['imports a type of a file outside', "import type { KEY } from '../outside.ts';", 'typeof KEY'],
    ['names one in a type', '', "typeof import('../outside.ts').KEY"],
    ['refers to one', '/// <reference path="../outside.d.ts" />', 'typeof OUTSIDE'],
  ])('tells nothing of it where it %s', async (_name, line, type) => {
    const directory = await copyExample('nordhaven-typescript', 'outside-type');
    await writeFile(join(directory, '../outside.ts'), "export const KEY = 'a secret of the machine';\n");
    await writeFile(
      join(directory, '../outside.d.ts'),
      "declare const OUTSIDE: 'a secret of the machine';\n",
    );
    const source = await readFile(join(directory, 'validator.ts'), 'utf8');
    // Wrong on purpose: the compiler would say what the type is.
    const leak = `export const leak: 'x' = null as unknown as ${type};`;
    for (const more of [leak, '']) {
      await writeFile(join(directory, 'validator.ts'), `${line}\n${source}\n${more}\n`);
      const text = await build(directory).then(
        () => 'built',
        (error: unknown) => String(error),
      );
      expect(text).not.toContain('a secret');
      if (line !== '' || more !== '') expect(text).toContain("leads out of the validator's folder");
    }
  });

  it('is stopped when its top level never ends', async () => {
    const directory = await copyExample('nordhaven-typescript', 'endless');
    await rewrite(
      join(directory, 'validator.ts'),
      'export const',
      'let turns = 1;\nwhile (turns > 0) turns += 1;\nexport const',
    );
    await expect(
      buildValidator({ directory, outDirectory: join(scratch, 'out'), timeoutMs: 5_000 }),
    ).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('did not end') as string,
    });
  });
});

describe('meridian in TypeScript, with reasons', () => {
  it('is a component of contract 0.2.0', async () => {
    const built = await build(await copyExample('meridian-typescript', 'first'));
    expect(await importsOf(built.component)).toContain('wasmpay:platform/types@0.2.0');
    expect(await componentWit(built.component)).toContain('export wasmpay:platform/validation@0.2.0');
  });

  it('has cases that name a reason for each denial', () => {
    const cases = readCases('meridian-typescript');
    expect(cases.length).toBeGreaterThanOrEqual(10);
    for (const { name, expect: expected, reason } of cases)
      expect(reason !== undefined, name).toBe(expected === 'deny');
  });

  it.each([
    ['a bool', "{ tag: 'approve' }", 'true', /^validator\.ts:\d+:\d+: TS2322/m],
    ['another verdict', "tag: 'approve'", "tag: 'maybe'", /^validator\.ts:\d+:\d+: TS2322/m],
    ['a denial without its reason', ', val: denial', '', /^validator\.ts:\d+:\d+: TS2322/m],
    ['a reason without its message', ", message: 'nothing to pay'", '', /^validator\.ts:\d+:\d+: TS2741/m],
    [
      'the types of the other contract',
      'validation@0.2.0',
      'validation@0.1.0',
      /^validator\.ts:\d+:\d+: TS/m,
    ],
  ])('is refused with file and line for %s', async (title, from, to, message) => {
    const directory = await copyExample('meridian-typescript', `bad-${title.replaceAll(' ', '-')}`);
    await rewrite(join(directory, 'validator.ts'), from, to);
    await expect(build(directory)).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is refused where its descriptor names the other contract', async () => {
    const directory = await copyExample('meridian-typescript', 'other-contract');
    await rewrite(join(directory, 'validator.json'), '@0.2.0', '@0.1.0');
    await expect(build(directory)).rejects.toMatchObject({ code: 'source_invalid' });
  });

  it('approves nothing by an answer that is no verdict, whatever its types say', async () => {
    const directory = await copyExample('meridian-typescript', 'no-verdict');
    await writeFile(
      join(directory, 'validator.ts'),
      `import type { Validation, Verdict } from 'wasmpay:platform/validation@0.2.0';

const ANSWERS: Readonly<Record<string, unknown>> = {
  good: { tag: 'approve' },
  bool: true,
  number: 0,
  text: 'approve',
  nothing: undefined,
  list: ['approve'],
  promise: Promise.resolve({ tag: 'approve' }),
  tag: { tag: 'APPROVE' },
  object: {},
  denial: { tag: 'deny' },
  code: { tag: 'deny', val: { code: 4, message: '' } },
  lone: { tag: 'deny', val: { code: 'AM04', message: '\\ud800' } },
};

export const validation: Validation = {
  validate: ({ status }) => ANSWERS[status] as Verdict,
};
`,
    );
    const { component } = await build(directory, join(scratch, 'out-no-verdict'));
    await using host = await openHost('node');
    const subject = await host.prepare(component);
    const ask = async (status: string): Promise<string> =>
      endingOf(await host.call(subject, { transaction: { ...payment, status } }));
    expect(await ask('good')).toBe('approve');
    const others = [
      'bool',
      'number',
      'text',
      'nothing',
      'list',
      'promise',
      'tag',
      'object',
      'denial',
      'code',
      'lone',
    ];
    for (const status of others) expect(await ask(status), status).toBe('trap');
  });
});

describe('a second build', () => {
  it('happens only when something that decides the result changed', async () => {
    const directory = await copyExample('icamer-assemblyscript', 'changes');
    const out = join(scratch, 'out-changes');
    const first = await build(directory, out);
    const second = await build(directory, out);
    expect(second).toMatchObject({ built: false, digest: first.digest });
    expect(second.component).toEqual(first.component);

    await writeFile(join(directory, 'README.md'), 'other words');
    expect((await build(directory, out)).built).toBe(false);
    // A component beside its sources is none of them.
    const beside = join(directory, 'build');
    expect(await build(directory, beside)).toMatchObject({ built: true, digest: first.digest });
    expect((await build(directory, beside)).built).toBe(false);
    expect((await build(directory, out)).built).toBe(false);

    await rewrite(join(directory, 'validator.ts'), "'GBR'", "'IRL'");
    const third = await build(directory, out);
    expect(third.built).toBe(true);
    expect(third.digest).not.toBe(first.digest);
    expect(third.component).not.toEqual(first.component);

    await writeFile(third.componentPath, 'cut short');
    const fourth = await build(directory, out);
    expect(fourth.built).toBe(true);
    expect(fourth.component).toEqual(third.component);
    expect(new Uint8Array(await readFile(fourth.componentPath))).toEqual(third.component);
  }, 120_000);
});

describe('a descriptor', () => {
  it.each([
    ['"bank": "icamer"', '"bank": "no bank"'],
    ['"assemblyscript"', '"cobol"'],
    ['wasmpay:platform@0.1.0', 'wasmpay:platform@9.9.9'],
    ['"world": "validator"', '"world": "command"'],
    ['"source": "validator.ts"', '"source": "../validator.ts"'],
    ['{', '['],
  ])('is refused with %s as %s', async (from, to) => {
    const directory = await copyExample('icamer-assemblyscript', `descriptor-${Math.random()}`);
    await rewrite(join(directory, 'validator.json'), from, to);
    await expect(build(directory)).rejects.toMatchObject({ code: 'usage' });
  });

  it('is missed by name', async () => {
    await expect(build(join(scratch, 'nowhere'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('validator.json') as string,
    });
  });
});
