// The OpenAPI 3.1 document of the gateway: paths, what they answer, and who may ask. Schemas, codes and statuses are those
// that the gateway works with; only the words are written here.

import { BANK_ID } from '../../core/bank.ts';
import { MAX_BATCH_BANKS, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_BODY_BYTES } from '../../core/limits.ts';
import { DEFAULT_DEADLINES, LEAST_DEADLINE_MS } from '../deadline.ts';
import { IDEMPOTENCY_KEY_PATTERN, MAX_IDEMPOTENCY_KEY_LENGTH } from '../idempotency-key.ts';
import { composeProblem, describeProblem, type ProblemCode } from '../problem.ts';
import { EXAMPLE_DECISIONS, EXAMPLE_LINES, EXAMPLE_TRANSACTION, exampleProblem } from './examples.ts';
import type { JsonMembers } from './json-document.ts';
import { SCHEMAS } from './schemas.ts';

/** What `validate` can answer but a decision. */
const VALIDATE_PROBLEMS = [
  'malformed_json',
  'invalid_deadline',
  'invalid_idempotency_key',
  'idempotency_unsupported',
  'unauthenticated',
  'forbidden',
  'not_found',
  'unknown_bank',
  'method_not_allowed',
  'request_timeout',
  'idempotency_conflict',
  'idempotency_in_progress',
  'body_too_large',
  'unsupported_media_type',
  'invalid_transaction',
  'bank_mismatch',
  'rate_limited',
  'internal',
  'store_unavailable',
  'validator_unavailable',
] as const satisfies readonly ProblemCode[];

/** What a batch can answer as a whole. */
const BATCH_PROBLEMS = [
  'malformed_json',
  'invalid_deadline',
  'unauthenticated',
  'forbidden',
  'not_found',
  'unknown_bank',
  'method_not_allowed',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
  'invalid_batch',
  'rate_limited',
  'internal',
  'store_unavailable',
] as const satisfies readonly ProblemCode[];

const KEPT_FOR_NOBODY = {
  'Cache-Control': { $ref: '#/components/headers/NoStore' },
  'X-Content-Type-Options': { $ref: '#/components/headers/NoSniff' },
};

const HEADERS: JsonMembers = {
  NoStore: { description: 'Nothing keeps an answer', required: true, schema: { const: 'no-store' } },
  NoSniff: { required: true, schema: { const: 'nosniff' } },
  RetryAfter: {
    description: 'Seconds after which the same request may succeed',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
  ServerTiming: {
    description:
      'Milliseconds of `auth`, `release`, `artifact`, `sandbox` and `total`; in Workers of waiting alone',
    schema: { type: 'string' },
  },
  RetryAfterFirst: {
    description: 'With `idempotency_in_progress`: seconds after which the same request may succeed',
    schema: { type: 'integer', minimum: 1 },
  },
  Replayed: {
    description: 'The answer was given before, under the same `Idempotency-Key`',
    schema: { const: 'true' },
  },
  Allow: { description: 'The methods that are allowed', required: true, schema: { type: 'string' } },
  Authenticate: { required: true, schema: { const: 'Bearer' } },
};

/** Headers that answers with one status have beside the others. */
const HEADERS_OF_STATUS: Readonly<Record<number, JsonMembers>> = {
  401: { 'WWW-Authenticate': { $ref: '#/components/headers/Authenticate' } },
  405: { Allow: { $ref: '#/components/headers/Allow' } },
  409: { 'Retry-After': { $ref: '#/components/headers/RetryAfterFirst' } },
  429: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
  503: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
};

/** One response for each status of `codes`, with an example for each code. */
function problemResponses(codes: readonly ProblemCode[]): JsonMembers {
  const statuses = new Set(codes.map((code) => describeProblem(code).status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      String(status),
      problemResponse(
        status,
        codes.filter((code) => describeProblem(code).status === status),
      ),
    ]),
  );
}

function problemResponse(status: number, codes: readonly ProblemCode[]): JsonMembers {
  return {
    description: codes.map((code) => `\`${code}\`: ${describeProblem(code).title}`).join('; '),
    headers: { ...KEPT_FOR_NOBODY, ...HEADERS_OF_STATUS[status] },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, problemExample(code)])),
      },
    },
  };
}

function problemExample(code: ProblemCode): JsonMembers {
  return { value: composeProblem(exampleProblem(code)) as unknown as JsonMembers };
}

