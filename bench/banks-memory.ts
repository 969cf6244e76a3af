// Memory of a process over a time: at its start, half-way, at its end and at most. Growth that goes on shows as a second
// half above the first.

import { readdirSync, readFileSync } from 'node:fs';

/** Time between two looks, milliseconds. */
const SAMPLE_MS = 250;

export interface Sampled<T> {
  readonly value: T;
  /** In the order of time; at least one before the work and one after it. */
  readonly samples: readonly number[];
}

/** Does `work`, looking at `read` before, every 250 ms or as often as it answers, and after. */
export async function sampleDuring<T>(
  read: () => Promise<number>,
  work: () => Promise<T>,
): Promise<Sampled<T>> {
  const samples = [await read()];
  const done = new AbortController();
  const sampling = (async () => {
    while (!done.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
      samples.push(await read());
    }
  })();
  try {
    const value = await work();
    return { value, samples };
  } finally {
    done.abort();
    await sampling;
  }
}

/** Resident bytes of a process. Linux alone says so in this form. */
export function residentBytesOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no resident memory`);
  return Number(kibibytes) * 1024;
}

/** The only process of this name that this process started, itself or through another. */
export function findDescendant(name: string): number {
  const parents = new Map<number, { readonly name: string; readonly parent: number }>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const known = readStat(Number(entry));
    if (known !== undefined) parents.set(Number(entry), known);
  }
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at !== 0; at = parents.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  const found = [...parents].filter(([pid, known]) => known.name === name && isOurs(pid));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} processes ${name} of our own`);
  return only[0];
}

/** Undefined where the process has ended meanwhile. */
function readStat(pid: number): { name: string; parent: number } | undefined {
  try {
    const parts = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return parts === null ? undefined : { name: parts[1] ?? '', parent: Number(parts[2]) };
  } catch {
    return undefined;
  }
}
