// JSON as this folder writes it: with integers that no double holds, since an OpenAPI document must be able to say where
// a 64-bit integer ends.

export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonMembers;

export interface JsonMembers {
  readonly [name: string]: Json;
}

/** Marks digits for the second step. No text of a document holds it: it is not a character (U+FFFF). */
const MARK = '\uffff';
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** The JSON text of `value`, bigints as the integers that they are. */
export function writeJson(value: Json, space = 0): string {
  const marked = JSON.stringify(
    value,
    (_name, member: unknown) => (typeof member === 'bigint' ? `${MARK}${member}` : member),
    space,
  );
  return marked.replace(MARKED, '$1');
}
