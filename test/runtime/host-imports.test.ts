// What a guest's imports give it, in real workerd. Bodies are written as glue would call the host, so that each one
// can also do what no toolchain does.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ManifestImport } from '../../src/artifact/manifest.ts';
import {
  handmadeArtifact,
  startSandboxBed,
  type CallOptions,
  type SandboxBed,
} from '../fixtures/sandbox-bed.ts';

let bed: SandboxBed;

beforeAll(async () => {
  bed = await startSandboxBed();
});
afterAll(async () => {
  await bed[Symbol.asyncDispose]();
});

const granted = (name: string): ManifestImport => ({ interface: name, version: '0.2.12', tier: 'granted' });
const inert = (name: string): ManifestImport => ({ interface: name, version: '0.2.12', tier: 'inert' });

/** The one outcome of a guest whose `validate` has this body: `approve`, `deny` or a failure's code and detail. */
async function run(
  imports: readonly ManifestImport[],
  body: string,
  options: CallOptions = {},
): Promise<string> {
  const { outcomes } = await bed.call(await handmadeArtifact(body, { imports }), options);
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('no outcome');
  return outcome.kind === 'verdict'
    ? outcome.verdict.kind
    : `${outcome.failure.code} ${outcome.failure.detail}`;
}

describe('randomness', () => {
  const random = [
    granted('wasi:random/random'),
    granted('wasi:random/insecure'),
    granted('wasi:random/insecure-seed'),
  ];
  const seed = new Uint8Array(32).fill(7);

  it('comes from the seed alone: the key stream of ChaCha20', async () => {
    // First block of the key stream for an all-zero key and nonce, counter 0. Source: RFC 8439, A.1, test vector 1.
    const body = `const bytes = imports['wasi:random/random'].getRandomBytes(4n); return [...bytes].join() === '118,184,224,173';`;
    expect(await run(random, body)).toBe('approve');
  });

  it('is another for another seed, and goes on within a call', async () => {
    const body = `const { getRandomU64 } = imports['wasi:random/random'];
      const first = getRandomU64(); return first !== getRandomU64() && first === 0n;`;
    expect(await run(random, body)).toBe('deny');
    const same = `return imports['wasi:random/insecure-seed'].insecureSeed().join() === imports['wasi:random/insecure-seed'].insecureSeed().join();`;
    expect(await run(random, same, { seed })).toBe('deny');
  });

  it('gives up to 64 KiB at once and traps over it', async () => {
    const ask = (length: number) =>
      `return imports['wasi:random/insecure'].getInsecureRandomBytes(${length}n).length === ${length};`;
    expect(await run(random, ask(65_535))).toBe('approve');
    expect(await run(random, ask(65_536))).toBe('approve');
    expect(await run(random, ask(65_537))).toMatch(/^trap /);
    expect(await run(random, ask(2 ** 52))).toMatch(/^trap /);
  });
});

describe('clocks', () => {
  const clocks = [granted('wasi:clocks/wall-clock'), granted('wasi:clocks/monotonic-clock')];

  it('stand still at evaluated_at', async () => {
    const body = `const { seconds, nanoseconds } = imports['wasi:clocks/wall-clock'].now();
      const instant = imports['wasi:clocks/monotonic-clock'].now();
      for (let i = 0; i < 1e5; i++) Math.sqrt(i);
      return seconds === 1700000000n && nanoseconds === 123000000 && instant === 1700000000123000000n
        && imports['wasi:clocks/monotonic-clock'].now() === instant;`;
    expect(await run(clocks, body, { evaluatedAtMs: 1_700_000_000_123 })).toBe('approve');
  });

  it('have timers that nobody can wait for', async () => {
    const body = `imports['wasi:clocks/monotonic-clock'].subscribeDuration(1n).block(); return true;`;
    expect(await run(clocks, body)).toBe('capability_denied wasi:io/poll#Pollable.block');
  });
});

describe('standard streams', () => {
  const streams = [
    granted('wasi:io/streams'),
    granted('wasi:cli/stdin'),
    granted('wasi:cli/stdout'),
    granted('wasi:cli/stderr'),
  ];

  it('take what is written and give nothing', async () => {
    const body = `const out = imports['wasi:cli/stdout'].getStdout();
      if (out.checkWrite() !== 4096n) return false;
      out.write(new Uint8Array(4096)); out.blockingWriteAndFlush(new Uint8Array(0)); out.blockingFlush();
      try { imports['wasi:cli/stdin'].getStdin().blockingRead(1n); return false; } catch (error) { return error.tag === 'closed'; }`;
    expect(await run(streams, body)).toBe('approve');
  });

  it('trap on a write over 4,096 bytes', async () => {
    const write = (call: string) => `imports['wasi:cli/stderr'].getStderr().${call}; return true;`;
    expect(await run(streams, write('write(new Uint8Array(4097))'))).toBe('trap write beyond its permit');
    expect(await run(streams, write('writeZeroes(2n ** 40n)'))).toBe('trap write beyond its permit');
    expect(await run(streams, write('writeZeroes(4096n)'))).toBe('approve');
  });

  it('survive a flood', async () => {
    const body = `const out = imports['wasi:cli/stdout'].getStdout();
      for (let i = 0; i < 5000; i++) out.write(new Uint8Array(4096)); return true;`;
    expect(await run(streams, body)).toBe('approve');
  });
});

