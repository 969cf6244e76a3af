// Tests of src/publisher/transpile: real components become glue that runs synchronously, again and again, and has
// the same bytes wherever it is made.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transaction } from '../../src/core/transaction.ts';
import { parseModule, walk } from '../../src/publisher/glue-scope.ts';
import { transpileComponent as transpileConfined, type Transpiled } from '../../src/publisher/transpile.ts';
import { transpileComponent } from '../fixtures/shared-tools.ts';
import { buildMinimal, buildPanic, buildQuickJs } from '../fixtures/glue-components.ts';

const run = promisify(execFile);
const moduleUrl = new URL('../../src/publisher/transpile.ts', import.meta.url).href;

interface Instance {
  validation: { validate(transaction: Transaction): boolean };
}
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
  charge: (fuel: number) => void,
  marks: Uint8Array,
) => Instance;

/** Everything that glue takes from its realm. \`componentIdx\` is a slip of jco's in the text of an error. */
const FREE =
  `Array.isArray ArrayBuffer BigInt BigInt.asIntN BigInt.asUintN DataView Error JSON.stringify Map Math.ceil
  Number Number.isInteger Object.defineProperty Object.prototype Object.values Set String
  Symbol Symbol.dispose Symbol.for TextDecoder TextEncoder TypeError Uint16Array Uint8Array WebAssembly.Global
  WebAssembly.RuntimeError arguments componentIdx`.split(/\s+/);

/** Stands for the names of a component; the check has tests of its own. */
class AnyName extends Set<string> {
  override has(): boolean {
    return true;
  }
}

let folder = '';
const components = new Map<string, Uint8Array>();
const results = new Map<string, Transpiled>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'transpile-'));
  components.set('minimal', await buildMinimal());
  for (const variant of ['sync', 'async', 'sync-stubbed'] as const)
    components.set(`QuickJS ${variant}`, await buildQuickJs(variant));
  for (const [name, component] of components) results.set(name, await transpile(component));
}, 300_000);

afterAll(() => rm(folder, { recursive: true }));

async function transpile(component: Uint8Array): Promise<Transpiled> {
  const result = await transpileComponent(component, new AnyName());
  if (!result.ok) throw new Error(JSON.stringify(result.refusals));
  return result.value;
}

