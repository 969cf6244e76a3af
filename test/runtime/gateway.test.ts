// From a source file to a decision: the examples, built or committed, are published into R2 and asked over HTTP, all on the
// real parts. Those that need a compiler which npm does not bring are test:languages'.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { obtainComponent, type ObtainedComponent } from '../../src/authoring/committed.ts';
import type { Reason } from '../../src/core/decision.ts';
import { statusOfDenial } from '../../src/core/reason-codes.ts';
import { artifactKey, currentReleaseKey } from '../../src/store/keys.ts';
import { DEFAULT_EVALUATED_AT_MS } from '../../src/authoring/cases.ts';
import { expectReason, readCases } from '../fixtures/cases.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { startLiveGateway, type LiveGateway } from '../fixtures/live-gateway.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'examples/validators');

const examples = new Map<string, ObtainedComponent>();
for (const entry of await readdir(EXAMPLES, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const { name } = entry;
  const obtained = await obtainComponent(join(EXAMPLES, name), join(ROOT, 'build/validators'));
  if (obtained !== undefined) examples.set(name, obtained);
  else console.warn(`skipped: example ${name}: npm brings no compiler for it, run "npm run test:languages"`);
}

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await startLiveGateway();
  for (const { bank, component } of examples.values()) await gateway.publish(bank, component);
}, 300_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

/** A payment to `bank`, in the HTTP JSON form. */
function payment(bank: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { amount, destination } = TRANSACTION;
  return {
    ...TRANSACTION,
    destination: { ...destination, id: bank },
    amount: { ...amount, amount: Number(amount.amount) },
    ...changes,
  };
}

/** A validator that traps on every call. */
const trappingValidator = async () =>
  new Uint8Array(await validatorFromCoreWat({ validateBody: 'unreachable' }));

/** Those whose rules do not read the clock: a gateway's is the real one, and committed.test.ts has the others. */
const timeless = [...examples.keys()].filter((name) =>
  readCases(name).every((asked) => asked.evaluatedAtMs === DEFAULT_EVALUATED_AT_MS),
);

describe.each(timeless)('example %s', (name) => {
  it('answers every one of its cases', async () => {
    const cases = readCases(name);
    expect(cases.length).toBeGreaterThanOrEqual(10);
    for (const example of cases) {
      const { status, body } = await gateway.validate('http://localhost/v1/validate', example.body);
      expect([status, body['decision'], body['decided_by'], body['failure']], example.name).toEqual([
        200,
        example.expect,
        'validator',
        undefined,
      ]);
      const reason = body['reason'] as Reason | undefined;
      expectReason(example, reason);
      if (reason !== undefined) expect(reason).toMatchObject(statusOfDenial(reason.code));
    }
  });
});

describe('a decision', () => {
  it('has the members that the API promises', async () => {
    const { status, body } = await gateway.validate('http://icamer.localhost/v1/validate', payment('icamer'));
    expect(status).toBe(200);
    expect(body).toEqual({
      decision: 'approve',
      transaction_id: 'txn_1',
      bank: 'icamer',
      decided_by: 'validator',
      release: 1,
      artifact: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      evaluated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      fuel: expect.any(Number) as number,
    });
  });

  it('says that a 0.1.0 denial has no reason', async () => {
    const { body } = await gateway.validate(
      'http://icamer.localhost/v1/validate',
      payment('icamer', { origin: { ...TRANSACTION.origin, country: 'FRA' } }),
    );
    expect(body).toMatchObject({
      decision: 'deny',
      reason: { code: 'unspecified', iso20022: 'MS03', de39: '05' },
      decided_by: 'validator',
    });
  });

  it('has the reason of a 0.2.0 denial, and what it is called elsewhere', async () => {
    const { body } = await gateway.validate(
      'http://meridian.localhost/v1/validate',
      payment('meridian', {
        amount: { name: 'Euro', symbol: '€', amount: 12_500_00 },
        origin: { ...TRANSACTION.origin, country: 'FRA' },
      }),
    );
    expect(body).toMatchObject({
      decision: 'deny',
      reason: { code: 'AM02', message: 'above 10,000.00 EUR', iso20022: 'AM02', de39: '61' },
      decided_by: 'validator',
    });
  });

  it.each([
    ['http://icamer.localhost:8787/v1/validate'],
    ['http://ICAMER.localhost/v1/validate'],
    ['http://localhost/v1/banks/icamer/validate'],
    ['http://localhost/v1/validate'],
    ['http://127.0.0.1/v1/validate'],
  ])('comes from %s', async (url) => {
    expect(await gateway.validate(url, payment('icamer'))).toMatchObject({
      status: 200,
      body: { bank: 'icamer' },
    });
  });

  it('changes with the next release, without a restart', async () => {
    const icamer = examples.get('icamer-assemblyscript');
    const nordhaven = examples.get('nordhaven-typescript');
    if (icamer === undefined || nordhaven === undefined) throw new Error('not built');
    const euros = payment('shifting', { amount: { name: 'Euro', symbol: '€', amount: 1 } });
    const first = await gateway.publish('shifting', icamer.component);
    expect(await gateway.validate('http://localhost/v1/validate', euros)).toMatchObject({
      body: { decision: 'approve', release: 1 },
    });
    const second = await gateway.publish('shifting', nordhaven.component, { acceptImports: true });
    expect(second.changes).toContain(`artifact ${first.artifact} → ${second.artifact}`);
    expect(second.changes).toContain('new import wasi:cli/exit@0.2.12 (inert)');
    // Fresh for 5 s, then served once more while it is being refreshed.
    await expect
      .poll(async () => (await gateway.validate('http://localhost/v1/validate', euros)).body, {
        timeout: 20_000,
        interval: 500,
      })
      .toMatchObject({ decision: 'deny', release: 2 });
  });
});

