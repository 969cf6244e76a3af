// Compilers that wait for the next build: one process a run, started before it.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createReadyCompilers } from '../../src/authoring/ready-compilers.ts';
import { isRunning } from '../entry/dev-process.ts';

let folder = '';
let script = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-ready-'));
  script = join(folder, 'compiler.mjs');
  // Says who it is, whether it got ready, and what it was asked.
  await writeFile(
    script,
    `let input = '';
for await (const chunk of process.stdin) input += chunk;
if (input.includes('fail')) process.exit(3);
process.stdout.write(JSON.stringify({ pid: process.pid, ready: process.argv.includes('--ready'), input, home: process.env.HOME }));
`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

interface Answer {
  readonly pid: number;
  readonly ready: boolean;
  readonly input: string;
  readonly home?: string;
}

describe('ready compilers', () => {
  it('run each request in a process of its own, the one that waits where there is one', async () => {
    using compilers = createReadyCompilers();
    const run = async (request: string): Promise<Answer> =>
      JSON.parse((await compilers.run(script, request)).stdout) as Answer;
    const first = await run('a');
    expect(first).toMatchObject({ ready: false, input: '"a"' });
    compilers.getReady();
    compilers.getReady();
    const second = await run('b');
    expect(second).toMatchObject({ ready: true, input: '"b"' });
    // None was waiting any more.
    const third = await run('c');
    expect(third.ready).toBe(false);
    expect(new Set([first.pid, second.pid, third.pid]).size).toBe(3);
    // One that was never run is made ready where it is named.
    using others = createReadyCompilers();
    others.getReady([script]);
    expect(JSON.parse((await others.run(script, 'd')).stdout)).toMatchObject({ ready: true, input: '"d"' });
    // Nothing of our environment is there.
    expect(second.home).toBeUndefined();
  });

  it('give the exit code of a run that failed, and run the next', async () => {
    using compilers = createReadyCompilers();
    await compilers.run(script, 'a');
    compilers.getReady();
    expect((await compilers.run(script, 'fail')).exitCode).toBe(3);
    compilers.getReady();
    expect((await compilers.run(script, 'b')).exitCode).toBe(0);
  });

  it('end what waits when they are disposed of, and what does not answer', async () => {
    const slow = join(folder, 'slow.mjs');
    // Its process id is in a file: it never ends, and nobody reads what it prints while it waits.
    await writeFile(
      slow,
      `import { appendFileSync } from 'node:fs';
appendFileSync(import.meta.dirname + '/pids', process.pid + ' ');
process.stdin.resume();
setInterval(() => {}, 1000);
`,
    );
    const pids = async (): Promise<number[]> =>
      (await readFile(join(folder, 'pids'), 'utf8').catch(() => '')).trim().split(' ').map(Number);
    const compilers = createReadyCompilers();
    await expect(compilers.run(slow, 'a', 2_000)).rejects.toMatchObject({ code: 'build_failed' });
    compilers.getReady();
    await expect.poll(async () => (await pids()).length, { timeout: 20_000 }).toBe(2);
    const [timedOut = 0, waiting = 0] = await pids();
    expect(await isRunning(waiting)).toBe(true);
    compilers[Symbol.dispose]();
    await expect.poll(() => isRunning(waiting)).toBe(false);
    expect(await isRunning(timedOut)).toBe(false);
  });
});
