// The schemas of the OpenAPI document. What a transaction is comes from the rules that the parser holds it to; what the
// gateway answers comes from its tables of codes, and TypeScript holds each list of members to the type that is sent.

import { BANK_ID } from '../../core/bank.ts';
import { STAGE_NAMES, type DecisionBody, type Reason, type StageBody } from '../../core/decision.ts';
import { FAILURE_CODES } from '../../core/failure.ts';
import { MAX_REASON_CODE_LENGTH, MAX_REASON_MESSAGE_BYTES, MAX_STRING_BYTES } from '../../core/limits.ts';
import { TRANSACTION_FAULT_CODES } from '../../core/parse-transaction.ts';
import { DENIAL_REASONS, FAILURE_STATUS, OTHER_DENIAL, UNSPECIFIED_STATUS } from '../../core/reason-codes.ts';
import { TRANSACTION_RULES, type MemberRule } from '../../core/transaction-rules.ts';
import { MAX_AMOUNT, MIN_AMOUNT } from '../../core/transaction.ts';
import { PROBLEM_CODES, type ProblemBody, type ProblemFault } from '../problem.ts';
import { integerPattern } from './integer-pattern.ts';
import type { JsonMembers } from './json-document.ts';

/** The code of a fault that is found while JSON is read. */
const DUPLICATE_MEMBER = 'duplicate_member';

/** The code of a fault of a transaction that is none by itself. */
const BANK_MISMATCH = 'bank_mismatch';

/** The JSON Schema of a rule. `maxLength` counts characters; that it is bytes, only words can say. */
export function schemaOfRule(rule: MemberRule): JsonMembers {
  if (rule.kind === 'text') {
    return {
      type: 'string',
      description: `${rule.meaning}. At most ${MAX_STRING_BYTES} bytes of UTF-8.`,
      ...(rule.mustNotBeEmpty && { minLength: 1 }),
      ...(rule.isBankId ? { pattern: BANK_ID.source } : { maxLength: MAX_STRING_BYTES }),
    };
  }
  if (rule.kind === 'amount') {
    return {
      description: `${rule.meaning}, a 64-bit integer; as text where a JSON number would be made a double.`,
      anyOf: [
        { type: 'integer', format: 'int64', minimum: MIN_AMOUNT, maximum: MAX_AMOUNT },
        { type: 'string', pattern: integerPattern(MIN_AMOUNT, MAX_AMOUNT) },
      ],
    };
  }
  return {
    type: 'object',
    description: `${rule.meaning}. Other members are ignored.`,
    required: Object.keys(rule.members),
    properties: Object.fromEntries(
      Object.entries(rule.members).map(([name, member]) => [name, schemaOfRule(member)]),
    ),
  };
}

const STATUS_CODES = {
  iso20022: { type: 'string', pattern: '^[A-Z0-9]{4}$', description: 'ISO 20022 ExternalStatusReason1Code' },
  de39: { type: 'string', pattern: '^[0-9]{2}$', description: 'ISO 8583:1987 data element 39' },
} as const;

const REASON: Record<keyof Reason, JsonMembers> = {
  code: {
    type: 'string',
    minLength: 1,
    maxLength: MAX_REASON_CODE_LENGTH,
    description:
      "The bank's own code; `unspecified` where it gave none; the failure's where it was not asked.",
  },
  message: {
    type: 'string',
    minLength: 1,
    maxLength: MAX_REASON_MESSAGE_BYTES,
    description: "The bank's words for people, where it gave any. Escape them where you show them.",
  },
  ...STATUS_CODES,
};

const DECISION: Record<keyof DecisionBody, JsonMembers> = {
  decision: { enum: ['approve', 'deny'] },
  transaction_id: { type: 'string', description: 'As sent' },
  bank: { type: 'string', description: 'Slug of the bank that was asked' },
  reason: { $ref: '#/components/schemas/Reason' },
  decided_by: {
    enum: ['validator', 'fallback'],
    description: "Who decided: the bank's validator, or what its release says where that gave no answer.",
  },
  failure: { enum: FAILURE_CODES, description: 'With `fallback`: why the validator gave no answer' },
  release: { type: 'integer', minimum: 1, description: "Number of the bank's release" },
  artifact: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', description: 'Digest of what was run' },
  evaluated_at: { type: 'string', format: 'date-time', description: "What the validator's clock read" },
  fuel: { type: 'integer', minimum: 0, description: 'What the call cost; of a chain all of them' },
  stages: {
    type: 'array',
    description: 'From a gateway that asks several banks: what each of them says',
    items: { $ref: '#/components/schemas/Stage' },
  },
};

