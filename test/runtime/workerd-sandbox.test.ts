// The Worker Loader's sharp edges, in real workerd: what an isolate is given, and every way in which a loader id can
// break. The artifacts' glue is written by hand here: it does what the publisher lets nobody do.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MAX_AMOUNT, MIN_AMOUNT } from '../../src/core/transaction.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { FIRST_RETRY_MS } from '../../src/sandbox/workerd/loader.ts';
import { handmadeArtifact, startSandboxBed, TRANSACTION, type SandboxBed } from '../fixtures/sandbox-bed.ts';

let bed: SandboxBed;

beforeAll(async () => {
  bed = await startSandboxBed();
});
afterAll(async () => {
  await bed[Symbol.asyncDispose]();
});

const APPROVED = { kind: 'verdict', verdict: { kind: 'approve' }, fuel: 0 };
const DENIED = { kind: 'verdict', verdict: { kind: 'deny', denial: { code: 'unspecified' } }, fuel: 0 };

describe('a guest’s isolate', () => {
  it('gives the verdicts of the guest', async () => {
    const artifact = await handmadeArtifact('return transaction.origin.country === "USA";');
    const { origin } = TRANSACTION;
    expect((await bed.call(artifact)).outcomes).toEqual([APPROVED]);
    const french = { ...TRANSACTION, origin: { ...origin, country: 'FRA' } };
    expect((await bed.call(artifact, { transaction: french })).outcomes).toEqual([DENIED]);
  });

  it.each([MIN_AMOUNT, MAX_AMOUNT, 9_007_199_254_740_993n])(
    'hands over the amount %d exactly',
    async (amount) => {
      const artifact = await handmadeArtifact(`return transaction.amount.amount === ${amount}n;`);
      const transaction = { ...TRANSACTION, amount: { ...TRANSACTION.amount, amount } };
      expect((await bed.call(artifact, { transaction })).outcomes).toEqual([APPROVED]);
    },
  );

  it('has an empty environment', async () => {
    const artifact = await handmadeArtifact('return Object.keys(env).length === 0;', {
      prelude: `import { env } from 'cloudflare:workers';`,
    });
    expect((await bed.call(artifact)).outcomes).toEqual([APPROVED]);
  });

  it('reaches no network, by fetch or by socket', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const artifact = await handmadeArtifact(
      `if (globalThis.result === undefined) {
        globalThis.result = 0;
        fetch('http://127.0.0.1:${port}/').then(() => {}, () => { globalThis.result += 1; });
        try { connect('127.0.0.1:${port}').opened.then(() => {}, () => { globalThis.result += 1; }); }
        catch { globalThis.result += 1; }
      }
      return globalThis.result === 2;`,
      { prelude: `import { connect } from 'cloudflare:sockets';` },
    );
    try {
      await bed.call(artifact);
      await expect.poll(async () => (await bed.call(artifact)).outcomes[0]).toEqual(APPROVED);
      expect(connections).toBe(0);
    } finally {
      server.close();
    }
  });

  it('cannot compile code at run time', async () => {
    const artifact = await handmadeArtifact(
      `for (const attempt of [() => new Function('return 1'), () => (0, eval)('1'),
        () => new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))]) {
        try { attempt(); return false; } catch {}
      }
      return true;`,
    );
    expect((await bed.call(artifact)).outcomes).toEqual([APPROVED]);
  });

  it('loses one transaction to a trap and goes on', async () => {
    const artifact = await handmadeArtifact(
      `if (transaction.status === 'trap') throw new WebAssembly.RuntimeError('unreachable'); return true;`,
    );
    const bad = { ...TRANSACTION, status: 'trap' };
    expect((await bed.call(artifact)).outcomes).toEqual([APPROVED]);
    expect((await bed.call(artifact, { transaction: bad })).outcomes).toEqual([
      { kind: 'failure', failure: { code: 'trap', detail: 'unreachable' }, fuel: DEFAULT_GUEST_LIMITS.fuel },
    ]);
    expect((await bed.call(artifact)).outcomes).toEqual([APPROVED]);
  });

  it.each([
    'return 1;',
    'return undefined;',
    'return { then() {} };',
    'return "true";',
    'throw new TypeError("x");',
  ])('takes no answer that is not a bool: %s', async (body) => {
    const { outcomes } = await bed.call(await handmadeArtifact(body));
    expect(outcomes).toMatchObject([{ kind: 'failure', failure: { code: 'bad_output' } }]);
  });

  it('keeps a guest’s words out of the failure', async () => {
    const artifact = await handmadeArtifact(
      'throw new WebAssembly.RuntimeError(transaction.origin.name + "<script>\\n");',
    );
    expect(JSON.stringify(await bed.call(artifact))).not.toContain('script');
  });
});

