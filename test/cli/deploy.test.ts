// From what a language model answers to a release, by the command line: each gate, and what is true when one does not open.

import { createServer } from 'node:http';
import { readdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { jsonOf, refusalCodesOf, runCommand, type CommandResult } from './command.ts';
import { createReleaseTarget, paymentOf, readTemplate, type ReleaseTarget } from './release-target.ts';

let desk: ReleaseTarget;
let good = '';

beforeAll(async () => {
  desk = await createReleaseTarget();
  good = await readTemplate();
});
afterAll(() => desk[Symbol.asyncDispose]());

/** What a model answers: words, the code, and cases at the limit and one beyond. */
function answer(code: string, beyond: 'deny' | 'approve' = 'deny', label = 'assemblyscript'): string {
  const cases = [
    { name: 'at the limit', expect: 'approve', transaction: paymentOf(1_000_000) },
    { name: 'one beyond it', expect: beyond, transaction: paymentOf(1_000_001) },
  ];
  return `Sure!\n\n\`\`\`${label}\n${code}\n\`\`\`\n\nAnd the cases:\n\n\`\`\`json\n${JSON.stringify({ cases })}\n\`\`\`\n`;
}

function deploy(input: string, ...args: string[]): Promise<CommandResult> {
  return runCommand(['deploy', '--from', '-', '--bank', 'icamer', ...desk.options, ...args], { input });
}

async function objects(): Promise<string[]> {
  return readdir(join(desk.folder, 'store'), { recursive: true }).catch(() => []);
}

describe('what does not pass a gate changes nothing', () => {
  it('no code', async () => {
    const result = await deploy('I cannot do that.', '--lang', 'assemblyscript', '--json');
    expect(result.code).toBe(1);
    expect(jsonOf(result)['error']).toMatchObject({ code: 'source_invalid' });
  });

  it('two blocks that could be it', async () => {
    const result = await deploy(answer(good) + answer(good));
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--block 1  assemblyscript');
  });

  it('code that does not compile, with its line', async () => {
    const result = await deploy(answer(good.replace('return Verdict.approve();', 'return approved;')));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/validator\.ts:\d+:\d+: .*approved/);
    expect(result.stderr).toContain('return approved;');
    const asJson = await deploy(
      answer(good.replace('return Verdict.approve();', 'return approved;')),
      '--json',
    );
    expect(jsonOf(asJson)['error']).toMatchObject({
      code: 'source_invalid',
      faults: [{ file: 'validator.ts', line: expect.any(Number) as number }],
    });
  });

  it('a case that fails, with what came instead', async () => {
    const result = await deploy(answer(good, 'approve'), '--yes');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('FAIL  one beyond it');
    expect(result.stderr).toContain('+ deny');
    expect(result.stderr).toContain('stopped    at the test');
  });

  it('a language that does not know the contract', async () => {
    const result = await deploy(answer(good), '--contract', '9.9.9');
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('0.1.0 or 0.2.0');
  });

  it('and nothing was stored', async () => {
    expect(await objects()).toEqual([]);
  });
});

describe('what passes all of them', () => {
  it('waits where nobody said yes, and is released by the command that it prints', async () => {
    const result = await deploy(answer(good));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('2 cases: 2 passed');
    const activation = /^ +wasmpay (activate .*)$/m.exec(result.stderr)?.[1] ?? '';
    expect(await objects()).not.toContain('releases');
    const activated = await runCommand([...activation.split(' '), '--json']);
    expect(activated.code, activated.stderr).toBe(0);
    expect(jsonOf(activated)['release']).toMatchObject({ bank: 'icamer', number: 1 });
  });

  it('is released at once with --yes, from a page', async () => {
    const code = good
      .replace('10_000_00;', '10_000_00; // again')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;');
    const page = `<!doctype html><body><pre><code class="language-assemblyscript">${code}</code></pre></body>`;
    const server = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end(page),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`;
      const result = await runCommand([
        'deploy',
        '--from',
        url,
        '--bank',
        'icamer',
        ...desk.options,
        '--yes',
        '--json',
      ]);
      expect(result.code, result.stderr).toBe(0);
      expect(jsonOf(result)).toMatchObject({ deployed: true, release: { number: 2 }, previous: 1 });
    } finally {
      server.close();
    }
  });

  it('is held where it imports more than before, until that is meant', async () => {
    const text = answer(await readTemplate('typescript'), 'deny', 'ts');
    const result = await deploy(text, '--yes', '--json');
    expect(result.code).toBe(1);
    expect(refusalCodesOf(result)).toEqual(['imports_grew']);
    const fix = (jsonOf(result)['refusals'] as { fix: string }[])[0]?.fix ?? '';
    expect(fix).toMatch(/wasmpay activate icamer sha256:\w+ .*--accept-imports$/);
  });
});

describe('wasmpay prompt', () => {
  it('is answered by its own example', async () => {
    const result = await runCommand(['prompt', 'euros only', '--lang', 'assemblyscript', '--bank', 'icamer']);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('> euros only');
    expect(result.stdout.length).toBeLessThan(6_000);
    // A model that only repeats the example has written a validator that builds and passes the example's cases.
    const echoed = await runCommand(
      ['deploy', '--from', '-', '--bank', 'other', ...desk.options, '--lang', 'assemblyscript', '--json'],
      {
        input: result.stdout,
      },
    );
    expect(jsonOf(echoed)).toMatchObject({ deployed: false, gate: 'confirm' });
  });

  it('refuses a rule for a bank that is none', async () => {
    const result = await runCommand(['prompt', '--bank', '-']);
    expect(result.code).toBe(2);
  });
});