const STAGE: Record<keyof StageBody, JsonMembers> = {
  stage: { enum: STAGE_NAMES, description: 'Whose bank it is' },
  bank: DECISION.bank,
  decision: DECISION.decision,
  reason: DECISION.reason,
  decided_by: {
    enum: ['validator', 'fallback', 'release'],
    description: '`release`: the bank has no validator, as its signed release says',
  },
  failure: DECISION.failure,
  release: DECISION.release,
  artifact: DECISION.artifact,
  fuel: DECISION.fuel,
};

const FAULT: Record<keyof ProblemFault, JsonMembers> = {
  pointer: { type: 'string', description: 'RFC 6901' },
  code: { enum: [...TRANSACTION_FAULT_CODES, DUPLICATE_MEMBER, BANK_MISMATCH] },
  message: { type: 'string' },
};

const PROBLEM: Record<keyof ProblemBody, JsonMembers> = {
  type: { type: 'string', description: '`urn:wasmpay:problem:` and the code' },
  title: { type: 'string', description: 'For people; may change' },
  status: { type: 'integer' },
  code: { enum: PROBLEM_CODES, description: 'Stable: what to tell problems apart by' },
  detail: { type: 'string' },
  errors: {
    type: 'array',
    description: 'Every fault at once',
    items: { $ref: '#/components/schemas/Fault' },
  },
  offset: { type: 'integer', minimum: 0, description: 'Where JSON went wrong, UTF-16 code units' },
  line: { type: 'integer', minimum: 1 },
  column: { type: 'integer', minimum: 1 },
};

/** `components.schemas`. The tables of reasons stand beside the schema that they explain. */
export const SCHEMAS: JsonMembers = {
  Transaction: schemaOfRule(TRANSACTION_RULES),
  Decision: {
    type: 'object',
    description:
      '`reason` comes with `deny`, `failure` with `fallback`. A failure is never the denial of a bank.',
    required: Object.keys(DECISION).filter((name) => !['reason', 'failure', 'stages'].includes(name)),
    properties: DECISION,
  },
  BatchLine: {
    type: 'object',
    description: 'One line of a batch’s answer: a decision, or a problem in its place',
    required: ['index'],
    properties: {
      index: { type: 'integer', minimum: 0, description: 'Place of the transaction in the request' },
    },
    anyOf: [
      { $ref: '#/components/schemas/Decision' },
      { required: ['problem'], properties: { problem: { $ref: '#/components/schemas/Problem' } } },
    ],
  },
  Stage: {
    type: 'object',
    description: 'One bank of a chain. `reason` comes with `deny`, `failure` with `fallback`.',
    required: Object.keys(STAGE).filter((name) => name !== 'reason' && name !== 'failure'),
    properties: STAGE,
  },
  Reason: {
    type: 'object',
    description: 'Why the answer is `deny`. That a bank denied and that it could not be asked share no code.',
    required: Object.keys(REASON).filter((name) => name !== 'message'),
    properties: REASON,
    'x-denials': Object.fromEntries(
      Object.entries(DENIAL_REASONS).map(([code, { name, de39 }]) => [code, { name, iso20022: code, de39 }]),
    ),
    'x-other-denials': {
      'any other code': { ...OTHER_DENIAL },
      unspecified: { ...UNSPECIFIED_STATUS },
    },
    'x-failures': Object.fromEntries(
      Object.entries(FAILURE_STATUS).map(([code, status]) => [code, { ...status }]),
    ),
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457',
    required: ['type', 'title', 'status', 'code'],
    properties: PROBLEM,
  },
  Fault: { type: 'object', required: Object.keys(FAULT), properties: FAULT },
  Status: { type: 'object', required: ['status'], properties: { status: { enum: ['ok', 'ready'] } } },
};