const VALIDATE_RESPONSES = problemResponses(VALIDATE_PROBLEMS);

const DECIDED: JsonMembers = {
  description: 'A decision. Every good request gets one, also where the validator gave no answer.',
  headers: {
    ...KEPT_FOR_NOBODY,
    'Server-Timing': { $ref: '#/components/headers/ServerTiming' },
    'Idempotency-Replayed': { $ref: '#/components/headers/Replayed' },
  },
  content: {
    'application/json': {
      schema: { $ref: '#/components/schemas/Decision' },
      examples: Object.fromEntries(
        Object.entries(EXAMPLE_DECISIONS).map(([name, value]) => [name, { value }]),
      ),
    },
  },
};

function validateOperation(operationId: string, summary: string, description: string): JsonMembers {
  return {
    operationId,
    summary,
    description,
    security: [{ apiKey: [] }, { messageSignature: [] }],
    parameters: [
      { $ref: '#/components/parameters/Deadline' },
      { $ref: '#/components/parameters/IdempotencyKey' },
    ],
    requestBody: {
      required: true,
      description: `One JSON text in UTF-8 of at most ${MAX_BODY_BYTES} bytes, no member twice, no content encoding.`,
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/Transaction' },
          examples: { payment: { value: EXAMPLE_TRANSACTION } },
        },
      },
    },
    responses: {
      200: { $ref: '#/components/responses/Decided' },
      ...Object.fromEntries(
        Object.keys(VALIDATE_RESPONSES).map((status) => [
          status,
          { $ref: `#/components/responses/Problem${status}` },
        ]),
      ),
    },
  };
}

/** A batch’s problems: its own, and those that it shares with single requests. */
function batchResponses(): JsonMembers {
  const own = problemResponses(BATCH_PROBLEMS);
  return Object.fromEntries(
    Object.entries(own).map(([status, response]) => {
      const isShared = JSON.stringify(response) === JSON.stringify(VALIDATE_RESPONSES[status]);
      return [status, isShared ? { $ref: `#/components/responses/Problem${status}` } : response];
    }),
  );
}

const BATCH_OPERATION: JsonMembers = {
  operationId: 'validateBatch',
  summary: 'Ask whether many payments may pass',
  description:
    'Of the bank that the subdomain names, or else of each one’s `destination.id`. What is no transaction has a problem of ' +
    'its own in the answer.',
  security: [{ apiKey: [] }, { messageSignature: [] }],
  parameters: [{ $ref: '#/components/parameters/Deadline' }],
  requestBody: {
    required: true,
    description: `At most ${MAX_BATCH_BYTES} bytes of UTF-8 and ${MAX_BATCH_BANKS} banks, no content encoding.`,
    content: {
      'application/json': {
        schema: {
          type: 'array',
          description: 'Transactions',
          minItems: 1,
          maxItems: MAX_BATCH_ITEMS,
          items: {},
        },
        examples: { payments: { value: [EXAMPLE_TRANSACTION, {}] } },
      },
      'application/x-ndjson': {
        schema: { type: 'string', description: 'A transaction a line', pattern: '[^ \\t\\n\\r]' },
        examples: { payments: { value: `${JSON.stringify(EXAMPLE_TRANSACTION)}\n{}\n` } },
      },
    },
  },
  responses: {
    200: {
      description: 'A line for each transaction, in the order of the request, while they are decided',
      headers: KEPT_FOR_NOBODY,
      content: {
        'application/x-ndjson': {
          schema: { type: 'string' },
          'x-line': { $ref: '#/components/schemas/BatchLine' },
          examples: { lines: { value: EXAMPLE_LINES } },
        },
      },
    },
    ...batchResponses(),
  },
};

function readOperation(
  operationId: string,
  summary: string,
  content: JsonMembers,
  headers: JsonMembers,
  problems: readonly ProblemCode[] = [],
): JsonMembers {
  return {
    operationId,
    summary,
    security: [],
    responses: {
      200: { description: summary, headers, content },
      405: { $ref: '#/components/responses/Problem405' },
      ...problemResponses(problems),
    },
  };
}

function statusContent(status: string): JsonMembers {
  const schema = { $ref: '#/components/schemas/Status' };
  return { 'application/json': { schema, examples: { [status]: { value: { status } } } } };
}

