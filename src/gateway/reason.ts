// The `reason` of an answer that denies: a bank's own, or the failure that kept it from being asked, each with what ISO
// 20022 and ISO 8583 call it. Which of the two it is, is never told by what a validator said.

import { UNSPECIFIED_DENIAL, type Reason, type Verdict } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import { statusOfDenial, statusOfFailure } from '../core/reason-codes.ts';

/** Only the members that the wire format has, in its order. Of a failure its code alone: its detail is the operator's. */
export function reasonOf(verdict: Verdict, failure: Failure | undefined): Reason {
  if (failure !== undefined) return { code: failure.code, ...statusOfFailure(failure.code) };
  const { code, message } = verdict.kind === 'deny' ? verdict.denial : UNSPECIFIED_DENIAL;
  return { code, ...(message !== undefined && { message }), ...statusOfDenial(code) };
}
