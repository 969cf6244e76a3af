// How each version of the contract is called: under which name a guest exports it, and what its answer means. Which one
// it is stands in the signed manifest; a guest has no say in it. Answers come from jco's glue, which lifted them, and are
// read as if they could be anything.

import type { Contract } from '../artifact/manifest.ts';
import { UNSPECIFIED_DENIAL, type Verdict } from '../core/decision.ts';
import { faultOfDenial } from '../core/denial.ts';

/** A verdict, or why the answer is none, in words of our own. */
export type ReadAnswer =
  { readonly ok: true; readonly verdict: Verdict } | { readonly ok: false; readonly fault: string };

export interface ContractCall {
  /** The name of the instance that holds `validate`. */
  readonly exportName: string;
  /** Never throws. */
  readonly readAnswer: (answer: unknown) => ReadAnswer;
}

export const CONTRACT_CALLS: Readonly<Record<Contract, ContractCall>> = {
  'wasmpay:platform@0.1.0': { exportName: 'wasmpay:platform/validation@0.1.0', readAnswer: readBool },
  'wasmpay:platform@0.2.0': { exportName: 'wasmpay:platform/validation@0.2.0', readAnswer: readVariant },
};

const APPROVED: ReadAnswer = { ok: true, verdict: { kind: 'approve' } };

/** 0.1.0: `bool`. */
function readBool(answer: unknown): ReadAnswer {
  if (typeof answer !== 'boolean') return { ok: false, fault: `a ${typeof answer} is no bool` };
  return answer ? APPROVED : { ok: true, verdict: { kind: 'deny', denial: UNSPECIFIED_DENIAL } };
}

/** 0.2.0: `variant verdict { approve, deny(denial) }`. */
function readVariant(answer: unknown): ReadAnswer {
  const { tag, val } = (answer ?? {}) as { tag?: unknown; val?: unknown };
  if (tag === 'approve' && val === undefined) return APPROVED;
  if (tag !== 'deny') return { ok: false, fault: `a ${typeof answer} is no verdict` };
  const { code, message } = (val ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string')
    return { ok: false, fault: 'a denial without its texts' };
  const fault = faultOfDenial(code, message);
  if (fault !== undefined) return { ok: false, fault };
  const denial = message === '' ? { code } : { code, message };
  return { ok: true, verdict: { kind: 'deny', denial } };
}
