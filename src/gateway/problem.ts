// Every error that the gateway answers with: RFC 9457, one table from stable code to status. Texts are the gateway's
// own; nothing of a validator, a transaction's values or an internal error gets in.

/** Headers of every answer: nothing may keep it, nothing may guess another type. */
export const RESPONSE_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfterS?: number;
}

/** Codes are stable; titles may change. Source: design, "The gateway"; the last rows of 404, 405, 500 are HTTP's. */
const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not one JSON text in UTF-8' },
  unauthenticated: { status: 401, title: 'A valid API key or signature is required' },
  forbidden: { status: 403, title: 'This processor may not ask about that bank' },
  not_found: { status: 404, title: 'There is nothing here' },
  unknown_bank: { status: 404, title: 'No such bank' },
  method_not_allowed: { status: 405, title: 'This method is not allowed here' },
  idempotency_conflict: { status: 409, title: 'The idempotency key was used with another request' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json in UTF-8, not encoded' },
  invalid_transaction: { status: 422, title: 'The transaction is not valid' },
  bank_mismatch: { status: 422, title: 'The bank that was asked is not the destination' },
  rate_limited: { status: 429, title: 'Too many requests', retryAfterS: 1 },
  internal: { status: 500, title: 'The gateway failed' },
  not_ready: { status: 503, title: 'This gateway takes no traffic now', retryAfterS: 1 },
  store_unavailable: { status: 503, title: 'What this answer depends on cannot be read now', retryAfterS: 1 },
  validator_unavailable: { status: 503, title: "The bank's validator cannot answer now", retryAfterS: 1 },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

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

/** The answer to `problem`: `application/problem+json` with `type`, `title`, `status` and `code`. */
export function respondWithProblem(problem: Problem): Response {
  const { code, details, headers } = problem;
  const kind: ProblemKind = PROBLEMS[code];
  const body = {
    type: `urn:wasmpay:problem:${code}`,
    title: kind.title,
    status: kind.status,
    code,
    ...details,
  };
  return new Response(JSON.stringify(body), {
    status: kind.status,
    headers: {
      ...RESPONSE_HEADERS,
      'content-type': 'application/problem+json',
      ...(kind.retryAfterS === undefined ? {} : { 'retry-after': String(kind.retryAfterS) }),
      ...headers,
    },
  });
}
