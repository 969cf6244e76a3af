// The examples of the OpenAPI document. A test sends each request to a gateway and holds each answer to what it gives.

import type { DecisionBody, StageBody, StageName } from '../../core/decision.ts';
import { MAX_BODY_BYTES } from '../../core/limits.ts';
import { TRANSACTION_RULES } from '../../core/transaction-rules.ts';
import { formatLine } from '../batch/batch-lines.ts';
import { IDEMPOTENCY_KEY_FORM } from '../idempotency-key.ts';
import type { Problem, ProblemCode, ProblemDetails } from '../problem.ts';
import type { JsonMembers } from './json-document.ts';

/** Asked of the bank `icamer`. */
export const EXAMPLE_TRANSACTION = {
  id: 'txn_123456',
  origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000 },
  status: 'pending',
} as const satisfies JsonMembers;

const ANSWERED = {
  transaction_id: EXAMPLE_TRANSACTION.id,
  bank: EXAMPLE_TRANSACTION.destination.id,
  release: 7,
  artifact: 'sha256:39c4ca2bd1f3b4f1e9a4c05d6c87e0a7c4b37f1f5f0b7d5f3f43a2d9f2f6a1c8',
  evaluated_at: '2026-11-24T09:00:00.123Z',
} as const;

function stage(
  name: StageName,
  bank: string,
  decision: 'approve' | 'deny',
  fuel: number,
): StageBody & JsonMembers {
  const { release, artifact } = ANSWERED;
  const reason = { code: 'AM02', iso20022: 'AM02', de39: '61' };
  return {
    stage: name,
    bank,
    decision,
    ...(decision === 'deny' && { reason }),
    decided_by: 'validator',
    release,
    artifact,
    fuel,
  };
}

/** One for each of the three kinds of answers of a bank, and one of a chain. */
export const EXAMPLE_DECISIONS = {
  approved: { decision: 'approve', decided_by: 'validator', fuel: 30_125, ...ANSWERED },
  denied: {
    decision: 'deny',
    reason: { code: 'AM02', message: 'above 10,000.00 EUR', iso20022: 'AM02', de39: '61' },
    decided_by: 'validator',
    fuel: 28_411,
    ...ANSWERED,
  },
  not_asked: {
    decision: 'deny',
    reason: { code: 'fuel_exhausted', iso20022: 'AB10', de39: '96' },
    decided_by: 'fallback',
    failure: 'fuel_exhausted',
    fuel: 50_000_000,
    ...ANSWERED,
  },
  chain: {
    decision: 'deny',
    reason: { code: 'AM02', iso20022: 'AM02', de39: '61' },
    decided_by: 'validator',
    fuel: 58_536,
    ...ANSWERED,
    stages: [
      stage('origin', 'bank-001', 'deny', 30_125),
      stage('destination', ANSWERED.bank, 'approve', 28_411),
    ],
  },
} as const satisfies Record<string, DecisionBody>;

/** The answer to a batch of the transaction above and of `{}`. */
export const EXAMPLE_LINES =
  formatLine(0, { kind: 'decided', body: EXAMPLE_DECISIONS.approved }) +
  formatLine(1, {
    kind: 'problem',
    problem: {
      code: 'invalid_transaction',
      details: {
        errors: Object.values(TRANSACTION_RULES.members).map(({ pointer }) => ({
          pointer,
          code: 'required',
          message: 'is required',
        })),
      },
    },
  });

/** What some problems say beyond their code. The others say nothing more. */
const DETAILS: Partial<Record<ProblemCode, ProblemDetails>> = {
  // Of the body `{`.
  malformed_json: { detail: 'the text ends too early', offset: 1, line: 1, column: 2 },
  invalid_idempotency_key: { detail: IDEMPOTENCY_KEY_FORM },
  body_too_large: { detail: `the body is larger than ${MAX_BODY_BYTES} bytes` },
  unsupported_media_type: { detail: 'content-type' },
  // Of the transaction above with id '' and without a status.
  invalid_transaction: {
    errors: [
      { pointer: '/id', code: 'empty', message: 'must not be empty' },
      { pointer: '/status', code: 'required', message: 'is required' },
    ],
  },
  invalid_batch: { detail: 'no transaction' },
  bank_mismatch: {
    errors: [
      { pointer: '/destination/id', code: 'bank_mismatch', message: 'names another bank than the address' },
    ],
  },
};

export function exampleProblem(code: ProblemCode): Problem {
  const details = DETAILS[code];
  return details === undefined ? { code } : { code, details };
}
