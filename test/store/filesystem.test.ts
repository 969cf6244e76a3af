import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdtemp,
  mkdir,
  readFile,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { HOSTILE_KEYS, create, describeObjectStore, listAll, read, text } from './contract.ts';

const ABSENT = { kind: 'absent' } as const;

let scratch = '';
beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-store-')));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** A folder of its own in a folder of its own, so that a test can see what appears beside it. */
async function makeFolder(): Promise<{ outside: string; root: string }> {
  const outside = await mkdtemp(join(scratch, 'case-'));
  return { outside, root: join(outside, 'store') };
}

describeObjectStore('filesystem', async () => createFilesystemStore((await makeFolder()).root));

describe('filesystem: what is on the disk', () => {
  it('is one file an object, holding exactly its bytes, and nothing temporary', async () => {
    const { root } = await makeFolder();
    const store = createFilesystemStore(root);
    await create(store, 'a', text('one'));
    await create(store, 'a/b', text('two'));
    await store.put('a', text('lost'), ABSENT);
    expect(await readFile(join(root, 'a@'), 'utf8')).toBe('one');
    expect(await readFile(join(root, 'a', 'b@'), 'utf8')).toBe('two');
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
    expect((await stat(join(root, 'a@'))).mode & 0o777).toBe(0o600);
  });

  it('survives a new store over the same folder', async () => {
    const { root } = await makeFolder();
    const etag = await create(createFilesystemStore(root), 'banks/a/current', text('one'));
    const store = createFilesystemStore(root);
    expect(await store.get('banks/a/current', { ifNoneMatch: etag })).toEqual({ kind: 'not-modified' });
  });

  it('is nothing outside the folder, whatever the key', async () => {
    const { outside, root } = await makeFolder();
    const store = createFilesystemStore(root);
    for (const key of HOSTILE_KEYS) await store.put(key, text('x'), ABSENT).catch(() => undefined);
    await create(store, 'good', text('x'));
    expect(await readdir(outside)).toEqual(['store']);
    expect((await readdir(root)).sort()).toEqual(['.tmp', 'good@']);
  });

  it('does not list files that are not objects', async () => {
    const { root } = await makeFolder();
    const store = createFilesystemStore(root);
    await create(store, 'good', text('x'));
    await mkdir(join(root, 'folder@'));
    for (const name of ['README', '.hidden@', 'a b@', '+x@', '@', 'x@@', `${'y'.repeat(210)}@`]) {
      await writeFile(join(root, name), 'x');
    }
    expect((await listAll(store, '')).map(({ key }) => key)).toEqual(['good']);
  });

  it('is store_unavailable, without a path in its message, where the folder cannot be', async () => {
    const { outside } = await makeFolder();
    await writeFile(join(outside, 'file'), '');
    const store = createFilesystemStore(join(outside, 'file', 'store'));
    const error = await store.get('k').catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(String(error)).not.toContain(outside);
  });
});

