import { componentize } from 'componentize-qjs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildValidator } from '../../../src/authoring/build-validator.ts';
import { parseJson } from '../../../src/core/json.ts';
import { parseTransaction } from '../../../src/core/parse-transaction.ts';
import type { Transaction } from '../../../src/core/transaction.ts';
import { WIT_PATH } from '../../fixtures/components.ts';
import { loadRealComponent, type RealComponent } from '../../fixtures/meter-component.ts';
import { MeterGlobals, MUCH_DEPTH, MUCH_FUEL } from '../../fixtures/meter-run.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/validators/icamer-assemblyscript', import.meta.url));

/** Of everything that an interpreter does a little: the decision is a bit of a hash over all of it. */
const SCRIPT = `
function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
function* countTo(n) { for (let i = 0; i < n; i++) yield i * i; }
export const validation = {
  validate(t) {
    const parts = [];
    parts.push(JSON.stringify(t, (key, value) => typeof value === 'bigint' ? String(value) : value));
    parts.push(t.id.replace(/(\\d)(?=(\\d{3})+$)/g, '$1,').split('').sort().reverse().join(''));
    const numbers = [...countTo(20)].map((n) => Math.sin(n) * parseFloat(String(t.amount.amount)) / 7);
    parts.push(numbers.sort((a, b) => a - b).map((n) => n.toFixed(9)).join());
    parts.push(String(BigInt(t.amount.amount) ** 7n % 1000000007n), typeof t.amount.amount, String(0 / 0), String(Math.hypot(t.id.length, 1 / 3)));
    try { parts.push(null.x); } catch (error) { parts.push(error.name); }
    if (t.status === 'recurse') (function deep() { deep(); })();
    if (t.status === 'spin') for (;;);
    parts.push(fibonacci(12), new Map(Object.entries(t.origin)).size, new Date(0).toISOString());
    const words = new Uint32Array(64);
    const floats = new Float32Array(words.buffer);
    parts.forEach((part, i) => { floats[i] = String(part).length / 3; });
    let hash = 2166136261;
    for (const word of words) hash = Math.imul(hash ^ word, 16777619);
    for (const letter of parts.join('|')) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
    if (t.status === 'throw') throw new Error('on purpose');
    return ((hash ^ hash >>> 13) & 1) === 1;
  },
};`;

let scratch = '';
let script: RealComponent;
let example: RealComponent;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'meter-real-'));
  const built = await componentize({ witPath: WIT_PATH, jsSource: SCRIPT, world: 'validator', sync: true });
  script = await loadRealComponent(new Uint8Array(built.component));
  const { component } = await buildValidator({ directory: EXAMPLE, outDirectory: scratch });
  example = await loadRealComponent(component);
}, 120_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

function transactionOf(amount: bigint, id: string, status: string): Transaction {
  const bank = { id: 'b', name: 'Bank', country: 'DEU', currency: 'EUR' };
  return {
    id,
    origin: bank,
    destination: { ...bank, name: 'Крёз 💶' },
    amount: { name: 'euro', symbol: '€', amount },
    status,
  };
}

/** What a fresh metered instance answers, and the fuel that the call took. */
function judge(component: RealComponent, transaction: Transaction) {
  const globals = new MeterGlobals();
  const validate = component.start(globals);
  expect(globals.depth).toBe(MUCH_DEPTH);
  globals.fuel = MUCH_FUEL;
  const answer = validate(transaction);
  if (answer !== 'trap') expect(globals.depth).toBe(MUCH_DEPTH);
  return { answer, fuel: Number(MUCH_FUEL - globals.fuel) };
}

describe('a QuickJS component, metered', () => {
  it('keeps every core module valid', () => {
    expect(script.coreModules.length).toBeGreaterThan(1);
    for (const bytes of script.meteredModules)
      expect(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)).toBe(true);
  });

  it('decides as it does plain, for the same fuel every time', () => {
    const answers = new Set<unknown>();
    for (let index = 0; index < 24; index += 1) {
      const amount = [1n, -1n, 0n, 10_000n, 2n ** 63n - 1n, -(2n ** 63n)][index % 6] ?? 0n;
      const transaction = transactionOf(amount, `txn_${index * 7919}`, 'pending');
      const { answer, fuel } = judge(script, transaction);
      expect(answer, transaction.id).toBe(script.start()(transaction));
      expect(judge(script, transaction)).toEqual({ answer, fuel });
      expect(fuel).toBeGreaterThan(100_000);
      answers.add(answer);
    }
    expect([...answers].map(String).sort()).toEqual(['false', 'true']);
  });

  it('decides the same on an instance that has answered before', () => {
    const plain = script.start();
    const metered = script.start(new MeterGlobals());
    for (let index = 0; index < 20; index += 1) {
      const transaction = transactionOf(BigInt(index), `txn_${index}`, 'pending');
      expect(metered(transaction)).toBe(plain(transaction));
    }
  });

  it('traps where it traps plain', () => {
    const transaction = transactionOf(1n, 'txn_1', 'throw');
    expect(script.start()(transaction)).toBe('trap');
    expect(judge(script, transaction).answer).toBe('trap');
  });

  it('is stopped by its depth where the script recurses without end, before the engine is out of stack', () => {
    const globals = new MeterGlobals();
    const validate = script.start(globals);
    expect(validate(transactionOf(1n, 'txn_1', 'recurse'))).toBe('trap');
    expect(globals.depth).toBeLessThan(0);
    expect(globals.fuel).toBeGreaterThan(0n);
  });

  it('is stopped by its fuel where the script loops without end', () => {
    const globals = new MeterGlobals();
    const validate = script.start(globals);
    globals.fuel = 5_000_000n;
    expect(validate(transactionOf(1n, 'txn_1', 'spin'))).toBe('trap');
    expect(globals.fuel).toBeLessThan(0n);
    expect(globals.depth).toBeGreaterThanOrEqual(0);
  });

  it('is stopped when its fuel is used up, and needs no less than what it was charged', () => {
    const transaction = transactionOf(1n, 'txn_1', 'pending');
    const { answer, fuel } = judge(script, transaction);
    const globals = new MeterGlobals();
    const exact = script.start(globals);
    globals.fuel = BigInt(fuel);
    expect(exact(transaction)).toBe(answer);
    expect(globals.fuel).toBe(0n);
    const short = script.start(globals);
    globals.fuel = BigInt(fuel - 1);
    short(transaction);
    expect(globals.fuel).toBeLessThan(0n);
    const half = script.start(globals);
    globals.fuel = BigInt(Math.floor(fuel / 2));
    expect(half(transaction)).toBe('trap');
    expect(globals.fuel).toBeLessThan(0n);
  });
});

describe('the AssemblyScript example, metered', () => {
  it('decides every case of its own as expected, and as it does plain', async () => {
    const { cases } = JSON.parse(await readFile(join(EXAMPLE, 'cases.json'), 'utf8')) as {
      cases: { name: string; expect: string; transaction: unknown }[];
    };
    expect(cases.length).toBeGreaterThan(10);
    for (const { name, expect: expected, transaction: record } of cases) {
      const json = parseJson(JSON.stringify(record));
      const parsed = json.ok ? parseTransaction(json.value) : undefined;
      if (parsed?.ok !== true) throw new Error(name);
      const { answer, fuel } = judge(example, parsed.transaction);
      expect(answer, name).toBe(expected === 'approve');
      expect(example.start()(parsed.transaction), name).toBe(answer);
      expect(judge(example, parsed.transaction).fuel, name).toBe(fuel);
    }
  });
});
