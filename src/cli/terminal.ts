// What the command prints. Text that a guest's author chose is made harmless first: no control characters reach a
// terminal, as themselves or as JSON. Results go to standard output, progress and errors to standard error.

import type { Refusal } from '../publisher/refusal.ts';

const CONTROL = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** `text` without control and direction-changing characters; line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

export function printResult(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** `line`: without line feeds, for one value after the other. */
export function printJson(value: unknown, form: 'block' | 'line' = 'block'): void {
  // JSON itself escapes none above U+001F.
  const text = JSON.stringify(value, null, form === 'line' ? 0 : 2).replace(CONTROL, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  process.stdout.write(`${text}\n`);
}

export function printProgress(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** Refusals for people, one block each. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  return refusals
    .map(
      ({ code, message, where, fix }) =>
        `refused: ${message}\n  code   ${code}\n  where  ${where}\n  fix    ${fix}`,
    )
    .join('\n\n');
}

/** `1 bank`, `2 banks`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}
