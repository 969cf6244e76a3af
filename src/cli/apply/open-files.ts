// Files that a releases.yaml names, and the file itself. Who may write a line in it must not reach the rest of the machine:
// a named file is a regular one in the file's own folder or below it, links followed. A component is known by its digest
// and read again when it is needed, so that ten thousand of them are never held together.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

import { sha256, type Digest } from '../../artifact/digest.ts';
import { parseCases, type Case } from '../../authoring/cases.ts';
import { WasmpayError } from '../../core/error.ts';
import { MAX_COMPONENT_BYTES } from '../../core/limits.ts';
import { readComponentFile } from '../options.ts';
import {
  MAX_RELEASES_FILE_BYTES,
  parseReleasesFile,
  ReleasesFileError,
  type NamedFile,
  type ReleasesFault,
  type ReleasesFile,
} from './releases-file.ts';

/** Largest file of cases, bytes: the most cases, with the longest transactions. */
const MAX_CASES_BYTES = 32 * 1024 * 1024;

/** A file with what it names: every component's digest, and every case. */
export interface OpenedFile extends ReleasesFile {
  /** The digest of a component's file, by the path that the text names. */
  readonly digests: ReadonlyMap<string, Digest>;
  readonly cases: ReadonlyMap<string, readonly Case[]>;
  /** Reads a component again. Throws `usage` where it is no longer what it was. */
  readonly readComponent: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens the file at `path` and everything that it names. Throws `usage` where it cannot be read, {@link ReleasesFileError}
 * for its own faults and for files that are not there or are none of its own.
 */
export async function openReleasesFile(path: string): Promise<OpenedFile> {
  const file = parseReleasesFile(await readReleasesText(path), path);
  const folder = dirname(await realpath(path));
  const faults: ReleasesFault[] = [];
  const digests = new Map<string, Digest>();
  const cases = new Map<string, readonly Case[]>();
  const resolved = new Map<string, string>();
  for (const bank of file.banks) {
    if (typeof bank.runs === 'object' && 'file' in bank.runs) {
      const named = bank.runs.file;
      await look(named, `banks.${bank.bankId}.component`, digests, async (real) => {
        resolved.set(named.path, real);
        return hashFile(real);
      });
    }
    if (bank.cases !== undefined)
      await look(bank.cases, `banks.${bank.bankId}.cases`, cases, async (real) =>
        parseCases(await readText(real, MAX_CASES_BYTES, constants.O_NOFOLLOW), bank.cases?.path ?? ''),
      );
  }
  if (faults.length > 0) throw new ReleasesFileError(path, faults);
  return {
    ...file,
    digests,
    cases,
    async readComponent(named) {
      const bytes = await readComponentFile(resolved.get(named) ?? join(folder, named));
      if ((await sha256(bytes)) === digests.get(named)) return bytes;
      throw new WasmpayError('usage', `${named} changed while it was applied; run it again`);
    },
  };

  /** Reads what is named once; a fault is told at every place that names it. */
  async function look<T>(
    named: NamedFile,
    member: string,
    known: Map<string, T>,
    read: (real: string) => Promise<T>,
  ): Promise<void> {
    if (known.has(named.path)) return;
    try {
      known.set(named.path, await read(await resolveInside(folder, named.path)));
    } catch (error) {
      faults.push({ ...named.place, member, message: describeFault(error) });
    }
  }
}

/** The real path of a file below `folder`. Throws `usage`. */
async function resolveInside(folder: string, path: string): Promise<string> {
  const real = await realpath(join(folder, path));
  if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw new WasmpayError(
      'usage',
      'is a link that leaves the folder of this file: put the file itself there',
    );
  if (!(await stat(real)).isFile()) throw new WasmpayError('usage', 'is no file: name one');
  return real;
}

function describeFault(error: unknown): string {
  if (error instanceof WasmpayError) return error.message;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return `cannot be read (${code}): name a file in the folder of this file, or below it`;
}

/** The digest of a file of any size, without holding it. One that is too large is the publisher's to refuse. */
async function hashFile(path: string): Promise<Digest> {
  // Not through a link that was put there meanwhile.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const hash = createHash('sha256');
  const buffer = new Uint8Array(256 * 1024);
  let length = 0;
  // As readComponentFile reads it: one byte more than a component may have.
  while (length <= MAX_COMPONENT_BYTES) {
    const most = Math.min(buffer.length, MAX_COMPONENT_BYTES + 1 - length);
    const { bytesRead } = await file.read(buffer, 0, most, length);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return `sha256:${hash.digest('hex')}`;
}

async function readReleasesText(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) throw new WasmpayError('usage', `${path} is no file`);
    return await readText(path, MAX_RELEASES_FILE_BYTES);
  } catch (cause) {
    if (cause instanceof WasmpayError)
      throw new WasmpayError('usage', `${path}: ${cause.message}`, { cause });
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new WasmpayError('usage', `cannot read ${path}: ${code}`, { cause });
  }
}

/** A text of at most `maxBytes`; a larger one is refused before it is held. `flags` are of opening it. Throws `usage`. */
async function readText(path: string, maxBytes: number, flags = 0): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | flags);
  const { size } = await file.stat();
  if (size > maxBytes)
    throw new WasmpayError('usage', `has ${size} bytes, more than ${maxBytes}: split it into several files`);
  const buffer = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, length));
  } catch (cause) {
    throw new WasmpayError('usage', 'is no text in UTF-8: save it as that', { cause });
  }
}
