// What to do about a failure whose message says what is wrong and not what helps: one line.

import type { ErrorCode } from '../core/error.ts';

// Publishers meet this as well who were given a new key, and not the set that trusts the old one beside it.
const RELEASE_INVALID_HINT =
  'signed by another key of yours: --trusted-keys FILE with both; changed by somebody: ' +
  'delete that object, and publish, roll back or disable (docs/releases.md, "When the bucket is lost")';

/**
 * What helps against failures of `code` while `command` runs, empty for none in particular; undefined where the message
 * says it.
 */
export function describeHint(code: ErrorCode, command: string): string | undefined {
  if (code === 'usage') return command === '' ? 'wasmpay --help' : `wasmpay ${command} --help`;
  return code === 'release_invalid' ? RELEASE_INVALID_HINT : undefined;
}