describe('filesystem: symbolic links', () => {
  const refused = { code: 'store_unavailable' };

  it('to a folder are not followed', async () => {
    const { outside, root } = await makeFolder();
    await mkdir(join(outside, 'secrets', 'icamer'), { recursive: true });
    await writeFile(join(outside, 'secrets', 'current@'), 'secret');
    await mkdir(root);
    await symlink(join(outside, 'secrets'), join(root, 'banks'));
    const store = createFilesystemStore(root);
    const etag = createHash('sha256').update('secret').digest('hex');
    await expect(store.get('banks/current')).rejects.toMatchObject(refused);
    await expect(store.put('banks/new', text('x'), ABSENT)).rejects.toMatchObject(refused);
    await expect(store.put('banks/icamer/new', text('x'), ABSENT)).rejects.toMatchObject(refused);
    await expect(store.put('banks/current', text('x'), { kind: 'matches', etag })).rejects.toMatchObject(
      refused,
    );
    await expect(store.delete('banks/current')).rejects.toMatchObject(refused);
    expect(await store.list({ prefix: 'banks/' })).toEqual({ objects: [] });
    expect((await readdir(join(outside, 'secrets'))).sort()).toEqual(['current@', 'icamer']);
    expect(await readdir(join(outside, 'secrets', 'icamer'))).toEqual([]);
    expect(await readFile(join(outside, 'secrets', 'current@'), 'utf8')).toBe('secret');
  });

  it('to a file are not followed', async () => {
    const { outside, root } = await makeFolder();
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(root);
    await symlink(join(outside, 'secret'), join(root, 'k@'));
    await symlink(join(outside, 'created'), join(root, 'dangling@'));
    const store = createFilesystemStore(root);
    const etag = createHash('sha256').update('secret').digest('hex');
    await expect(store.get('k')).rejects.toMatchObject(refused);
    await expect(store.put('k', text('x'), { kind: 'matches', etag })).rejects.toMatchObject(refused);
    expect(await store.put('k', text('x'), ABSENT)).toEqual({ kind: 'conflict' });
    expect(await store.put('dangling', text('x'), ABSENT)).toEqual({ kind: 'conflict' });
    expect(await store.list({ prefix: '' })).toEqual({ objects: [] });
    await store.delete('k');
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect((await readdir(outside)).sort()).toEqual(['secret', 'store']);
  });

  it.each(['.tmp', '.lock.sqlite'])('in place of %s are refused', async (name) => {
    const { outside, root } = await makeFolder();
    await mkdir(join(outside, 'elsewhere'));
    await mkdir(root);
    await symlink(join(outside, 'elsewhere'), join(root, name));
    await expect(createFilesystemStore(root).put('k', text('x'), ABSENT)).rejects.toMatchObject(refused);
    expect(await readdir(join(outside, 'elsewhere'))).toEqual([]);
  });
});

const SOURCE = new URL('../../src/store/filesystem.ts', import.meta.url).href;

/** A Node process that runs `script` with `store` (over `root`) and `text` in scope. */
function spawnWriter(root: string, script: string) {
  const prelude = `
    import { createHash } from 'node:crypto';
    import { createFilesystemStore } from ${JSON.stringify(SOURCE)};
    const store = createFilesystemStore(${JSON.stringify(root)});
    const text = (content) => new TextEncoder().encode(content);
    const ABSENT = { kind: 'absent' };
  `;
  const args = ['--input-type=module', '--eval', prelude + script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, exited: once(child, 'exit'), output: () => readText(child.stdout) };
}

describe('filesystem: several processes', () => {
  it('lose no increment of one counter', async () => {
    const { root } = await makeFolder();
    const store = createFilesystemStore(root);
    await create(store, 'banks/a/current', text('0'));
    const writers = Array.from({ length: 4 }, () =>
      spawnWriter(
        root,
        `for (let done = 0; done < 25; ) {
          const { object } = await store.get('banks/a/current');
          const next = text(String(Number(new TextDecoder().decode(object.bytes)) + 1));
          const result = await store.put('banks/a/current', next, { kind: 'matches', etag: object.etag });
          if (result.kind === 'stored') done += 1;
        }`,
      ),
    );
    for (const { exited } of writers) expect(await exited).toEqual([0, null]);
    expect(await read(store, 'banks/a/current')).toEqual(text('100'));
  });

  it('create each object once, and each replace it from the same state once', async () => {
    const { root } = await makeFolder();
    const writers = Array.from({ length: 4 }, () =>
      spawnWriter(
        root,
        `let created = 0, replaced = 0;
        const start = createHash('sha256').update('start').digest('hex');
        for (let at = 0; at < 30; at += 1) {
          const results = await Promise.all(Array.from({ length: 5 }, () => store.put('x/' + at, text('start'), ABSENT)));
          created += results.filter(({ kind }) => kind === 'stored').length;
          const mine = text('by ' + process.pid);
          const swaps = await Promise.all(
            Array.from({ length: 5 }, () => store.put('x/' + at, mine, { kind: 'matches', etag: start })),
          );
          replaced += swaps.filter(({ kind }) => kind === 'stored').length;
        }
        console.log(JSON.stringify([created, replaced]));`,
      ),
    );
    const wins = await Promise.all(writers.map(async ({ output }) => JSON.parse(await output()) as number[]));
    expect(wins.reduce((sum, [created = 0]) => sum + created, 0)).toBe(30);
    expect(wins.reduce((sum, [, replaced = 0]) => sum + replaced, 0)).toBe(30);
  });
});

