import { expect, test } from 'vitest';

import { PROBLEM_CODES, respondWithProblem } from '../../src/gateway/problem.ts';

test('every code has its status', () => {
  expect(
    Object.fromEntries(PROBLEM_CODES.map((code) => [code, respondWithProblem({ code }).status])),
  ).toEqual({
    malformed_json: 400,
    invalid_deadline: 400,
    invalid_idempotency_key: 400,
    idempotency_unsupported: 400,
    unauthenticated: 401,
    forbidden: 403,
    not_found: 404,
    unknown_bank: 404,
    method_not_allowed: 405,
    request_timeout: 408,
    idempotency_conflict: 409,
    idempotency_in_progress: 409,
    body_too_large: 413,
    unsupported_media_type: 415,
    invalid_transaction: 422,
    invalid_batch: 422,
    bank_mismatch: 422,
    rate_limited: 429,
    internal: 500,
    not_ready: 503,
    store_unavailable: 503,
    validator_unavailable: 503,
  });
});

test.each(PROBLEM_CODES)('%s is problem+json that nobody keeps', async (code) => {
  const response = respondWithProblem({ code });
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.json()).toMatchObject({
    type: `urn:wasmpay:problem:${code}`,
    title: expect.any(String) as string,
    status: response.status,
    code,
  });
});

test('what may succeed later says when', () => {
  const later = PROBLEM_CODES.filter((code) => respondWithProblem({ code }).headers.has('retry-after'));
  expect(later).toEqual([
    'idempotency_in_progress',
    'rate_limited',
    'not_ready',
    'store_unavailable',
    'validator_unavailable',
  ]);
});

test('details and headers are added', async () => {
  const errors = [{ pointer: '/id', code: 'required', message: 'is required' }];
  const response = respondWithProblem({
    code: 'method_not_allowed',
    details: { errors },
    headers: { allow: 'POST' },
  });
  expect(response.headers.get('allow')).toBe('POST');
  expect(await response.json()).toMatchObject({ errors });
});
