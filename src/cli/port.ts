// A port of the command line.

import { WasmpayError } from '../core/error.ts';

/** A port, or 0 for any that is free. Throws `usage`. */
export function parsePort(text: string, option: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new WasmpayError('usage', `${option} is a whole number from 0 to 65535`);
}
