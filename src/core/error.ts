// The one error class that this project throws. What is expected (a bad transaction, a refused component, a
// trap) is data and never thrown past the module that meets it; a thrown error is an outage, a misconfiguration
// or a bug, and carries a code that callers and operators can rely on.

/** Stable codes of thrown errors. Messages may change; these do not. */
export type ErrorCode =
  | 'config_invalid'
  | 'store_unavailable'
  | 'store_key_invalid'
  | 'store_object_too_large'
  | 'store_conflict'
  | 'release_invalid'
  | 'processor_invalid'
  | 'artifact_invalid'
  | 'manifest_invalid'
  | 'key_invalid'
  | 'usage'
  | 'source_invalid'
  | 'cases_invalid'
  | 'releases_invalid'
  | 'toolchain_missing'
  | 'build_failed'
  | 'internal';

/** An outage, a misconfiguration or a bug, with a stable `code` and, where there is one, its `cause`. */
export class WasmpayError extends Error {
  override readonly name = 'WasmpayError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
