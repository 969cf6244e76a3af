// Why a validator gave no answer. These codes go to processors (design: `failure`), so they are stable, and they
// never share a name with a bank's own denial.

/** Every way in which a guest call can end without a verdict. */
export const FAILURE_CODES = [
  'trap',
  'fuel_exhausted',
  'memory_exceeded',
  'capability_denied',
  'deadline_exceeded',
  'bad_output',
  'load_failed',
  'paused',
  'share_exceeded',
  'disabled',
  'no_validator',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** A guest call that ended without a verdict. `detail` is for the operator's log; it holds no guest text. */
export interface Failure {
  readonly code: FailureCode;
  readonly detail: string;
}
