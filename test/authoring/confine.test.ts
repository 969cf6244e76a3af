// The confinement that compilers run in: what it bounds anywhere, and what bubblewrap takes away where it works.

import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findBubblewrap, runCompiler } from '../../src/authoring/confine.ts';
import { findPrograms } from '../../src/authoring/find-program.ts';
import { MAX_SOURCE_BYTES, MAX_SOURCES, stageSources } from '../../src/authoring/stage-sources.ts';

let scratch = '';
let directory = '';
beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-confine-')));
  directory = join(scratch, 'own');
  await mkdir(directory);
  await writeFile(join(scratch, 'secret'), 'a secret');
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Runs a shell script as a compiler. */
const shell = (
  script: string,
  more: { timeoutMs?: number; addressBytes?: number; dataBytes?: number } = {},
) =>
  runCompiler({
    program: '/bin/sh',
    args: ['-c', script],
    directory,
    cwd: directory,
    readable: ['/bin', '/usr/bin'],
    env: { GIVEN: 'given' },
    ...more,
  });

describe('a compiler', () => {
  it('has no variable but those that it is given', async () => {
    process.env['WASMPAY_TEST_SECRET'] = 'a secret';
    const { stdout } = await shell('env');
    expect(stdout).toContain('GIVEN=given');
    expect(stdout).not.toContain('secret');
    delete process.env['WASMPAY_TEST_SECRET'];
  });

  it('writes to its own folder, and its exit code is the caller’s to judge', async () => {
    expect(await shell('echo made > made; exit 3')).toMatchObject({ exitCode: 3 });
    expect(await readFile(join(directory, 'made'), 'utf8')).toBe('made\n');
  });

  it('is ended with all that it started when its time is over', async () => {
    const script = 'sleep 30 & sleep 30';
    await expect(shell(script, { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('500 ms') as string,
    });
    expect(await shell('exit 0', { timeoutMs: 60_000 })).toMatchObject({ exitCode: 0 });
  });

  it('may print a megabyte and no more', async () => {
    const print = (bytes: number) =>
      shell(`head -c ${bytes} /bin/sh /usr/bin/* 2>/dev/null | tr -c a a | head -c ${bytes}`);
    expect((await print(1024 * 1024)).stdout).toHaveLength(1024 * 1024);
    await expect(print(1024 * 1024 + 1)).rejects.toMatchObject({ code: 'build_failed' });
  });

  it.skipIf(findPrograms('prlimit').length === 0)('writes to no more memory than it may', async () => {
    // A shell keeps what it reads: 32 MB of it.
    const keep = 'kept=$(yes | head -c 64000000 | tr -d "\\n"); echo ${#kept}';
    const dataBytes = (mebibytes: number) => ({ dataBytes: mebibytes * 1024 ** 2 });
    expect(await shell(keep, dataBytes(256))).toMatchObject({ exitCode: 0, stdout: '32000000\n' });
    expect(await shell(keep, dataBytes(16))).not.toMatchObject({ exitCode: 0 });
  });

  it('that is not there fails as a build', async () => {
    const run = {
      program: join(scratch, 'none'),
      args: [],
      directory,
      cwd: directory,
      readable: [],
      env: {},
    };
    const outcome = await runCompiler(run).catch((error: unknown) => error);
    expect(outcome).not.toMatchObject({ exitCode: 0 });
  });
});

const bubblewrap = await findBubblewrap();
describe.skipIf(bubblewrap === undefined)('with bubblewrap, a compiler', () => {
  it('sees none of this machine’s files', async () => {
    const { stdout } = await shell(`cat ${scratch}/secret /etc/passwd /proc/1/environ; ls -a / /home /root`);
    expect(stdout).not.toMatch(/secret|root:/);
    expect(stdout).not.toMatch(/^(?:etc|home|root|proc|var)$/m);
  });

  it('writes nowhere else', async () => {
    await shell(`echo x > ${scratch}/written; echo x > /usr/bin/wasmpay-written; echo x > /lib/written`);
    await expect(readFile(join(scratch, 'written'))).rejects.toThrow('ENOENT');
    await expect(readFile('/usr/bin/wasmpay-written')).rejects.toThrow('ENOENT');
  });
});

describe('sources', () => {
  const stage = async (name: string, make: (folder: string) => Promise<unknown>): Promise<string[]> => {
    const folder = join(scratch, name);
    await mkdir(folder);
    await make(folder);
    const staged = await stageSources(folder, join(scratch, `${name}-staged`), ['.c', '.h'], ['build']);
    return staged.map(({ path }) => path);
  };

  it('are plain files of the language and nothing else', async () => {
    const paths = await stage('plain', async (folder) => {
      for (const name of ['sub', '.hidden', 'build', 'sub/build']) await mkdir(join(folder, name));
      for (const name of [
        'a.c',
        'sub/b.h',
        'sub/build/c.c',
        'Makefile',
        '.d.c',
        '.hidden/e.c',
        'build/f.c',
        '-g.c',
        'h i.c',
      ])
        await writeFile(join(folder, name), '');
      await symlink('/etc/passwd', join(folder, 'link.c'));
      await symlink('/etc', join(folder, 'linked'));
    });
    expect(paths).toEqual(['a.c', 'sub/b.h', 'sub/build/c.c']);
  });

  it('are no larger and no more than a validator has', async () => {
    const large = (bytes: number) => (folder: string) => writeFile(join(folder, 'a.c'), 'x'.repeat(bytes));
    expect(await stage('largest', large(MAX_SOURCE_BYTES))).toEqual(['a.c']);
    await expect(stage('larger', large(MAX_SOURCE_BYTES + 1))).rejects.toMatchObject({ code: 'usage' });
    const many = (count: number) => async (folder: string) => {
      for (let i = 0; i < count; i += 1) await writeFile(join(folder, `f${i}.c`), '');
    };
    expect(await stage('most', many(MAX_SOURCES))).toHaveLength(MAX_SOURCES);
    await expect(stage('too-many', many(MAX_SOURCES + 1))).rejects.toMatchObject({ code: 'usage' });
  });
});
