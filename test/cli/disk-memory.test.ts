// What an author's commands keep on disk is found again for the same input and tools only, and believed only where it is whole.

import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeEach, describe, expect, it } from 'vitest';

import { createDiskMemory } from '../../src/cli/author/disk-memory.ts';
import { describeStageTools } from '../../src/cli/author/stage-tools.ts';
import { encodeMessage } from '../../src/core/frames.ts';
import { createMemory, keyOf, type Codec } from '../../src/publisher/memory.ts';

const parent = mkdtempSync(join(tmpdir(), 'disk-memory-'));
afterAll(() => rmSync(parent, { recursive: true }));

let folder = '';
let made = 0;
beforeEach(() => {
  folder = mkdtempSync(join(parent, 'stages-'));
  made = 0;
});

const TEXT: Codec<string> = {
  encode: (text) => (text === 'not kept' ? undefined : { value: text, blobs: [] }),
  decode: ({ value }) => (typeof value === 'string' ? value : undefined),
};

const BOUNDS = { totalBytes: 4096, entryBytes: 1024 };

/** One recall in a memory of its own, as in another process. */
function recall(input: string, text = `made of ${input}`, tools = 'tools 1', stage = 'stage'): string {
  return createDiskMemory(folder, tools, BOUNDS).recall(
    stage,
    [input],
    () => {
      made += 1;
      return text;
    },
    TEXT,
  );
}

const entries = (): string[] => readdirSync(folder).toSorted();
const entryOf = (input: string): string => join(folder, keyOf('tools 1\0stage', [input]));