async function load({ glue, coreModules }: Transpiled): Promise<() => Instance> {
  const file = join(folder, `${createHash('sha256').update(glue).digest('hex')}.mjs`);
  await writeFile(file, glue);
  const { instantiate } = (await import(file)) as { instantiate: Instantiate };
  const modules = coreModules.map((bytes) => new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
  return () =>
    instantiate(
      (name) => {
        const module = modules[Number(/^core(\d+)\.wasm$/.exec(name)?.[1] ?? -1)];
        if (module === undefined) throw new Error(`no module ${name}`);
        return module;
      },
      stubs(),
      (module, imports) => new WebAssembly.Instance(module, imports),
      (fuel) => expect(Number.isSafeInteger(fuel) && fuel >= 0).toBe(true),
      new Uint8Array(65_536),
    );
}

/** Enough of WASI to start QuickJS. */
function stubs(): object {
  class Resource {
    readonly kind = 'stub';
  }
  class OutputStream {
    checkWrite = (): bigint => 4096n;
  }
  const nothing = (): undefined => undefined;
  return {
    'wasi:cli/environment': { getEnvironment: () => [], getArguments: () => [], initialCwd: nothing },
    'wasi:cli/exit': { exit: nothing },
    'wasi:cli/stdin': { getStdin: () => new Resource() },
    'wasi:cli/stdout': { getStdout: () => new OutputStream() },
    'wasi:cli/stderr': { getStderr: () => new OutputStream() },
    'wasi:cli/terminal-input': { TerminalInput: Resource },
    'wasi:cli/terminal-output': { TerminalOutput: Resource },
    'wasi:cli/terminal-stdin': { getTerminalStdin: nothing },
    'wasi:cli/terminal-stdout': { getTerminalStdout: nothing },
    'wasi:cli/terminal-stderr': { getTerminalStderr: nothing },
    'wasi:clocks/monotonic-clock': { now: () => 0n, subscribeDuration: nothing },
    'wasi:clocks/wall-clock': { now: () => ({ seconds: 0n, nanoseconds: 0 }) },
    'wasi:filesystem/types': { Descriptor: Resource },
    'wasi:filesystem/preopens': { getDirectories: () => [] },
    'wasi:io/error': { Error: Resource },
    'wasi:io/poll': { Pollable: Resource, poll: nothing },
    'wasi:io/streams': { InputStream: Resource, OutputStream },
    'wasi:random/insecure-seed': { insecureSeed: () => [0n, 0n] },
  };
}

function transactionOf(amount: bigint): Transaction {
  const bank = { id: 'b', name: 'Bank', country: 'DE', currency: 'EUR' };
  return {
    id: 'txn_1',
    origin: bank,
    destination: { ...bank, name: 'Крёз 💶' },
    amount: { name: 'euro', symbol: '€', amount },
    status: 'pending',
  };
}

describe('transpileComponent', () => {
  it.each(['minimal', 'QuickJS sync', 'QuickJS async', 'QuickJS sync-stubbed'])(
    'makes glue of %s that starts synchronously, twice, and approves and denies',
    async (name) => {
      const transpiled = results.get(name);
      if (transpiled === undefined) throw new Error('not transpiled');
      const instantiate = await load(transpiled);
      for (let start = 0; start < 2; start += 1) {
        const { validation } = instantiate();
        expect(validation.validate(transactionOf(999n))).toBe(true);
        expect(validation.validate(transactionOf(1000n))).toBe(false);
        expect(validation.validate(transactionOf(-(2n ** 63n)))).toBe(true);
      }
    },
  );

  it('leaves nothing in the glue that compiles, waits, or reads its host', () => {
    const used = new Set<string>();
    for (const { glue } of results.values()) {
      expect(glue).toMatch(/^[\n -~]*$/);
      const module = parseModule(glue);
      for (const node of module.free) {
        const user = module.parents.get(node);
        const member = user?.type === 'MemberExpression' && user.object === node && user.property;
        used.add(member && member.type === 'Identifier' ? `${node.name}.${member.name}` : node.name);
      }
      walk(module.program, (node) => {
        expect(['AwaitExpression', 'YieldExpression', 'ImportExpression']).not.toContain(node.type);
        if ('async' in node) expect(node.async).toBe(false);
      });
    }
    expect([...used].sort()).toEqual(FREE);
  });

  it('asks for core modules by number, in order, each of them wasm', () => {
    for (const { glue, coreModules } of results.values()) {
      const asked = [...glue.matchAll(/getCoreModule\("(core\d+\.wasm)"\)/g)].map(([, file]) => file);
      expect(asked).toEqual(coreModules.map((_, index) => `core${index}.wasm`));
      for (const bytes of coreModules) expect([...bytes.subarray(0, 4)]).toEqual([0, 0x61, 0x73, 0x6d]);
    }
  });

  it('lists the keys that the glue reads of its imports', () => {
    for (const { glue, importKeys } of results.values()) {
      const read = [...glue.matchAll(/=imports\["([^"]+)"\]/g)].map(([, key]) => key);
      expect(importKeys).toEqual(expect.arrayContaining(read));
      expect(importKeys).toEqual([...importKeys].sort());
    }
    expect(results.get('minimal')?.importKeys).toEqual([]);
  });

  it('is small: under 5 KB for hand-written core code, under 60 KB for QuickJS', () => {
    expect(results.get('minimal')?.glue.length).toBeLessThan(5_000);
    expect(results.get('QuickJS sync')?.glue.length).toBeLessThan(60_000);
  });

  it('gives the same bytes again, and in a process of another folder, zone and language', async () => {
    for (const [name, component] of components) {
      const first = results.get(name);
      expect((await transpile(component)).glue === first?.glue, name).toBe(true);
      const file = join(folder, 'component.wasm');
      await writeFile(file, component);
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', DIGEST, moduleUrl, file], {
        cwd: folder,
        env: { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', NODE_ENV: 'test' },
      });
      expect(stdout.trim(), name).toBe(digestOf(first));
    }
  }, 120_000);

  it('refuses what jco cannot read', async () => {
    const result = await transpileComponent(
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 99),
      new AnyName(),
    );
    expect(result).toMatchObject({ ok: false, refusals: [{ code: 'transpile_failed' }] });
  });

  it('refuses a component on which jco panics, and transpiles the next one', async () => {
    const panics = await buildPanic();
    const [, good] = [...components][0] ?? [];
    if (good === undefined) throw new Error('no component');
    const inConfinement = (component: Uint8Array) => transpileConfined(component, new AnyName());
    expect(await inConfinement(panics)).toMatchObject({
      ok: false,
      refusals: [{ code: 'transpile_failed' }],
    });
    expect((await inConfinement(good)).ok).toBe(true);
  }, 60_000);
});

function digestOf(transpiled: Transpiled | undefined): string {
  const hash = createHash('sha256').update(transpiled?.glue ?? '');
  for (const bytes of transpiled?.coreModules ?? []) hash.update(bytes);
  return hash.digest('hex');
}

const DIGEST = `
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
const [url, file] = process.argv.slice(1);
const { transpileComponent } = await import(url);
const result = await transpileComponent(readFileSync(file), { has: () => true });
const hash = createHash('sha256').update(result.value.glue);
for (const bytes of result.value.coreModules) hash.update(bytes);
console.log(hash.digest('hex'));`;
