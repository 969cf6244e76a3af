// A limit that the engine cannot hold is found before a guest runs: processes of Node and of workerd whose V8 was given
// less than releases may ask for.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterEach, describe, expect, it } from 'vitest';

import { DEFAULT_GUEST_LIMITS, GUEST_LIMIT_RULES } from '../../src/core/guest-limits.ts';
import { handmadeArtifact, startSandboxBed } from '../fixtures/sandbox-bed.ts';

const run = promisify(execFile);
const SANDBOX = new URL('../../src/sandbox/node/node-sandbox.ts', import.meta.url).href;

/** What happens in a Node with these flags that makes a sandbox, twice. */
async function startNode(flags: readonly string[]): Promise<string[]> {
  const script = `const { createNodeSandbox } = await import('${SANDBOX}');
    for (let i = 0; i < 2; i += 1) {
      try { createNodeSandbox(); console.log('ready'); }
      catch (error) { console.log(error.code + ': ' + error.message); }
    }`;
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', script]);
  return stdout.trim().split('\n');
}

describe('Node', () => {
  it('makes a sandbox as it is', async () => {
    expect(await startNode([])).toEqual(['ready', 'ready']);
  });

  it.each([[[]], [['--liftoff-only']]])(
    'refuses a stack that ends before a guest’s would, with %j',
    async (tier) => {
      const refused = await startNode(['--stack-size=200', ...tier]);
      expect(refused).toHaveLength(2);
      for (const line of refused) expect(line).toMatch(/^config_invalid: .*stack-size/);
      // Just under what the largest limit takes, and with room above it.
      const kib = GUEST_LIMIT_RULES.stackBytes.most / 1024;
      expect((await startNode([`--stack-size=${kib}`, ...tier]))[0]).toMatch(/^config_invalid: /);
      expect(await startNode([`--stack-size=${kib + 160}`, ...tier])).toEqual(['ready', 'ready']);
    },
  );

  it('refuses an engine that gives no memory as large as releases may allow', async () => {
    const { most } = GUEST_LIMIT_RULES.memoryPages;
    expect((await startNode([`--wasm-max-mem-pages=${most - 1}`]))[0]).toMatch(
      /^config_invalid: .*memory of 2048 pages/,
    );
    expect(await startNode([`--wasm-max-mem-pages=${most}`])).toEqual(['ready', 'ready']);
  });
});

describe('workerd', () => {
  afterEach(() => {
    delete process.env['MINIFLARE_WORKERD_V8_FLAGS'];
  });

  /** How a validator that approves ends, under these bytes of stack, in an engine with this much. */
  async function callWith(engineKib: number, stackBytes: number): Promise<unknown> {
    process.env['MINIFLARE_WORKERD_V8_FLAGS'] = `--stack-size=${engineKib}`;
    await using bed = await startSandboxBed();
    const limits = { ...DEFAULT_GUEST_LIMITS, stackBytes };
    return (await bed.call(await handmadeArtifact('return true;'), { limits })).outcomes;
  }

  it('runs no guest under a stack that the engine does not hold, and says so', async () => {
    expect(await callWith(300, DEFAULT_GUEST_LIMITS.stackBytes)).toEqual([
      {
        kind: 'failure',
        failure: { code: 'load_failed', detail: 'the engine has no stack of 262144 bytes' },
        fuel: 0,
      },
    ]);
  });

  it.each([
    ['under a stack that it does hold, in the same engine', 300, 64 * 1024],
    ['under the largest one, as it is', 984, GUEST_LIMIT_RULES.stackBytes.most],
  ])('runs a guest %s', async (_, engineKib, stackBytes) => {
    expect(await callWith(engineKib, stackBytes)).toMatchObject([{ verdict: { kind: 'approve' } }]);
  });
});
