import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { MAX_BODY_BYTES } from '../../src/core/limits.ts';
import { TRANSACTION_FAULT_CODES } from '../../src/core/parse-transaction.ts';
import { DENIAL_REASONS, FAILURE_STATUS } from '../../src/core/reason-codes.ts';
import { TRANSACTION_RULES, type MemberRule } from '../../src/core/transaction-rules.ts';
import { MAX_AMOUNT, MIN_AMOUNT } from '../../src/core/transaction.ts';
import { EXAMPLE_DECISIONS, EXAMPLE_TRANSACTION } from '../../src/gateway/openapi/examples.ts';
import { integerPattern } from '../../src/gateway/openapi/integer-pattern.ts';
import { writeJson } from '../../src/gateway/openapi/json-document.ts';
import { PAGE_STYLE, renderPage } from '../../src/gateway/openapi/page.ts';
import { PROBLEM_CODES, respondWithProblem, type ProblemCode } from '../../src/gateway/problem.ts';
import { createTokenBuckets } from '../../src/gateway/rate-limit.ts';
import { currentProcessorKey } from '../../src/store/keys.ts';
import {
  createBankSandbox,
  createGatewayBed,
  START_MS,
  type GatewayBed,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import { createKeptAnswers } from '../fixtures/kept-answers.ts';
import { createManualTime } from '../fixtures/manual-time.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

type Members = Record<string, unknown>;

const ONE_A_MINUTE = new Map([['standard', { requests: 1, perS: 60 }]]);

const ORIGIN = 'http://pay.example';
const response = await createGatewayBed().app.request(`${ORIGIN}/openapi.json`);
const text = await response.text();
const document = JSON.parse(text) as Members;

/** The value at a path of names in the document, through references. */
function at(...names: readonly string[]): Members {
  return names.reduce((found, name) => follow(found[name]), document);
}

function follow(value: unknown): Members {
  const members = (value ?? {}) as Members;
  const reference = members['$ref'];
  return typeof reference === 'string' ? at(...reference.slice('#/'.length).split('/')) : members;
}

/** Every object in `value`, itself among them. */
function objectsIn(value: unknown): Members[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Members, ...Object.values(value).flatMap(objectsIn)];
}

const VALIDATE = ['paths', '/v1/validate', 'post'] as const;

const BATCH = ['paths', '/v1/validate/batch', 'post'] as const;

/** The example of a problem that an operation has, with the status that it stands under. */
function exampleOf(code: string, operation: readonly string[] = VALIDATE): Members | undefined {
  const responses = at(...operation, 'responses');
  for (const [status, answer] of Object.entries(responses)) {
    const content = follow(answer)['content'] as Members | undefined;
    const media = content?.['application/problem+json'] as { examples?: Members } | undefined;
    const example = media?.examples?.[code] as { value: Members } | undefined;
    if (example !== undefined) return { status: Number(status), body: example.value };
  }
  return undefined;
}

async function readProblem(answer: Response): Promise<Members> {
  return { status: answer.status, body: await answer.json() };
}