describe('the memory on disk', () => {
  it('makes once for one stage, input and tools, and gives the same afterwards', () => {
    expect([recall('a'), recall('a')]).toEqual(['made of a', 'made of a']);
    expect(made).toBe(1);
    recall('b');
    recall('a', 'x', 'tools 2');
    recall('a', 'x', 'tools 1', 'another stage');
    expect(made).toBe(4);
    expect(recall('a')).toBe('made of a');
    expect(made).toBe(4);
  });

  it('keeps what a promise gives, not what it fails with, and not what is not worth it', async () => {
    const later: Codec<Promise<string>> = {
      encode: (text) => ({ value: text, blobs: [] }),
      decode: ({ value }) => (typeof value === 'string' ? Promise.resolve(value) : undefined),
    };
    const memory = createDiskMemory(folder, 'tools 1', BOUNDS);
    const once = (make: () => Promise<string>) => memory.recall('later', ['a'], make, later);
    await expect(once(() => Promise.reject(new Error('first')))).rejects.toThrow('first');
    expect(await once(() => Promise.resolve('second'))).toBe('second');
    expect(await once(() => Promise.reject(new Error('third')))).toBe('second');
    expect([recall('b', 'not kept'), recall('b', 'kept')]).toEqual(['not kept', 'kept']);
  });

  it('makes anew what is cut off anywhere, or has one other byte', () => {
    recall('a');
    const whole = readFileSync(entryOf('a'));
    for (let length = 0; length < whole.length; length += 1) {
      truncateSync(entryOf('a'), length);
      expect(recall('a', 'new')).toBe('new');
      writeFileSync(entryOf('a'), whole);
    }
    for (let at = 0; at < whole.length; at += 1) {
      const garbled = Buffer.from(whole);
      garbled[at] = (garbled[at] ?? 0) ^ 0x20;
      writeFileSync(entryOf('a'), garbled);
      expect(recall('a', 'new')).toBe('new');
    }
    expect(made).toBe(1 + 2 * whole.length);
    writeFileSync(entryOf('a'), whole);
    expect(recall('a', 'new')).toBe('made of a');
  });

  it('does not take one input’s entry for another’s', () => {
    recall('a');
    copyFileSync(entryOf('a'), entryOf('b'));
    expect(recall('b')).toBe('made of b');
  });

  it('makes anew what is whole and of another form', () => {
    recall('a');
    const key = keyOf('tools 1\0stage', ['a']);
    const body = encodeMessage({ value: { key, value: 5 }, blobs: [] });
    writeFileSync(
      entryOf('a'),
      Buffer.concat([createHash('sha256').update(body).digest(), Buffer.from(body)]),
    );
    expect(recall('a', 'new')).toBe('new');
  });

  it('follows no link, waits for no pipe, and goes on without a folder', async () => {
    recall('a');
    copyFileSync(entryOf('a'), join(folder, 'elsewhere'));
    rmSync(entryOf('a'));
    symlinkSync(join(folder, 'elsewhere'), entryOf('a'));
    expect(recall('a', 'new')).toBe('new');
    rmSync(entryOf('b'), { force: true });
    await promisify(execFile)('mkfifo', [entryOf('b')]);
    expect(recall('b')).toBe('made of b');
    mkdirSync(entryOf('c'));
    expect(recall('c')).toBe('made of c');
    folder = join(folder, 'not there');
    expect(recall('a')).toBe('made of a');
  });

  it('keeps an entry at its bound, none above it', () => {
    const bytesOf = (length: number): number => {
      rmSync(entryOf('a'), { force: true });
      recall('a', 'x'.repeat(length));
      return statSync(entryOf('a'), { throwIfNoEntry: false })?.size ?? 0;
    };
    const rest = bytesOf(100) - 100;
    expect(bytesOf(1024 - rest - 1)).toBe(1023);
    expect(bytesOf(1024 - rest)).toBe(1024);
    expect(bytesOf(1024 - rest + 1)).toBe(0);
    // One that another wrote and that is too large is not read.
    writeFileSync(entryOf('a'), Buffer.alloc(1025));
    expect(recall('a', 'new')).toBe('new');
  });

  it('drops what was used longest ago above its bound, and touches no file that is not its own', () => {
    writeFileSync(join(folder, 'mine.txt'), Buffer.alloc(8192));
    const long = (input: string): string => recall(input, input.repeat(800));
    const sizeOf = (): number =>
      entries().reduce((sum, name) => sum + (name === 'mine.txt' ? 0 : statSync(join(folder, name)).size), 0);
    for (const [second, input] of ['a', 'b', 'c', 'd'].entries()) {
      long(input);
      utimesSync(entryOf(input), second + 1, second + 1);
    }
    expect(sizeOf()).toBeLessThanOrEqual(4096);
    // Half written by a process that was killed.
    const left = join(folder, '00000000-0000-0000-0000-000000000000.tmp');
    writeFileSync(left, 'half');
    utimesSync(left, 1, 1);
    // The oldest is used, and stays.
    long('a');
    expect(made).toBe(4);
    long('e');
    expect(sizeOf()).toBeLessThanOrEqual(4096);
    expect(entries()).not.toContain('00000000-0000-0000-0000-000000000000.tmp');
    expect(entries()).toContain('mine.txt');
    long('a');
    expect(made).toBe(5);
    long('b');
    expect(made).toBe(6);
  });

  it('gives every process whole results while others write the same ones', async () => {
    const script = join(parent, 'process.ts');
    writeFileSync(
      script,
      `import { createDiskMemory } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli/author/disk-memory.ts'))};
      const codec = { encode: (text) => ({ value: text, blobs: [] }), decode: ({ value }) => value };
      const memory = createDiskMemory(process.argv[2], 'tools', { totalBytes: 1e6, entryBytes: 3e5 });
      for (let i = 0; i < 200; i += 1) {
        const input = String(i % 7);
        const text = memory.recall('stage', [input], () => input.repeat(200_000), codec);
        if (text !== input.repeat(200_000)) throw new Error('torn');
      }`,
    );
    const runs = [1, 2, 3].map(() => promisify(execFile)(process.execPath, [script, folder]));
    await Promise.all(runs);
    expect(entries().filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(entries().length).toBeLessThanOrEqual(5);
  });

  it('is asked by the memory of a process for what that does not know', () => {
    const memory = createMemory(createDiskMemory(folder, 'tools 1', BOUNDS));
    expect(memory.recall('stage', ['a'], () => 'first', TEXT)).toBe('first');
    expect(recall('a', 'second')).toBe('first');
    rmSync(entryOf('a'));
    expect(memory.recall('stage', ['a'], () => 'third', TEXT)).toBe('first');
  });
});

describe('what shapes results beside their inputs', () => {
  it('is another text when a source of ours changes, or its name, and the same otherwise', async () => {
    const root = join(parent, 'src');
    for (const name of ['publisher', 'artifact', 'core'])
      cpSync(join(import.meta.dirname, '../../src', name), join(root, name), { recursive: true });
    const before = await describeStageTools(root);
    expect(before).toBe(await describeStageTools());
    for (const file of ['publisher/meter/costs.json', 'core/limits.ts', 'artifact/meter-abi.ts']) {
      const text = readFileSync(join(root, file), 'utf8');
      chmodSync(join(root, file), 0o600);
      writeFileSync(join(root, file), `${text} `);
      expect(await describeStageTools(root)).not.toBe(before);
      writeFileSync(join(root, file), text);
    }
    expect(await describeStageTools(root)).toBe(before);
    expect(before).toMatch(/ acorn@\S+ esbuild@\S+ [0-9a-f]{64}$/);
  });
});
