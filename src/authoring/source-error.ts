// Faults in an author's source: what compilers say, made one form for people, editors and agents.

import { WasmpayError } from '../core/error.ts';
import type { BuildOptions } from './languages/language.ts';

/** One fault. Line and column are from 1; those that no compiler told are absent. */
export interface SourceFault {
  /** Relative to the validator's folder. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What is thrown for a source that does not build: `source_invalid`, with every fault. */
export class SourceError extends WasmpayError {
  /** The validator's folder. */
  readonly directory: string;
  readonly faults: readonly SourceFault[];

  constructor(language: string, directory: string, faults: readonly SourceFault[]) {
    super('source_invalid', `the ${language} source does not build:\n${faults.map(formatFault).join('\n')}`);
    this.directory = directory;
    this.faults = faults;
  }
}

const FAULT = /^(?<file>[^:\s][^:]*):(?<line>\d+):(?<column>\d+): (?<message>[^]*)$/;

/**
 * The error for faults as `file:line:column: message`, the form that editors follow. A line that begins with a space
 * goes on with the fault before it; what has no place is put to `source` as a whole.
 */
export function sourceError(
  language: string,
  lines: readonly string[],
  { directory, source }: Pick<BuildOptions, 'directory' | 'source'>,
): SourceError {
  const texts: string[] = [];
  for (const line of lines) {
    if (/^\s/.test(line) && texts.length > 0) texts.push(`${texts.pop()}\n${line}`);
    else texts.push(line);
  }
  return new SourceError(
    language,
    directory,
    texts.map((text) => {
      const { file, line, column, message } = FAULT.exec(text)?.groups ?? {};
      if (file === undefined) return { file: source, message: text };
      return { file, line: Number(line), column: Number(column), message: message ?? '' };
    }),
  );
}

/** `validator.ts:5:12: TS2339: …`. */
export function formatFault({ file, line, column, message }: SourceFault): string {
  return line === undefined ? `${file}: ${message}` : `${file}:${line}:${column ?? 1}: ${message}`;
}