describe('the document', () => {
  test('is OpenAPI 3.1 that anybody may read and keep for a while', () => {
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'public, max-age=300',
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
    });
    expect(document['openapi']).toBe('3.1.0');
    expect(Object.keys(at('paths'))).toEqual([
      '/v1/validate',
      '/v1/banks/{bank}/validate',
      '/v1/validate/batch',
      '/healthz',
      '/readyz',
      '/openapi.json',
      '/docs',
    ]);
  });

  test('has no reference that leads nowhere, and no component that nothing refers to', () => {
    const references = objectsIn(document).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
    for (const reference of references)
      expect(Object.keys(follow({ $ref: reference })).length, reference).toBeGreaterThan(0);
    for (const kind of ['schemas', 'headers', 'responses']) {
      for (const name of Object.keys(at('components', kind)))
        expect(references).toContain(`#/components/${kind}/${name}`);
    }
  });

  test('gives each operation an id of its own, a summary and answers with a description', () => {
    const operations = Object.values(at('paths')).flatMap((item) =>
      Object.entries(item as Members).flatMap(([name, value]) => (name === 'parameters' ? [] : [value])),
    ) as Members[];
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(7);
    for (const operation of operations) {
      expect(operation['summary']).toMatch(/\w/);
      for (const answer of Object.values(operation['responses'] as Members))
        expect(follow(answer)['description']).toMatch(/\w/);
    }
  });

  test('says exactly where an amount ends', () => {
    expect(text).toContain('"minimum":-9223372036854775808,"maximum":9223372036854775807');
    expect(text).not.toContain('\uffff');
  });

  test('has every member of the rules, and its constraints', () => {
    const compare = (rule: MemberRule, schema: Members): void => {
      expect(schema['description']).toContain(rule.meaning);
      if (rule.kind !== 'object') return;
      const properties = schema['properties'] as Members;
      expect(schema['required']).toEqual(Object.keys(rule.members));
      expect(Object.keys(properties)).toEqual(Object.keys(rule.members));
      for (const [name, member] of Object.entries(rule.members)) {
        expect(member).toMatchObject({ name, pointer: `${rule.pointer}/${name}` });
        compare(member, follow(properties[name]));
      }
    };
    compare(TRANSACTION_RULES, at('components', 'schemas', 'Transaction'));
  });

  test('has every code: of problems, faults, failures and denials', () => {
    const properties = (schema: string): Members => at('components', 'schemas', schema, 'properties');
    expect(follow(properties('Problem')['code'])['enum']).toEqual(PROBLEM_CODES);
    const faults = follow(properties('Fault')['code'])['enum'];
    expect(faults).toEqual([...TRANSACTION_FAULT_CODES, 'duplicate_member', 'bank_mismatch']);
    const reason = at('components', 'schemas', 'Reason');
    expect(reason['x-failures']).toEqual(FAILURE_STATUS);
    expect(Object.keys(reason['x-denials'] as Members)).toEqual(Object.keys(DENIAL_REASONS));
    expect(follow(properties('Decision')['failure'])['enum']).toEqual(Object.keys(FAILURE_STATUS));
  });

  test('has an example of every problem under its status', () => {
    const paths: Partial<Record<ProblemCode, readonly string[]>> = {
      not_ready: ['paths', '/readyz', 'get'],
      invalid_batch: BATCH,
    };
    for (const code of PROBLEM_CODES) {
      const example = exampleOf(code, paths[code] ?? VALIDATE);
      expect(example).toMatchObject({ status: respondWithProblem({ code }).status, body: { code } });
      // What another path answers.
      if (paths[code] === undefined)
        expect(exampleOf(code, ['paths', '/v1/banks/{bank}/validate', 'post'])).toEqual(example);
    }
  });

  test('is small', () => {
    expect(text.length).toBeLessThan(40 * 1024);
  });
});

describe('the pattern of amounts as text', () => {
  const pattern = new RegExp(integerPattern(MIN_AMOUNT, MAX_AMOUNT), 'u');
  const isIn = (amount: bigint): boolean => amount >= MIN_AMOUNT && amount <= MAX_AMOUNT;

  test('is what the parser takes, at the bounds and at every digit', () => {
    for (const bound of [MIN_AMOUNT, MAX_AMOUNT]) {
      for (let power = 0n; power < 20n; power += 1n) {
        for (const step of [-1n, 0n, 1n]) {
          const amount = bound + step * 10n ** power;
          expect(pattern.test(String(amount)), String(amount)).toBe(isIn(amount));
        }
      }
    }
    for (const no of ['', '-', '-0', '00', '01', '+1', '1.0', '1e3', ' 1', '1 ', '0x1'])
      expect(pattern.test(no), no).toBe(false);
  });

  test('and at any other integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN_AMOUNT * 20n, max: MAX_AMOUNT * 20n }), (amount) => {
        expect(pattern.test(String(amount))).toBe(isIn(amount));
      }),
    );
  });

  test('of a small range is right at every integer around it', () => {
    const small = new RegExp(integerPattern(-130n, 205n), 'u');
    for (let amount = -1_500; amount <= 2_500; amount += 1)
      expect(small.test(String(amount)), String(amount)).toBe(amount >= -130 && amount <= 205);
  });
});

