// The command that comes after this one, whole: with the options that this one had, so that it can be run as printed. A
// publication that waits gives none of them back, and the publisher knows of no command line.

import { isDigest, type Digest } from '../artifact/digest.ts';
import type { Refusal } from '../publisher/refusal.ts';
import { DESK_OPTIONS, SOURCE_OPTIONS } from './target.ts';
import { TERM_OPTIONS } from './terms.ts';

/** The command that activates what was published, or is to be activated, under `args`. */
export function activationOf(artifact: Digest, args: readonly string[]): string {
  const words = withArtifact(artifact, args, (name) => name !== 'no-activate' && name !== 'json');
  return ['wasmpay activate', ...words].join(' ');
}

/** The same for a command that names its bank by an option, and has others of its own. */
export function activationFor(bank: string, artifact: Digest, args: readonly string[]): string {
  const isKept = (name: string): boolean =>
    name !== 'json' && (Object.hasOwn(DESK_OPTIONS, name) || Object.hasOwn(TERM_OPTIONS, name));
  return ['wasmpay activate', ...withArtifact(artifact, [bank, 'FILE', ...args], isKept)].join(' ');
}

/** Refusals whose way out is another command on the same target, with all of that command. */
export function completeFixes(refusals: readonly Refusal[], args: readonly string[]): Refusal[] {
  return refusals.map((refusal) => {
    const { code, where } = refusal;
    if (code !== 'imports_grew' || !isDigest(where)) return refusal;
    const look = `Look at it with "${comparisonOf(where, args)}"`;
    return { ...refusal, fix: `${look}; if that is meant: ${activationOf(where, args)} --accept-imports` };
  });
}

/** The command that compares what waits: it reads only, and takes no options of a release. */
function comparisonOf(artifact: Digest, args: readonly string[]): string {
  const words = withArtifact(
    artifact,
    args,
    (name) => name !== 'json' && Object.hasOwn(SOURCE_OPTIONS, name),
  );
  return ['wasmpay diff', ...words].join(' ');
}

/** Options without a value. */
const FLAGS: ReadonlySet<string> = new Set(['strict', 'accept-imports', 'no-activate', 'yes', 'json']);

/** The first argument of `args`, the artifact in the place of the second, and those options that `keeps` names. */
function withArtifact(artifact: Digest, args: readonly string[], keeps: (name: string) => boolean): string[] {
  const words: string[] = [];
  let positionals = 0;
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i] ?? '';
    if (!word.startsWith('--')) {
      words.push(positionals === 0 ? word : artifact);
      positionals += 1;
      continue;
    }
    const [name = ''] = word.slice(2).split('=', 1);
    const hasValue = !word.includes('=') && !FLAGS.has(name) && i + 1 < args.length;
    const option = hasValue ? [word, args[(i += 1)] ?? ''] : [word];
    if (keeps(name)) words.push(...option);
  }
  return words.map(quoteWord);
}

/** For a POSIX shell. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
