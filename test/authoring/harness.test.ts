// The platform's harness by itself: a component that we trust, run as jco makes it, with a validator that is a function.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildHarness } from '../../src/authoring/harness.ts';
import type { Transaction } from '../../src/core/transaction.ts';
import { CONTRACT_VERSIONS, type ContractVersion } from '../fixtures/components.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wasmpay-harness-test-'));
});
afterAll(() => rm(scratch, { recursive: true }));

interface Message {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly replyTo?: string;
}
interface RunningHarness {
  readonly validate: (transaction: Transaction) => unknown;
  readonly handleMessage: (message: Message) => void;
  readonly pages: () => number;
}

async function run(
  component: Uint8Array,
  version: ContractVersion,
  validate: (transaction: Transaction) => unknown,
): Promise<RunningHarness> {
  const { files } = await transpile(component, { name: 'harness', instantiation: 'sync', base64Cutoff: 0 });
  const directory = await mkdtemp(join(scratch, 'glue-'));
  const modules = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [file, bytes] of Object.entries(files)) {
    if (file.endsWith('.wasm')) modules.set(file, new Uint8Array(bytes));
    if (file === 'harness.js') await writeFile(join(directory, 'harness.mjs'), bytes);
  }
  const glue = (await import(pathToFileURL(join(directory, 'harness.mjs')).href)) as {
    instantiate: (
      getCoreModule: (file: string) => WebAssembly.Module,
      imports: object,
      instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
    ) => Record<
      string,
      { validate: RunningHarness['validate'] } & { handleMessage: RunningHarness['handleMessage'] }
    >;
  };
  let memory: WebAssembly.Memory | undefined;
  const exports = glue.instantiate(
    (file) => new WebAssembly.Module(modules.get(file) ?? new Uint8Array()),
    {
      'wasmpay:platform/types': {},
      'wasmcloud:messaging/types': {},
      'wasmpay:platform/validation': { validate },
    },
    (module, imports) => {
      const instance = new WebAssembly.Instance(module, imports);
      if (instance.exports['memory'] instanceof WebAssembly.Memory) memory = instance.exports['memory'];
      return instance;
    },
  );
  const validation = exports[`wasmpay:platform/validation@${version}`];
  const handler = exports['wasmcloud:messaging/handler@0.2.0'];
  if (validation === undefined || handler === undefined) throw new Error('the harness lacks an export');
  return {
    validate: (transaction) => validation.validate(transaction),
    handleMessage: (message) => handler.handleMessage(message),
    pages: () => (memory?.buffer.byteLength ?? 0) / 65536,
  };
}

const FULL: Transaction = {
  ...TRANSACTION,
  status: 'zäöü 𝄞',
  amount: { ...TRANSACTION.amount, amount: -(2n ** 63n) },
};
const ANSWERS: Readonly<Record<ContractVersion, readonly unknown[]>> = {
  '0.1.0': [true, false],
  '0.2.0': [
    { tag: 'approve' },
    { tag: 'deny', val: { code: 'AM02', message: 'über 10.000,00 €' } },
    { tag: 'deny', val: { code: 'AM02', message: '' } },
  ],
};