describe('what is inert', () => {
  const names = [
    'wasi:cli/environment',
    'wasi:filesystem/preopens',
    'wasi:filesystem/types',
    'wasi:cli/exit',
    'wasi:io/poll',
    'wasi:cli/terminal-stdout',
  ];
  const imports = names.map(inert);

  it('says that there is nothing', async () => {
    const body = `return imports['wasi:cli/environment'].getEnvironment().length === 0
      && imports['wasi:cli/environment'].getArguments().length === 0
      && imports['wasi:cli/environment'].initialCwd() === undefined
      && imports['wasi:filesystem/preopens'].getDirectories().length === 0
      && imports['wasi:cli/terminal-stdout'].getTerminalStdout() === undefined;`;
    expect(await run(imports, body)).toBe('approve');
  });

  it.each([
    [`imports['wasi:cli/exit'].exit({ tag: 'ok' })`, 'wasi:cli/exit#exit'],
    [`imports['wasi:io/poll'].poll([])`, 'wasi:io/poll#poll'],
    [`new (imports['wasi:filesystem/types'].Descriptor)()`, 'wasi:filesystem/types#Descriptor'],
    [
      `Object.create(imports['wasi:filesystem/types'].Descriptor.prototype).openAt()`,
      'wasi:filesystem/types#Descriptor.openAt',
    ],
    [`imports['wasi:filesystem/types'].anythingElse()`, 'wasi:filesystem/types#anythingElse'],
  ])('denies %s', async (expression, detail) => {
    expect(await run(imports, `${expression}; return true;`)).toBe(`capability_denied ${detail}`);
  });

  it('denies also a guest that swallows the trap', async () => {
    const body = `try { imports['wasi:cli/exit'].exit({ tag: 'ok' }); } catch {} return true;`;
    expect(await run(imports, body)).toBe('capability_denied wasi:cli/exit#exit');
  });
});

describe('what was not granted', () => {
  it('denies, though the artifact lists it as granted', async () => {
    const body = `imports['wasi:random/random'].getRandomU64(); return true;`;
    expect(await run([granted('wasi:random/random')], body, { grants: [] })).toBe(
      'capability_denied wasi:random/random#getRandomU64',
    );
    expect(await run([inert('wasi:random/random')], body, { grants: ['wasi:random/random'] })).toBe(
      'capability_denied wasi:random/random#getRandomU64',
    );
  });

  it('denies what this host does not know, whatever a release says', async () => {
    const body = `imports['wasi:http/outgoing-handler'].handle(); return true;`;
    expect(await run([granted('wasi:http/outgoing-handler')], body)).toBe(
      'capability_denied wasi:http/outgoing-handler#handle',
    );
  });

  it('is not there at all when the artifact does not import it', async () => {
    expect(
      await run([], `return Object.keys(imports).length === 0 && imports['wasi:cli/exit'] === undefined;`),
    ).toBe('approve');
  });
});

describe('the host’s objects', () => {
  it('keep nothing from one transaction to the next', async () => {
    const imports = [granted('wasi:cli/stdout'), granted('wasi:io/streams'), inert('wasi:filesystem/types')];
    const body = `const places = [imports['wasi:cli/stdout'], imports['wasi:cli/stdout'].getStdout,
        imports['wasi:io/streams'].OutputStream, imports['wasi:io/streams'].OutputStream.prototype,
        imports['wasi:cli/stdout'].getStdout(), imports['wasi:filesystem/types'], imports['wasi:filesystem/types'].Descriptor];
      let seen = 0;
      for (const place of places) { if (place.mark !== undefined && typeof place.mark !== 'function') seen += 1; try { place.mark = 1; } catch {} }
      return seen === 0;`;
    const artifact = await handmadeArtifact(body, { imports });
    for (let i = 0; i < 3; i += 1)
      expect((await bed.call(artifact)).outcomes).toMatchObject([{ verdict: { kind: 'approve' } }]);
  });
});
