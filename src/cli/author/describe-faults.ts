// Faults of a source or of a cases.json as people see them: the line itself, with a mark under the place.

import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';

import { CasesError } from '../../authoring/cases.ts';
import { SourceError, type SourceFault } from '../../authoring/source-error.ts';
import { ReleasesFileError } from '../apply/releases-file.ts';
import type { Line } from '../colour.ts';

/** Most faults that are shown with their line: what comes after is mostly a consequence. */
const MOST_SHOWN = 5;

/** Longest line that is shown. */
const MOST_COLUMNS = 160;

/** What `--json` says of an error beside its code and message. */
export function faultsOf(error: unknown): { faults?: readonly object[] } {
  const hasFaults =
    error instanceof SourceError || error instanceof CasesError || error instanceof ReleasesFileError;
  return hasFaults ? { faults: error.faults } : {};
}

/** The lines that the faults of a source are in; none for other errors. */
export function describeFaults(error: unknown): Line[] {
  if (!(error instanceof SourceError)) return [];
  return error.faults.slice(0, MOST_SHOWN).flatMap((fault) => frameOf(error.directory, fault));
}

function frameOf(directory: string, { file, line, column }: SourceFault): Line[] {
  if (line === undefined || column === undefined) return [];
  const below = relative(directory, join(directory, file));
  if (below.startsWith('..') || isAbsolute(file)) return [];
  let text: string | undefined;
  try {
    text = readFileSync(join(directory, file), 'utf8').split(/\r?\n/)[line - 1];
  } catch {
    return [];
  }
  if (text === undefined || text.trim() === '' || text.length > MOST_COLUMNS) return [];
  const number = String(line);
  const mark = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
  return [
    '',
    [['dim', `  ${file}`]],
    [['dim', `  ${number} | `], text],
    [['dim', `  ${' '.repeat(number.length)} | `], mark, ['red', '^']],
  ];
}