/** How long this document and its page may be kept, seconds: a release of the gateway may change both. */
export const DOCUMENT_MAX_AGE_S = 300;

const KEPT_FOR_A_WHILE: JsonMembers = {
  ...KEPT_FOR_NOBODY,
  'Cache-Control': { required: true, schema: { const: `public, max-age=${DOCUMENT_MAX_AGE_S}` } },
};

/** The document. It holds nothing of a deployment: no bank, no processor, no host. */
export const OPENAPI_DOCUMENT: JsonMembers = {
  openapi: '3.1.0',
  info: {
    title: 'wasmpay gateway',
    version: '1',
    description:
      "Asks a bank's sandboxed validator whether a payment may pass. The bank is named by the subdomain, by the path, or " +
      'by `destination.id`; where two of them name one, they must agree. Problems are told apart by `code`.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'This gateway; a bank is also a subdomain of it' }],
  paths: {
    '/v1/validate': {
      post: validateOperation(
        'validate',
        'Ask whether a payment may pass',
        'Of the bank that the subdomain names, or else `destination.id`.',
      ),
    },
    '/v1/banks/{bank}/validate': {
      parameters: [
        {
          name: 'bank',
          in: 'path',
          required: true,
          description:
            'Id or slug of the bank: the id in lower case with `_` and `.` as `-`. Not percent-encoded.',
          schema: { type: 'string', pattern: BANK_ID.source },
          example: EXAMPLE_TRANSACTION.destination.id,
        },
      ],
      post: validateOperation(
        'validateAtBank',
        'Ask one bank whether a payment may pass',
        'Of the bank in the path, which `destination.id` must name as well.',
      ),
    },
    '/v1/validate/batch': { post: BATCH_OPERATION },
    '/healthz': {
      get: readOperation('health', 'The gateway runs', statusContent('ok'), KEPT_FOR_NOBODY),
    },
    '/readyz': {
      get: readOperation(
        'readiness',
        'The gateway takes traffic and can read its store',
        statusContent('ready'),
        KEPT_FOR_NOBODY,
        ['not_ready'],
      ),
    },
    '/openapi.json': {
      get: readOperation(
        'openapi',
        'This document',
        { 'application/json': { schema: { type: 'object', required: ['openapi', 'info', 'paths'] } } },
        KEPT_FOR_A_WHILE,
      ),
    },
    '/docs': {
      get: readOperation(
        'docs',
        'This document as a page',
        { 'text/html; charset=utf-8': { schema: { type: 'string' } } },
        { ...KEPT_FOR_A_WHILE, 'Content-Security-Policy': { required: true, schema: { type: 'string' } } },
      ),
    },
  },
  components: {
    schemas: SCHEMAS,
    headers: HEADERS,
    parameters: {
      Deadline: {
        name: 'Wasmpay-Deadline-Ms',
        in: 'header',
        description:
          'Milliseconds in which the answer comes, from the request’s headers on; the most is the gateway’s to choose.',
        schema: { type: 'integer', minimum: LEAST_DEADLINE_MS, maximum: DEFAULT_DEADLINES.longestMs },
      },
      IdempotencyKey: {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          "A validator's answer is kept for 24 hours and repeated, byte for byte, to the same request with the same key; " +
          `one string of 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters, with quotes (RFC 9651) or without.`,
        schema: { type: 'string', pattern: IDEMPOTENCY_KEY_PATTERN },
      },
    },
    responses: {
      Decided: DECIDED,
      ...Object.fromEntries(
        Object.entries(VALIDATE_RESPONSES).map(([status, response]) => [`Problem${status}`, response]),
      ),
    },
    securitySchemes: {
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'wpk_‹processor›_‹key id›_‹secret›_‹check›',
        description: 'API key of a processor: `Authorization: Bearer wpk_…`',
      },
      messageSignature: {
        type: 'apiKey',
        in: 'header',
        name: 'Signature',
        description:
          'HTTP Message Signatures (RFC 9421), Ed25519, in place of an API key: one label in `Signature-Input` and ' +
          '`Signature`, no `Authorization` beside it. It covers `@method`, `content-digest` (RFC 9530, sha-256 or ' +
          'sha-512, of the body), and `@target-uri` or both `@authority` and `@path`. `created` is within 60 seconds ' +
          'of now; `keyid` is the processor, `/`, and the key’s RFC 7638 thumbprint.',
      },
    },
  },
};