describe.each(CONTRACT_VERSIONS)('the harness for contract %s', (version) => {
  let component: Uint8Array;
  beforeAll(async () => {
    component = await buildHarness(`wasmpay:platform@${version}`);
  });

  it('is the same bytes at each build, and small', async () => {
    expect(await buildHarness(`wasmpay:platform@${version}`)).toEqual(component);
    expect(component.length).toBeLessThan(8 * 1024);
  });

  it('hands the whole transaction on, and the answer back, a thousand times in the same memory', async () => {
    const seen: Transaction[] = [];
    let answer: unknown;
    const harness = await run(component, version, (transaction) => {
      seen.push(transaction);
      return answer;
    });
    const before = harness.pages();
    for (answer of ANSWERS[version]) {
      for (let call = 0; call < 1000; call += 1) {
        const got = harness.validate(FULL);
        if (call === 0 || call === 999) expect(got).toEqual(answer);
      }
    }
    expect(seen).toHaveLength(ANSWERS[version].length * 1000);
    expect([seen[0], seen.at(-1)]).toEqual([FULL, FULL]);
    expect(harness.pages()).toBe(before);
  });

  it('answers every message that it is not served, without asking the validator', async () => {
    const harness = await run(component, version, () => {
      throw new Error('asked');
    });
    const before = harness.pages();
    const messages: Message[] = [
      { subject: 'validate', body: new TextEncoder().encode('{"id":"txn_1"}'), replyTo: 'inbox.1' },
      { subject: '', body: new Uint8Array() },
    ];
    for (const message of messages)
      for (let call = 0; call < 1000; call += 1)
        expect(() => harness.handleMessage(message)).toThrow(
          expect.objectContaining({ payload: expect.stringContaining('not served') as string }) as Error,
        );
    expect(harness.pages()).toBe(before);
  });
});

describe('a harness of one’s own', () => {
  async function folder(name: string, descriptor: object, source: string): Promise<string> {
    const path = join(scratch, name);
    await mkdir(path);
    const members = {
      bank: 'platform',
      language: 'assemblyscript',
      source: 'harness.ts',
      build: 'wasmpay compose',
    };
    await writeFile(join(path, 'validator.json'), JSON.stringify({ ...members, ...descriptor }));
    await writeFile(join(path, 'harness.ts'), source);
    return path;
  }

  it('checks before and after: what the validator approved is denied, and what it would deny is not asked', async () => {
    const path = await folder(
      'strict',
      { contract: 'wasmpay:platform@0.2.0', world: 'validator-messenger' },
      `import { Transaction, Verdict } from 'wasmpay';
      import { askValidator } from 'wasmpay/wrapped-verdict';
      export function validate(transaction: Transaction): Verdict {
        if (transaction.status.is('blocked')) return Verdict.deny('AC06', 'blocked by the platform');
        const verdict = askValidator(transaction);
        if (verdict.approves && transaction.amount.amount > 10000) return Verdict.deny('AM02', 'above the limit');
        return verdict;
      }`,
    );
    let asked = 0;
    const harness = await run(await buildHarness('wasmpay:platform@0.2.0', path), '0.2.0', () => {
      asked += 1;
      return { tag: 'approve' };
    });
    const code = (transaction: Transaction): unknown =>
      (harness.validate(transaction) as { val?: { code: string } }).val?.code;
    expect(code(TRANSACTION)).toBeUndefined();
    expect(code({ ...TRANSACTION, amount: { ...TRANSACTION.amount, amount: 10_001n } })).toBe('AM02');
    expect([code({ ...TRANSACTION, status: 'blocked' }), asked]).toEqual(['AC06', 2]);
  });

  it('is of world validator-messenger, and of the validator’s contract', async () => {
    const source =
      "import { Transaction } from 'wasmpay'; export function validate(t: Transaction): bool { return true; }";
    const plain = await folder('plain', { contract: 'wasmpay:platform@0.1.0', world: 'validator' }, source);
    await expect(buildHarness('wasmpay:platform@0.1.0', plain)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('validator-messenger') as string,
    });
    const other = await folder(
      'other',
      { contract: 'wasmpay:platform@0.1.0', world: 'validator-messenger' },
      source,
    );
    await expect(buildHarness('wasmpay:platform@0.2.0', other)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('wasmpay:platform@0.2.0') as string,
    });
    const typescript = {
      language: 'typescript',
      contract: 'wasmpay:platform@0.1.0',
      world: 'validator-messenger',
    };
    await expect(
      buildHarness('wasmpay:platform@0.1.0', await folder('typescript', typescript, source)),
    ).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('"world"') as string });
  });
});
