// Asks the person at the terminal. Where there is none, the answer is undefined: nobody said yes.

import { createInterface } from 'node:readline/promises';

/** Whether the person said yes; undefined without a terminal. Anything but a yes is a no. */
export async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