describe('filesystem: a writer that is killed', () => {
  it('leaves the old object or the new one, no lock, and nothing half written', async () => {
    const { root } = await makeFolder();
    const store = createFilesystemStore(root);
    await create(store, 'current', version(0));
    for (const [round, delayMs] of [3, 11, 17, 26, 34, 41, 53, 67].entries()) {
      const { child, exited } = spawnWriter(
        root,
        `const version = (seed) => {
          const body = Buffer.alloc(512 * 1024, seed % 256);
          return Buffer.concat([createHash('sha256').update(body).digest(), body]);
        };
        for (let seed = 1; ; seed += 1) {
          const { object } = await store.get('current');
          const condition = { kind: 'matches', etag: object.etag };
          await store.put('current', version(seed), condition);
          await store.put('new/${round}-' + seed, version(seed), ABSENT);
          if (seed === 1) console.log('in full swing');
        }`,
      );
      try {
        await once(child.stdout, 'data');
        const start = performance.now();
        while (performance.now() - start < delayMs) expectWhole(await read(store, 'current'));
      } finally {
        child.kill('SIGKILL');
      }
      expect(await exited).toEqual([null, 'SIGKILL']);

      const found = await store.get('current');
      if (found.kind !== 'found') throw new Error(found.kind);
      expectWhole(found.object.bytes);
      const condition = { kind: 'matches', etag: found.object.etag } as const;
      expect((await store.put('current', version(1000 + round), condition)).kind).toBe('stored');
      for (const { key } of await listAll(store, '')) expectWhole(await read(store, key));
    }
    expect((await listAll(store, 'new/')).length).toBeGreaterThanOrEqual(8);
  });

  it('has its leftovers cleared by the next store, and only those', async () => {
    const { root } = await makeFolder();
    await create(createFilesystemStore(root), 'k', text('one'));
    const { child, exited } = spawnWriter(root, '');
    await exited;
    const files = {
      [`${child.pid}-dead-old`]: 120,
      [`${child.pid}-dead-young`]: 0,
      [`${process.pid}-alive-old`]: 120,
      [`${process.pid}-alive-abandoned`]: 2 * 24 * 60 * 60,
    };
    for (const [name, ageSeconds] of Object.entries(files)) {
      const path = join(root, '.tmp', name);
      await writeFile(path, 'half');
      await utimes(path, Date.now() / 1000 - ageSeconds, Date.now() / 1000 - ageSeconds);
    }
    expect(await listAll(createFilesystemStore(root), '')).toHaveLength(1);
    expect((await readdir(join(root, '.tmp'))).sort()).toEqual(
      [`${child.pid}-dead-young`, `${process.pid}-alive-old`].sort(),
    );
  });
});

function version(seed: number): Uint8Array {
  const body = Buffer.alloc(512 * 1024, seed % 256);
  return Buffer.concat([createHash('sha256').update(body).digest(), body]);
}

function expectWhole(bytes: Uint8Array): void {
  expect(bytes.length).toBe(32 + 512 * 1024);
  expect(Buffer.from(bytes.subarray(0, 32))).toEqual(
    createHash('sha256').update(bytes.subarray(32)).digest(),
  );
}
