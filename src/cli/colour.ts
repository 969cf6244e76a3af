// Colours, for terminals only. Every text is made harmless before a colour is put around it, so that no text can bring one
// of its own.

import { printable } from './terminal.ts';

const STYLES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export type Style = keyof typeof STYLES;

/** A part of a line: plain, or in a style. */
export type Piece = string | readonly [Style, string];

/** A line of text, from its parts. */
export type Line = string | readonly Piece[];

/**
 * Whether a stream gets colours: it is a terminal that has some, and nobody said NO_COLOR (no-color.org). FORCE_COLOR, with
 * anything but 0, asks for them elsewhere.
 */
export function isColoured(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** A line as a terminal gets it. */
export function renderLine(line: Line, coloured: boolean): string {
  const pieces: readonly Piece[] = typeof line === 'string' ? [line] : line;
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return printable(piece);
      const [style, text] = piece;
      return coloured ? `\u001b[${STYLES[style]}m${printable(text)}\u001b[0m` : printable(text);
    })
    .join('');
}

/** Writes lines to standard output. */
export function printLines(lines: readonly Line[]): void {
  const coloured = isColoured(process.stdout, process.env);
  for (const line of lines) process.stdout.write(`${renderLine(line, coloured)}\n`);
}

/** Writes lines to standard error: progress, and what went wrong. */
export function printProgressLines(lines: readonly Line[]): void {
  const coloured = isColoured(process.stderr, process.env);
  for (const line of lines) process.stderr.write(`${renderLine(line, coloured)}\n`);
}
