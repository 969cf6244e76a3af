// Every error that the gateway answers with: RFC 9457, one table from stable code to status. Texts are the gateway's
// own; nothing of a validator, a transaction's values or an internal error gets in.

/** Headers of every answer: nothing may keep it, nothing may guess another type. */
export const RESPONSE_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** What is the same in every answer with one code. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfterS?: number;
}

/** Codes are stable; titles may change. Source: design, "The gateway"; the last rows of 404, 405, 500 are HTTP's. */
const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not one JSON text in UTF-8' },
  invalid_deadline: { status: 400, title: 'The deadline is out of range' },
  invalid_idempotency_key: { status: 400, title: 'The idempotency key is malformed' },
  idempotency_unsupported: { status: 400, title: 'This gateway keeps no answers' },
  unauthenticated: { status: 401, title: 'A valid API key or signature is required' },
  forbidden: { status: 403, title: 'This processor may not ask about that bank' },
  not_found: { status: 404, title: 'There is nothing here' },
  unknown_bank: { status: 404, title: 'No such bank' },
  method_not_allowed: { status: 405, title: 'This method is not allowed here' },
  request_timeout: { status: 408, title: 'The body did not come within the deadline' },
  idempotency_conflict: { status: 409, title: 'The idempotency key was used with another request' },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this idempotency key is still being answered',
    retryAfterS: 1,
  },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON in UTF-8, not encoded' },
  invalid_transaction: { status: 422, title: 'The transaction is not valid' },
  invalid_batch: { status: 422, title: 'The batch is not valid' },
  bank_mismatch: { status: 422, title: 'The bank that was asked is not the destination' },
  rate_limited: { status: 429, title: 'Too many requests', retryAfterS: 1 },
  internal: { status: 500, title: 'The gateway failed' },
  not_ready: { status: 503, title: 'This gateway takes no traffic now', retryAfterS: 1 },
  store_unavailable: { status: 503, title: 'What this answer depends on cannot be read now', retryAfterS: 1 },
  validator_unavailable: { status: 503, title: "The bank's validator cannot answer now", retryAfterS: 1 },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** Status and title of a code, and when to ask again. */
export function describeProblem(code: ProblemCode): ProblemKind {
  return PROBLEMS[code];
}

/** One fault of a body, at an RFC 6901 pointer. */
export interface ProblemFault {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** What a problem may say beyond its code. */
export interface ProblemDetails {
  readonly detail?: string;
  readonly errors?: readonly ProblemFault[];
  /** Where a malformed JSON text went wrong. */
  readonly offset?: number;
  readonly line?: number;
  readonly column?: number;
}

/** A problem that was found and not answered yet. */
export interface Problem {
  readonly code: ProblemCode;
  readonly details?: ProblemDetails;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body of the answer to `problem`: RFC 9457's members, `code`, and what `details` has. */
export interface ProblemBody extends ProblemDetails {
  /** `urn:wasmpay:problem:` and the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
}

export function composeProblem({ code, details }: Problem): ProblemBody {
  const { title, status } = PROBLEMS[code];
  return { type: `urn:wasmpay:problem:${code}`, title, status, code, ...details };
}

/** The answer to `problem`: `application/problem+json`, which nobody keeps. */
export function respondWithProblem(problem: Problem): Response {
  const { status, retryAfterS } = describeProblem(problem.code);
  return new Response(JSON.stringify(composeProblem(problem)), {
    status,
    headers: {
      ...RESPONSE_HEADERS,
      'content-type': 'application/problem+json',
      ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
      ...problem.headers,
    },
  });
}
