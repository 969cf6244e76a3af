// What the command prints. Text that a guest's author chose is made harmless first: no control characters reach a
// terminal. Results go to standard output, progress and errors to standard error.

import type { Refusal } from '../publisher/refusal.ts';

// oxlint-disable-next-line no-control-regex
const CONTROL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g;

/** `text` without control and direction-changing characters; line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

export function printResult(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
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

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}
