import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { packContainer, unpackContainer, type Member } from '../../src/artifact/container.ts';

const MEMBERS: Member[] = [
  { name: 'manifest.json', bytes: new TextEncoder().encode('{"a":1}\n') },
  { name: 'empty.bin', bytes: new Uint8Array(0) },
  { name: 'core0.wasm', bytes: Uint8Array.from({ length: 1537 }, (_, i) => i % 256) },
];

const invalid = expect.objectContaining({ code: 'artifact_invalid' }) as Error;

describe('container', () => {
  it('gives back what was packed, in order', () => {
    expect(unpackContainer(packContainer(MEMBERS))).toEqual(MEMBERS);
  });

  it('gives the same bytes for the same members', () => {
    expect(packContainer(MEMBERS)).toEqual(packContainer(MEMBERS));
  });

  it('holds no members at all', () => {
    expect(unpackContainer(packContainer([]))).toEqual([]);
  });

  it('is opened by tar', () => {
    const directory = mkdtempSync(join(tmpdir(), 'container-'));
    try {
      const file = join(directory, 'artifact.tar');
      writeFileSync(file, packContainer(MEMBERS));
      const listing = execFileSync('tar', ['tf', file], { encoding: 'utf8' });
      expect(listing.trim().split('\n')).toEqual(MEMBERS.map((member) => member.name));
      const extracted = execFileSync('tar', ['xOf', file, 'core0.wasm']);
      expect(new Uint8Array(extracted)).toEqual(MEMBERS[2]?.bytes);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('refuses every archive that differs in one byte outside the members’ own bytes', () => {
    const archive = packContainer(MEMBERS);
    const isContent = new Uint8Array(archive.length);
    for (const member of unpackContainer(archive))
      isContent.fill(1, member.bytes.byteOffset, member.bytes.byteOffset + member.bytes.length);
    for (let i = 0; i < archive.length; i++) {
      if (isContent[i] === 1) continue;
      const changed = archive.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x01;
      let unpacked: Member[] | undefined;
      try {
        unpacked = unpackContainer(changed);
      } catch {
        continue;
      }
      expect(unpacked, `byte ${i}`).toBeUndefined();
    }
  });

  it('refuses a truncated archive at every length', () => {
    const archive = packContainer(MEMBERS);
    for (let length = 0; length < archive.length; length += 64) {
      expect(() => unpackContainer(archive.subarray(0, length)), `length ${length}`).toThrow(invalid);
    }
  });

  it('refuses bytes after the end', () => {
    const archive = packContainer(MEMBERS);
    const longer = new Uint8Array(archive.length + 512);
    longer.set(archive);
    expect(() => unpackContainer(longer)).toThrow(invalid);
  });

  it.each(['../x', '/x', 'a/b', '', 'A', '.x', 'x\u0000y', 'x'.repeat(100)])(
    'refuses the name %j',
    (name) => {
      expect(() => packContainer([{ name, bytes: new Uint8Array(1) }])).toThrow(invalid);
    },
  );
});