describe('the examples', () => {
  const url = `${ORIGIN}/v1/validate`;
  const body = JSON.stringify(EXAMPLE_TRANSACTION);

  /** A gateway with the bank of the example. */
  async function makeBed(options: Parameters<typeof createGatewayBed>[0] = {}): Promise<GatewayBed> {
    const bed = createGatewayBed(options);
    await bed.publish({ bank: 'icamer' });
    return bed;
  }

  test('of the request is in the document and is accepted at both addresses', async () => {
    const bed = await makeBed();
    for (const path of ['/v1/validate', '/v1/banks/{bank}/validate']) {
      const media = at('paths', path, 'post', 'requestBody', 'content', 'application/json');
      expect(media['examples']).toEqual({ payment: { value: EXAMPLE_TRANSACTION } });
      const answer = await bed.post({ url: ORIGIN + path.replace('{bank}', 'icamer'), body });
      expect(answer.status).toBe(200);
    }
  });

  test.each([
    ['approved', { kind: 'verdict', verdict: { kind: 'approve' } }],
    [
      'denied',
      {
        kind: 'verdict',
        verdict: { kind: 'deny', denial: { code: 'AM02', message: 'above 10,000.00 EUR' } },
      },
    ],
    ['not_asked', { kind: 'failure', failure: { code: 'fuel_exhausted', detail: '' } }],
  ] as const)('of a decision that is %s has what the gateway answers', async (name, outcome) => {
    const bed = await makeBed();
    const example = EXAMPLE_DECISIONS[name];
    bed.outcome = async () => ({ ...outcome, fuel: example.fuel });
    const answer = (await (await bed.post({ body })).json()) as Members;
    const { artifact, evaluated_at } = answer;
    expect(answer).toEqual({ ...example, artifact, evaluated_at });
    const media = at(...VALIDATE, 'responses', '200', 'content', 'application/json');
    expect((media['examples'] as Members)[name]).toEqual({ value: example });
    // Documented members only, and of those all that are required.
    const schema = at('components', 'schemas', 'Decision');
    expect(Object.keys(schema['properties'] as Members)).toEqual(expect.arrayContaining(Object.keys(answer)));
    expect(Object.keys(answer)).toEqual(expect.arrayContaining(schema['required'] as string[]));
    for (const member of ['artifact', 'evaluated_at'] as const)
      expect(String(answer[member])).toHaveLength(example[member].length);
  });

  test('of a batch is in the document and has what the gateway answers', async () => {
    const bed = await makeBed();
    bed.outcome = async () => ({
      kind: 'verdict',
      verdict: { kind: 'approve' },
      fuel: EXAMPLE_DECISIONS.approved.fuel,
    });
    const media = at(...BATCH, 'responses', '200', 'content', 'application/x-ndjson');
    const [line = '', problem] = String(follow((media['examples'] as Members)['lines'])['value']).split('\n');
    for (const type of ['application/json', 'application/x-ndjson']) {
      const { examples } = at(...BATCH, 'requestBody', 'content', type) as { examples: Members };
      const { value } = follow(examples['payments']);
      const answer = await bed.post({
        url: `${url}/batch`,
        body: typeof value === 'string' ? value : JSON.stringify(value),
        headers: { 'content-type': type },
      });
      const lines = (await answer.text()).split('\n');
      const { artifact, evaluated_at } = JSON.parse(lines[0] ?? '') as Members;
      expect(JSON.parse(lines[0] ?? '')).toEqual({ ...JSON.parse(line), artifact, evaluated_at });
      expect(lines.slice(1)).toEqual([problem, '']);
    }
    const refused = await bed.post({ url: `${url}/batch`, body: '[]' });
    expect(await readProblem(refused)).toEqual(exampleOf('invalid_batch', BATCH));
  });

  test('of a chain has what a gateway answers that asks one', async () => {
    const [deny, approve] = EXAMPLE_DECISIONS.chain.stages;
    const bed = createGatewayBed({
      chain: { stages: ['origin', 'destination'] },
      sandbox: createBankSandbox((bank) =>
        bank === 'icamer'
          ? { kind: 'verdict', verdict: { kind: 'approve' }, fuel: approve.fuel }
          : { kind: 'verdict', verdict: { kind: 'deny', denial: { code: 'AM02' } }, fuel: deny.fuel },
      ),
    });
    await bed.publish({ bank: 'icamer' });
    await bed.publish({ bank: 'bank-001' });
    const answer = (await (await bed.post({ body })).json()) as Members;
    const { artifact, evaluated_at, stages } = answer;
    expect(answer).toEqual({ ...EXAMPLE_DECISIONS.chain, artifact, evaluated_at, stages });
    expect(stages).toEqual([
      { ...deny, artifact: (stages as Members[])[0]?.['artifact'] },
      { ...approve, artifact },
    ]);
    const schema = at('components', 'schemas', 'Stage');
    for (const stage of stages as Members[])
      expect(Object.keys(schema['properties'] as Members)).toEqual(
        expect.arrayContaining(Object.keys(stage)),
      );
  });

  const withoutStatus = JSON.stringify({ ...EXAMPLE_TRANSACTION, id: '', status: undefined });

  test.each<[ProblemCode, PostOptions]>([
    ['malformed_json', { body: '{' }],
    ['not_found', { url: 'http://elsewhere.example/v1/validate' }],
    ['body_too_large', { body: ' '.repeat(MAX_BODY_BYTES + 1) }],
    ['unsupported_media_type', { headers: { 'content-type': 'text/plain' } }],
    ['invalid_transaction', { body: withoutStatus }],
    ['bank_mismatch', { url: 'http://meridian.pay.example/v1/validate' }],
  ])('of %s is what such a request is answered', async (code, options) => {
    const bed = await makeBed();
    expect(await readProblem(await bed.post({ url, body, ...options }))).toEqual(exampleOf(code));
  });

  test('of unknown_bank', async () => {
    expect(await readProblem(await createGatewayBed().post({ url, body }))).toEqual(
      exampleOf('unknown_bank'),
    );
  });

  test('of method_not_allowed, with the header that is promised', async () => {
    const answer = await createGatewayBed().app.request(url);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await readProblem(answer)).toEqual(exampleOf('method_not_allowed'));
    expect(at(...VALIDATE, 'responses', '405', 'headers', 'Allow')).toMatchObject({ required: true });
  });

  test('of validator_unavailable and store_unavailable, with Retry-After', async () => {
    const refusing = createGatewayBed();
    await refusing.publish({ bank: 'icamer', fallback: 'refuse' });
    refusing.outcome = async () => ({
      kind: 'failure',
      failure: { code: 'trap', detail: '' },
      fuel: 0,
    });
    const down = await makeBed();
    down.store.fault = () => ({ kind: 'fail' });
    for (const [bed, code] of [
      [refusing, 'validator_unavailable'],
      [down, 'store_unavailable'],
    ] as const) {
      const answer = await bed.post({ url, body });
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(await readProblem(answer)).toEqual(exampleOf(code));
    }
  });

  test('of the problems of idempotency keys, and of the headers around them', async () => {
    const time = createManualTime(START_MS);
    const kept = { clock: time.clock, timer: time.timer };
    const bed = await makeBed({ ...kept, idempotencyStore: createKeptAnswers(time.clock) });
    const send = (key: string, changes: PostOptions = {}): Promise<Response> =>
      bed.post({ url, body, headers: { 'idempotency-key': key }, ...changes });
    expect(await readProblem(await send('a b'))).toEqual(exampleOf('invalid_idempotency_key'));
    const forgetful = await (await makeBed()).post({ url, body, headers: { 'idempotency-key': 'a' } });
    expect(await readProblem(forgetful)).toEqual(exampleOf('idempotency_unsupported'));
    expect((await send('a')).headers.has('idempotency-replayed')).toBe(false);
    expect((await send('a')).headers.get('idempotency-replayed')).toBe('true');
    expect(at(...VALIDATE, 'responses', '200', 'headers', 'Idempotency-Replayed')).toMatchObject({
      schema: { const: 'true' },
    });
    const other = await send('a', { body: JSON.stringify({ ...EXAMPLE_TRANSACTION, id: 'other' }) });
    expect(other.headers.has('retry-after')).toBe(false);
    expect(await readProblem(other)).toEqual(exampleOf('idempotency_conflict'));
    bed.outcome = () => new Promise(() => {});
    bed.calls.length = 0;
    void send('b');
    await vi.waitUntil(() => bed.calls.length === 1);
    const answers: Response[] = [];
    void send('b', { headers: { 'idempotency-key': 'b', 'wasmpay-deadline-ms': '50' } }).then((answer) =>
      answers.push(answer),
    );
    await vi.waitUntil(async () => {
      await time.advance(10);
      return answers.length === 1;
    });
    const [waited] = answers;
    if (waited === undefined) throw new Error('no answer');
    expect(waited.headers.get('retry-after')).toBe('1');
    expect(await readProblem(waited)).toEqual(exampleOf('idempotency_in_progress'));
  });

  test('of not_ready', async () => {
    const { app } = createGatewayBed({ isDraining: () => true });
    const answer = await app.request(`${ORIGIN}/readyz`);
    expect(await readProblem(answer)).toEqual(exampleOf('not_ready', ['paths', '/readyz', 'get']));
  });

  test('of internal', async () => {
    const bed = await makeBed({ hmac: () => Promise.reject(new Error('a bug')) });
    expect(await readProblem(await bed.post({ url, body }))).toEqual(exampleOf('internal'));
  });

  test('of unauthenticated, forbidden and rate_limited, with the headers that are promised', async () => {
    const bed = await makeBed({
      callers: {
        verifyProcessor: verifyProcessorPlainly,
        rateLimiter: createTokenBuckets(ONE_A_MINUTE, () => 0),
      },
    });
    const key = makeApiKey();
    const record = makeProcessor({ apiKeys: [key.entry], banks: ['meridian'] });
    await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
    const authorization = { authorization: `Bearer ${key.text}` };
    const nobody = await bed.post({ url, body });
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    expect(await readProblem(nobody)).toEqual(exampleOf('unauthenticated'));
    const other = await bed.post({ url, body, headers: authorization });
    expect(await readProblem(other)).toEqual(exampleOf('forbidden'));
    const again = await bed.post({ url, body, headers: authorization });
    expect(again.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await readProblem(again)).toEqual(exampleOf('rate_limited'));
  });
});

