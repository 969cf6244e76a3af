// The artifact's container: a POSIX tar archive (ustar) in one canonical form, so that `tar tf` opens it and the
// same members always give the same bytes. Members in fixed order, no times, no owners, no compression.
// The reader takes exactly what the writer makes and nothing else: it parses bytes from an untrusted bucket,
// though only after their digest was checked.

import { WasmpayError } from '../core/error.ts';

const BLOCK_BYTES = 512;
const MAX_NAME_BYTES = 100;
const MAGIC = 'ustar\u000000';

/** One member of the archive. Names are ASCII without slashes. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Packs `members` in the order given. Throws `artifact_invalid` on a name that the form cannot hold. */
export function packContainer(members: readonly Member[]): Uint8Array<ArrayBuffer> {
  const total = members.reduce(
    (sum, member) => sum + BLOCK_BYTES + padded(member.bytes.length),
    2 * BLOCK_BYTES,
  );
  const archive = new Uint8Array(total);
  let offset = 0;
  for (const { name, bytes } of members) {
    archive.set(headerOf(name, bytes.length), offset);
    archive.set(bytes, offset + BLOCK_BYTES);
    offset += BLOCK_BYTES + padded(bytes.length);
  }
  return archive;
}

/**
 * Unpacks an archive that {@link packContainer} made. The members' bytes are views into `archive`. Throws
 * `artifact_invalid`, with the offset, where a byte differs from what the writer would have written.
 */
export function unpackContainer(archive: Uint8Array): Member[] {
  const members: Member[] = [];
  let offset = 0;
  while (offset + 2 * BLOCK_BYTES < archive.length) {
    const header = archive.subarray(offset, offset + BLOCK_BYTES);
    const name = asciiUntilZero(header.subarray(0, MAX_NAME_BYTES));
    const sizeBytes = Number.parseInt(asciiUntilZero(header.subarray(124, 136)), 8);
    if (!(sizeBytes >= 0) || !isName(name) || !sameBytes(header, headerOf(name, sizeBytes))) {
      throw invalid('header is not in canonical form', offset);
    }
    const start = offset + BLOCK_BYTES;
    const end = start + padded(sizeBytes);
    if (end + 2 * BLOCK_BYTES > archive.length) throw invalid('member runs past the end', offset);
    if (!isZero(archive.subarray(start + sizeBytes, end)))
      throw invalid('padding is not zero', start + sizeBytes);
    members.push({ name, bytes: archive.subarray(start, start + sizeBytes) });
    offset = end;
  }
  if (archive.length - offset !== 2 * BLOCK_BYTES || !isZero(archive.subarray(offset))) {
    throw invalid('end of archive is not two zero blocks', offset);
  }
  return members;
}

function headerOf(name: string, sizeBytes: number): Uint8Array {
  if (!isName(name))
    throw new WasmpayError('artifact_invalid', `container: member name ${JSON.stringify(name)}`);
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (text: string, at: number): void => {
    for (let i = 0; i < text.length; i++) header[at + i] = text.charCodeAt(i);
  };
  put(name, 0);
  put('0000644\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  put('00000000000\0', 136);
  put('        ', 148);
  put('0', 156);
  put(MAGIC, 257);
  put('0000000\0', 329);
  put('0000000\0', 337);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  put(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function isName(name: string): boolean {
  return name.length > 0 && name.length < MAX_NAME_BYTES && /^[a-z0-9][a-z0-9.-]*$/.test(name);
}

function asciiUntilZero(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function invalid(problem: string, offset: number): WasmpayError {
  return new WasmpayError('artifact_invalid', `container: ${problem}, at byte ${offset}`);
}