describe('publishing', () => {
  it('gives the same artifact for the same component, and the next number', async () => {
    const icamer = examples.get('icamer-assemblyscript');
    if (icamer === undefined) throw new Error('not built');
    const first = await gateway.publish('twice', icamer.component);
    const second = await gateway.publish('twice', icamer.component);
    expect(second.artifact).toBe(first.artifact);
    expect([first.release.number, second.release.number]).toEqual([1, 2]);
    expect(second.changes).toEqual([]);
  });

  it('refuses a bank whose slug another bank holds', async () => {
    const icamer = examples.get('icamer-assemblyscript');
    if (icamer === undefined) throw new Error('not built');
    await gateway.publish('bank_002', icamer.component);
    await expect(gateway.publish('bank-002', icamer.component)).rejects.toThrow('slug_taken');
  });
});

describe('a bucket that someone else writes to', () => {
  async function overwrite(key: string, bytes: Uint8Array): Promise<void> {
    await gateway.store.delete(key);
    await gateway.store.put(key, bytes, { kind: 'absent' });
  }

  it('cannot make the gateway run other bytes under a signed digest', async () => {
    const icamer = examples.get('icamer-assemblyscript');
    const nordhaven = examples.get('nordhaven-typescript');
    if (icamer === undefined || nordhaven === undefined) throw new Error('not built');
    // Its own artifact: a component with one more custom section has another digest.
    const unique = new Uint8Array([...icamer.component, 0, 4, 3, 0x61, 0x62, 0x63]);
    const { artifact } = await gateway.publish('swapped', unique);
    const key = artifactKey(artifact.slice('sha256:'.length));
    const other = await gateway.store.get(
      artifactKey((await gateway.publish('other', nordhaven.component)).artifact.slice(7)),
    );
    if (other.kind !== 'found') throw new Error('not stored');
    await overwrite(key, other.object.bytes);
    expect(await gateway.validate('http://localhost/v1/validate', payment('swapped'))).toMatchObject({
      status: 200,
      body: { decision: 'deny', decided_by: 'fallback', failure: 'load_failed' },
    });
  });

  it('cannot give a bank another bank’s release, nor an unsigned one', async () => {
    const icamer = await gateway.store.get(currentReleaseKey('icamer'));
    if (icamer.kind !== 'found') throw new Error('not stored');
    await overwrite(currentReleaseKey('thief'), icamer.object.bytes);
    expect(await gateway.validate('http://localhost/v1/validate', payment('thief'))).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable' },
    });
    await overwrite(currentReleaseKey('forged'), new TextEncoder().encode('e30.e30.'));
    expect(await gateway.validate('http://localhost/v1/validate', payment('forged'))).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable' },
    });
  });
});

describe('a validator that traps', () => {
  it('costs its own bank an answer and no other bank anything, under load', async () => {
    await gateway.publish('trapping', await trappingValidator());
    const calls = Array.from({ length: 400 }, (_, i) => {
      const bank = i % 2 === 0 ? 'trapping' : 'icamer';
      const country = i % 4 === 1 ? 'FRA' : 'USA';
      const expected =
        bank === 'trapping'
          ? 'fallback deny trap'
          : `validator ${country === 'USA' ? 'approve' : 'deny'} undefined`;
      return { bank, country, expected };
    });
    const answers: string[] = [];
    for (let start = 0; start < calls.length; start += 40) {
      answers.push(
        ...(await Promise.all(
          calls.slice(start, start + 40).map(async ({ bank, country }) => {
            const { status, body } = await gateway.validate(
              `http://${bank}.localhost/v1/validate`,
              payment(bank, { origin: { ...TRANSACTION.origin, country } }),
            );
            expect(status).toBe(200);
            // On a slow machine its traps look dear: then the governor spares it some of them.
            const failure = String(body['failure']).replace('share_exceeded', 'trap');
            return `${String(body['decided_by'])} ${String(body['decision'])} ${failure}`;
          }),
        )),
      );
    }
    expect(answers).toEqual(calls.map(({ expected }) => expected));
  });

  it('is answered with 503 where its release says so', async () => {
    await gateway.publish('refusing', await trappingValidator(), { fallback: 'refuse' });
    expect(await gateway.validate('http://localhost/v1/validate', payment('refusing'))).toMatchObject({
      status: 503,
      body: { code: 'validator_unavailable' },
    });
  });
});

describe('the log', () => {
  it('has one event a request and nothing of a transaction', async () => {
    const planted = ['txn_planted_7c1f', 'Planted Name', '918273645', 'planted_origin'];
    await gateway.validate('http://localhost/v1/validate', {
      id: planted[0],
      origin: { id: planted[3], name: planted[1], country: 'USA', currency: 'USD' },
      destination: { ...TRANSACTION.destination, name: planted[1] },
      amount: { name: 'US Dollar', symbol: '$', amount: Number(planted[2]) },
      status: planted[1],
    });
    await expect.poll(() => gateway.log()).toContain('"decision":"approve"');
    for (const text of planted) expect(gateway.log()).not.toContain(text);
  });
});