describe('the page', () => {
  const getPage = async (init?: RequestInit): Promise<Response> =>
    createGatewayBed().app.request(`${ORIGIN}/docs`, init);

  test('allows its own style and nothing else', async () => {
    const page = await getPage();
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(PAGE_STYLE));
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('public, max-age=300');
    expect(page.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${Buffer.from(digest).toString('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    const html = await page.text();
    expect(html).toContain(`<style>${PAGE_STYLE}</style>`);
    expect(html).not.toMatch(/<script|<link|<img|style=|https?:|\son\w+=/i);
    expect(html.length).toBeLessThan(64 * 1024);
  });

  test('shows every path, problem, member and reason', async () => {
    const html = await (await getPage()).text();
    for (const path of Object.keys(at('paths'))) expect(html).toContain(path);
    for (const code of [...PROBLEM_CODES, ...Object.keys(DENIAL_REASONS), ...Object.keys(FAILURE_STATUS)])
      expect(html).toContain(code);
    for (const name of ['destination.country', 'amount.amount', 'evaluated_at', '9223372036854775807'])
      expect(html).toContain(name);
  });

  test('escapes whatever the document says', () => {
    const planted = '<script>alert("&")</script>`<b>`';
    const html = renderPage({
      info: { title: planted, description: planted },
      paths: {
        [planted]: {
          parameters: [{ name: planted, description: planted }],
          [planted]: {
            summary: planted,
            description: planted,
            requestBody: {
              description: planted,
              content: { [planted]: { examples: { a: { value: planted } } } },
            },
            responses: { [planted]: { description: planted, headers: { [planted]: {} } } },
          },
        },
      },
      components: {
        securitySchemes: { [planted]: { description: planted } },
        schemas: {
          [planted]: {
            description: planted,
            properties: {
              [planted]: { type: planted, pattern: planted, description: planted },
              b: { enum: [planted] },
              c: { $ref: planted },
              d: { anyOf: [{ format: planted }] },
            },
          },
          Reason: { 'x-failures': { [planted]: { name: planted, iso20022: planted, de39: planted } } },
        },
      },
    });
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<b>');
    expect(html).not.toContain('"&"');
  });
});

describe('both', () => {
  test.each(['/openapi.json', '/docs'])('%s is for GET and HEAD, from whoever asks', async (path) => {
    const bed = createGatewayBed({
      callers: {
        verifyProcessor: verifyProcessorPlainly,
        rateLimiter: createTokenBuckets(ONE_A_MINUTE, () => 0),
      },
    });
    const got = await bed.app.request(ORIGIN + path);
    const head = await bed.app.request(ORIGIN + path, { method: 'HEAD' });
    expect([got.status, head.status]).toEqual([200, 200]);
    expect(await head.text()).toBe('');
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(got.headers));
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const refused = await bed.app.request(ORIGIN + path, { method });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
    expect(bed.requests.map(({ route }) => route)).toEqual(Array.from({ length: 7 }, () => path));
  });
});

test('an integer that no double holds is written as it is, also beside text that looks like one', () => {
  expect(writeJson({ a: 9007199254740993n, b: '9007199254740993', c: [-1n, 'x"1"'] })).toBe(
    '{"a":9007199254740993,"b":"9007199254740993","c":[-1,"x\\"1\\""]}',
  );
});
