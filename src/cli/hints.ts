// What to do about a failure whose message says what is wrong and not what helps: one line.

import type { ErrorCode } from '../core/error.ts';

// Publishers meet this as well who were given a new key, and not the set that trusts the old one beside it.
const OTHER_KEY_HINT = 'signed by another key of yours: --trusted-keys FILE with both; changed by somebody: ';

const RELEASE_INVALID_HINT =
  `${OTHER_KEY_HINT}"wasmpay disable BANK" replaces it and stops the bank; then publish or roll back, and enable ` +
  '(docs/releases.md, "When an object is spoilt")';

// The switch replaces what is spoilt, unless nothing signed is left that says what the bank is.
const NOTHING_LEFT_HINT =
  `${OTHER_KEY_HINT}no release of the bank is left to go on from: ` +
  'delete that object and publish (docs/releases.md, "When an object is spoilt")';

const SOURCE_INVALID_HINT =
  'mend what the lines above say; docs/writing-a-validator.md has the contract and its rules';

const CASES_INVALID_HINT =
  'mend cases.json; an editor completes it by its "$schema", and schemas/cases.schema.json says all of it';

const RELEASES_INVALID_HINT =
  'mend the file and run it again; schemas/releases.schema.json says all of it, and editors complete it by that';

const PROCESSOR_INVALID_HINT = `${OTHER_KEY_HINT}delete that object, and rotate, revoke or set (docs/processors.md)`;

/**
 * What helps against failures of `code` while `command` runs, empty for none in particular; undefined where the message
 * says it.
 */
export function describeHint(code: ErrorCode, command: string): string | undefined {
  if (code === 'usage') return command === '' ? 'wasmpay --help' : `wasmpay ${command} --help`;
  if (code === 'source_invalid') return SOURCE_INVALID_HINT;
  if (code === 'cases_invalid') return CASES_INVALID_HINT;
  if (code === 'releases_invalid') return RELEASES_INVALID_HINT;
  if (code === 'processor_invalid') return PROCESSOR_INVALID_HINT;
  if (code !== 'release_invalid') return undefined;
  return command === 'disable' ? NOTHING_LEFT_HINT : RELEASE_INVALID_HINT;
}