describe('a loader id', () => {
  it('is the same for the same artifact and policy, and another for another', async () => {
    const artifact = await handmadeArtifact('return true; // one');
    const other = await handmadeArtifact('return true; // two');
    await bed.call(artifact);
    await bed.call(artifact);
    await bed.call(artifact, { grants: ['wasi:io/streams'] });
    const { ids } = await bed.call(other);
    const [first, second, third, fourth] = ids.slice(-4);
    expect(first).toBe(second);
    expect(new Set([first, third, fourth]).size).toBe(3);
  });

  it('is loaded once for concurrent cold calls', async () => {
    const artifact = await handmadeArtifact('return true; // concurrent');
    const before = (await bed.call(await handmadeArtifact('return true; // warm'))).loads;
    const { outcomes, loads } = await bed.call(artifact, { times: 50 });
    expect(outcomes).toEqual(Array.from({ length: 50 }, () => APPROVED));
    expect(loads - before).toBe(1);
  });

  it('is left behind when its callback threw, after a pause', async () => {
    const artifact = await handmadeArtifact('return true; // callback');
    const nowMs = 1_000_000;
    const failed = await bed.call(artifact, { nowMs, fault: 'callback throws' });
    expect(failed.outcomes).toMatchObject([{ kind: 'failure', failure: { code: 'load_failed' } }]);
    const paused = await bed.call(artifact, { nowMs: nowMs + FIRST_RETRY_MS - 1 });
    expect(paused.outcomes).toMatchObject([{ kind: 'failure', failure: { code: 'load_failed' } }]);
    expect(paused.ids.length, 'no new id is spent in the pause').toBe(failed.ids.length);
    const mended = await bed.call(artifact, { nowMs: nowMs + FIRST_RETRY_MS });
    expect(mended.outcomes).toEqual([APPROVED]);
    expect(new Set(mended.ids.slice(-2)).size, 'the broken id is not used again').toBe(2);
    const later = await bed.call(artifact, { nowMs: nowMs + FIRST_RETRY_MS + 1 });
    expect(later.ids.at(-1), 'the new id stays').toBe(mended.ids.at(-1));
  });

  it('spends ever fewer ids on an artifact that never loads', async () => {
    const artifact = await handmadeArtifact('return true;', {
      modules: [Uint8Array.of(0, 0x61, 0x73, 0x6d, 9, 9, 9, 9)],
    });
    const start = 2_000_000;
    const before = (await bed.call(artifact, { nowMs: start })).ids.length;
    let after = before;
    for (let second = 1; second <= 600; second += 1) {
      const { outcomes, ids } = await bed.call(artifact, { nowMs: start + second * 1000 });
      expect(outcomes).toMatchObject([{ kind: 'failure', failure: { code: 'load_failed' } }]);
      after = ids.length;
    }
    expect(after - before, 'new ids in ten minutes').toBeLessThanOrEqual(10);
  });

  it('counts one failure for concurrent calls that met it together', async () => {
    const artifact = await handmadeArtifact('return true; // together');
    const nowMs = 5_000_000;
    await bed.call(artifact, { nowMs, times: 20, fault: 'callback throws' });
    const { outcomes, ids } = await bed.call(artifact, { nowMs: nowMs + FIRST_RETRY_MS });
    expect(outcomes).toEqual([APPROVED]);
    expect(ids.at(-1)).toMatch(/\.1$/);
  });

  it('survives an answer that was given before the load ended', async () => {
    const artifact = await handmadeArtifact('return true; // answered first');
    const nowMs = 8_000_000;
    await bed.call(artifact, { nowMs, fault: 'callback is slow', answerFirst: true });
    const { outcomes, ids } = await bed.call(artifact, { nowMs: nowMs + 1 });
    expect(outcomes).toEqual([APPROVED]);
    expect(ids.at(-1), 'and needs no new id').toMatch(/\.0$/);
  });

  it('survives a caller that hangs up during the load', async () => {
    const artifact = await handmadeArtifact('return true; // hang-up');
    const nowMs = 9_000_000;
    const aborted = bed.call(artifact, {
      nowMs,
      fault: 'callback is slow',
      signal: AbortSignal.timeout(100),
    });
    await expect(aborted).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { outcomes, ids } = await bed.call(artifact, { nowMs: nowMs + 1 });
    expect(outcomes).toEqual([APPROVED]);
    expect(ids.at(-1), 'and needs no new id').toMatch(/\.0$/);
  });
});
