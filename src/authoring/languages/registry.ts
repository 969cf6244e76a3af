// The languages that validators are built from.

import { WasmpayError } from '../../core/error.ts';
import { ASSEMBLYSCRIPT } from './assemblyscript.ts';
import { C } from './c.ts';
import { GO } from './go.ts';
import type { Language } from './language.ts';
import { PYTHON } from './python.ts';
import { RUST } from './rust.ts';
import { TYPESCRIPT } from './typescript.ts';

/** In the order in which help lists them. */
export const LANGUAGES: readonly Language[] = [TYPESCRIPT, ASSEMBLYSCRIPT, RUST, C, GO, PYTHON];

/** The language of a name or an alias, in any case. Throws `usage` where there is none. */
export function findLanguage(name: string): Language {
  const wanted = name.toLowerCase();
  const found = LANGUAGES.find((language) => language.name === wanted || language.aliases.includes(wanted));
  if (found !== undefined) return found;
  throw new WasmpayError('usage', `there is no language ${JSON.stringify(name)}: ${describeLanguages()}`);
}

/** `typescript (ts), assemblyscript (as, asc)`. */
export function describeLanguages(): string {
  return LANGUAGES.map(({ name, aliases }) =>
    aliases.length === 0 ? name : `${name} (${aliases.join(', ')})`,
  ).join(', ');
}
