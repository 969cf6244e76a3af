// A chain of banks: who is asked, what one of them can do to the answer, and that nothing that is missing approves.

import { describe, expect, test } from 'vitest';

import type { VerifiedRelease } from '../../src/artifact/release.ts';
import { NO_ARTIFACT } from '../../src/artifact/release-payload.ts';
import type { GatewayDeps } from '../../src/gateway/app.ts';
import type { Chain } from '../../src/gateway/chain.ts';
import { createTokenBuckets, DEFAULT_RATE_TIERS } from '../../src/gateway/rate-limit.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { currentProcessorKey, currentReleaseKey } from '../../src/store/keys.ts';
import {
  APPROVE,
  createBankSandbox,
  createGatewayBed,
  makeBody as makePlainBody,
  problemOf,
  type GatewayBed,
} from '../fixtures/gateway-bed.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

/** A payment whose origin is a bank with a release. */
function makeBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const origin = { id: 'bank_001', name: 'First National', country: 'FR', currency: 'EUR' };
  return makePlainBody({ id: 'txn_123456', origin, ...changes });
}

const send = (bed: GatewayBed, headers: Record<string, string> = {}): Promise<Response> =>
  bed.post({ body: JSON.stringify(makeBody()), headers });

const CHAIN: Chain = { stages: ['platform', 'origin', 'destination'], platformBank: 'wasmpay' };
const BANKS = ['wasmpay', 'bank-001', 'meridian'] as const;
const NONE: Partial<VerifiedRelease> = {
  validator: 'none',
  artifact: NO_ARTIFACT,
  component: NO_ARTIFACT,
  number: 3,
};

interface ChainBed extends GatewayBed {
  /** Banks that were run, in the order of their calls. */
  readonly ran: string[];
  /** What banks answer beside {@link APPROVE}. */
  readonly outcomes: Map<string, CallOutcome | Promise<CallOutcome>>;
}

/** A gateway that asks `CHAIN`, each of whose banks approves; `releases` are changes, or null for no release. */
async function makeBed(
  releases: Record<string, Partial<VerifiedRelease> | null> = {},
  deps: Partial<GatewayDeps> = {},
): Promise<ChainBed> {
  const ran: string[] = [];
  const outcomes: ChainBed['outcomes'] = new Map();
  const bed = createGatewayBed({
    chain: CHAIN,
    sandbox: createBankSandbox((bank) => {
      ran.push(bank);
      return outcomes.get(bank) ?? APPROVE;
    }),
    ...deps,
  });
  for (const bank of BANKS) {
    const changes = releases[bank];
    if (changes !== null) await bed.publish({ bank, ...changes });
  }
  return Object.assign(bed, { ran, outcomes });
}

const denial = (code: string): CallOutcome => ({
  kind: 'verdict',
  verdict: { kind: 'deny', denial: { code } },
  fuel: 5,
});
const TRAP: CallOutcome = { kind: 'failure', failure: { code: 'trap', detail: 'unreachable' }, fuel: 9 };

async function answerOf(bed: GatewayBed, body: unknown = makeBody()): Promise<Record<string, unknown>> {
  const response = await bed.post({ body: JSON.stringify(body) });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

const stagesOf = (answer: Record<string, unknown>) =>
  (answer['stages'] as Record<string, string | undefined>[]).map(({ stage, decision, decided_by, failure }) =>
    [stage, decision, decided_by, failure].filter((part) => part !== undefined).join(' '),
  );

describe('a chain whose banks all approve', () => {
  test('approves, and says what each of them said', async () => {
    const bed = await makeBed({ 'bank-001': { number: 2 }, wasmpay: { number: 4 } });
    const answer = await answerOf(bed);
    const artifacts = new Map(
      (answer['stages'] as { bank: string; artifact: string }[]).map(({ bank, artifact }) => [
        bank,
        artifact,
      ]),
    );
    expect(new Set(artifacts.values()).size).toBe(3);
    const stage = (name: string, bank: string, release: number) => ({
      stage: name,
      bank,
      decision: 'approve',
      decided_by: 'validator',
      release,
      artifact: artifacts.get(bank),
      fuel: 1,
    });
    expect(JSON.stringify(answer)).toBe(
      JSON.stringify({
        decision: 'approve',
        transaction_id: 'txn_123456',
        bank: 'meridian',
        decided_by: 'validator',
        release: 7,
        artifact: artifacts.get('meridian'),
        evaluated_at: '2026-11-23T09:00:00.123Z',
        fuel: 3,
        stages: [
          stage('platform', 'wasmpay', 4),
          stage('origin', 'bank-001', 2),
          stage('destination', 'meridian', 7),
        ],
      }),
    );
    expect(bed.ran.toSorted()).toEqual([...BANKS].toSorted());
  });

  test('shows every stage to its operator, and nothing of the payment', async () => {
    const bed = await makeBed();
    bed.outcomes.set('bank-001', TRAP);
    await answerOf(bed, makeBody({ id: 'planted-4711' }));
    expect(bed.requests).toMatchObject([
      {
        bank: 'meridian',
        decision: 'deny',
        decidedBy: 'fallback',
        failure: 'trap',
        stages: [
          { stage: 'platform', bank: 'wasmpay', release: 7, decision: 'approve', decidedBy: 'validator' },
          { stage: 'origin', bank: 'bank-001', failure: 'trap', failureDetail: 'unreachable' },
          { stage: 'destination', bank: 'meridian', decision: 'approve' },
        ],
      },
    ]);
    bed.outcomes.set('bank-001', denial('PLANTED'));
    await answerOf(bed);
    expect(JSON.stringify(bed.events)).not.toMatch(/planted/i);
  });
});

describe('a denial', () => {
  test.each(BANKS)('of %s alone denies, with its reason', async (bank) => {
    const bed = await makeBed();
    bed.outcomes.set(bank, denial('AM02'));
    expect(await answerOf(bed)).toMatchObject({
      decision: 'deny',
      bank: 'meridian',
      decided_by: 'validator',
      reason: { code: 'AM02' },
      fuel: 7,
    });
    expect(bed.ran).toHaveLength(3);
  });

  test('that comes first in the chain gives the reason, whoever was faster', async () => {
    const bed = await makeBed();
    let release = (_outcome: CallOutcome): void => {};
    bed.outcomes.set('wasmpay', new Promise((resolve) => (release = resolve)));
    bed.outcomes.set('meridian', denial('LATER'));
    const pending = answerOf(bed);
    await bed.time.advance(10);
    release(denial('FIRST'));
    const answer = await pending;
    expect(answer).toMatchObject({ reason: { code: 'FIRST' } });
    expect(stagesOf(answer)).toEqual([
      'platform deny validator',
      'origin approve validator',
      'destination deny validator',
    ]);
  });

  test.each(BANKS)('is what a failure of %s is', async (bank) => {
    const bed = await makeBed();
    bed.outcomes.set(bank, TRAP);
    expect(await answerOf(bed)).toMatchObject({
      decision: 'deny',
      decided_by: 'fallback',
      failure: 'trap',
      reason: { code: 'trap' },
    });
  });

  test('by a bank that is switched off is one, validator or none', async () => {
    for (const changes of [{}, NONE]) {
      const bed = await makeBed({ 'bank-001': { ...changes, disabled: { answer: 'deny' } } });
      expect(await answerOf(bed)).toMatchObject({ decision: 'deny', failure: 'disabled' });
    }
  });
});

describe('a stage that refuses to have an answer made up', () => {
  test('leaves the whole unanswered', async () => {
    const bed = await makeBed({ wasmpay: { fallback: 'refuse' } });
    bed.outcomes.set('wasmpay', TRAP);
    expect(await problemOf(await send(bed))).toBe('validator_unavailable');
    expect(bed.requests).toMatchObject([{ failure: 'trap', stages: [{ failure: 'trap' }, {}, {}] }]);
  });

  test('but for a denial of a bank’s own, which is final', async () => {
    const bed = await makeBed({ wasmpay: { fallback: 'refuse' } });
    bed.outcomes.set('wasmpay', TRAP);
    bed.outcomes.set('meridian', denial('AM02'));
    const answer = await answerOf(bed);
    expect(answer).toMatchObject({ decision: 'deny' });
    expect(stagesOf(answer)).toEqual([
      'platform deny fallback trap',
      'origin approve validator',
      'destination deny validator',
    ]);
  });
});

describe('a bank without a validator', () => {
  test.each(['bank-001', 'meridian'])('lets pass what others approve (%s)', async (bank) => {
    const bed = await makeBed({ [bank]: NONE });
    const answer = await answerOf(bed);
    expect(answer).toMatchObject({ decision: 'approve', decided_by: 'validator' });
    expect(
      (answer['stages'] as unknown[]).filter((stage) => (stage as { bank: string }).bank === bank),
    ).toEqual([
      {
        stage: bank === 'meridian' ? 'destination' : 'origin',
        bank,
        decision: 'approve',
        decided_by: 'release',
        release: 3,
        artifact: NO_ARTIFACT,
        fuel: 0,
      },
    ]);
    expect(bed.ran).toHaveLength(2);
    expect(JSON.stringify(bed.requests)).not.toContain('no_validator');
  });

  test('does not help against a denial, or a failure', async () => {
    for (const outcome of [denial('AM02'), TRAP]) {
      const bed = await makeBed({ 'bank-001': NONE });
      bed.outcomes.set('meridian', outcome);
      expect(await answerOf(bed)).toMatchObject({ decision: 'deny' });
    }
  });

  test('is never the platform', async () => {
    const bed = await makeBed({ wasmpay: NONE });
    expect(await answerOf(bed)).toMatchObject({
      decision: 'deny',
      decided_by: 'fallback',
      failure: 'no_validator',
      reason: { code: 'no_validator', iso20022: 'AB10', de39: '96' },
    });
  });

  test('passes nothing where no stage has one', async () => {
    const chain: Chain = { stages: ['origin', 'destination'] };
    const bed = await makeBed({ 'bank-001': NONE, meridian: NONE }, { chain });
    const answer = await answerOf(bed);
    expect(answer).toMatchObject({ decision: 'deny', decided_by: 'fallback', failure: 'no_validator' });
    expect(stagesOf(answer)).toEqual([
      'origin deny fallback no_validator',
      'destination deny fallback no_validator',
    ]);
    expect(bed.ran).toEqual([]);
  });

  test('passes nothing beside one that an outage of storage excuses: nobody was asked', async () => {
    const chain: Chain = { stages: ['origin', 'destination'] };
    const bed = await makeBed({ 'bank-001': { outage: 'approve' }, meridian: NONE }, { chain });
    bed.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'fail' } : undefined);
    const answer = await answerOf(bed);
    expect(answer).toMatchObject({ decision: 'deny', failure: 'no_validator' });
    expect(stagesOf(answer)).toEqual([
      'origin approve fallback load_failed',
      'destination deny fallback no_validator',
    ]);
  });

  test('is denied on a gateway without a chain', async () => {
    const bed = createGatewayBed();
    await bed.publish({ ...NONE, number: 7 });
    const answer = (await (await send(bed)).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({ decision: 'deny', failure: 'no_validator', artifact: NO_ARTIFACT });
    expect(answer).not.toHaveProperty('stages');
    expect(bed.calls).toEqual([]);
  });
});

describe('a missing release', () => {
  test('of the destination or the origin is an unknown bank, and which one is said', async () => {
    const destination = await makeBed({ meridian: null });
    const response = await send(destination);
    expect(await response.clone().json()).not.toHaveProperty('detail');
    expect(await problemOf(response)).toBe('unknown_bank');
    expect(destination.ran).toEqual([]);

    const origin = await makeBed({ 'bank-001': null });
    const answer = await send(origin);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: 'unknown_bank',
      detail: 'the origin bank, which this gateway asks as well',
    });
    expect(origin.ran).toEqual([]);
  });

  test('of the platform is an outage: absence proves nothing', async () => {
    const bed = await makeBed({ wasmpay: null });
    expect(await problemOf(await send(bed))).toBe('store_unavailable');
    expect(bed.ran).toEqual([]);
  });

  test.each(BANKS)('that storage does not give is an outage (%s)', async (bank) => {
    const bed = await makeBed();
    bed.store.fault = (key) => (key === currentReleaseKey(bank) ? { kind: 'fail' } : undefined);
    expect(await problemOf(await send(bed))).toBe('store_unavailable');
    expect(bed.ran).toEqual([]);
  });

  test('is what an origin has whose id can be no bank’s', async () => {
    const bed = await makeBed();
    const body = makeBody({ origin: { id: '../x', name: '', country: '', currency: '' } });
    const response = await bed.post({ body: JSON.stringify(body) });
    expect(await problemOf(response)).toBe('unknown_bank');
    expect(bed.store.reads).toEqual([]);
  });
});

test('a bank that stands in two stages is asked once, and said twice', async () => {
  const bed = await makeBed();
  const { destination } = makeBody() as { destination: unknown };
  const answer = await answerOf(bed, makeBody({ origin: destination }));
  expect(bed.ran.toSorted()).toEqual(['meridian', 'wasmpay']);
  expect(answer).toMatchObject({
    fuel: 2,
    stages: [{ bank: 'wasmpay' }, { stage: 'origin', bank: 'meridian' }, { stage: 'destination' }],
  });
});

test('all stages read the same time', async () => {
  const seen: number[] = [];
  const bed = await makeBed(
    {},
    {
      sandbox: createBankSandbox((_bank, call) => {
        seen.push(call.evaluatedAtMs);
        bed.time.set(bed.time.clock() + 5);
        return APPROVE;
      }),
    },
  );
  expect(await answerOf(bed)).toMatchObject({ evaluated_at: '2026-11-23T09:00:00.123Z' });
  expect(new Set(seen).size).toBe(1);
});

describe('the deadline of a chain', () => {
  const headers = { 'wasmpay-deadline-ms': '200' };

  test.each(BANKS)('ends with the fallback of who has not answered (%s)', async (bank) => {
    const bed = await makeBed();
    bed.outcomes.set(bank, new Promise(() => {}));
    const pending = send(bed, headers);
    await bed.time.advance(199);
    await bed.time.advance(1);
    const answer = (await (await pending).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({ decision: 'deny', decided_by: 'fallback', failure: 'deadline_exceeded' });
    expect(stagesOf(answer).filter((stage) => stage.includes('deadline_exceeded'))).toHaveLength(1);
    expect(stagesOf(answer).filter((stage) => stage.includes('approve validator'))).toHaveLength(2);
  });

  test('ends with a denial that has come, and with an outage while a release has not', async () => {
    const bed = await makeBed({ wasmpay: { fallback: 'refuse' } });
    bed.outcomes.set('wasmpay', new Promise(() => {}));
    bed.outcomes.set('meridian', denial('AM02'));
    const pending = send(bed, headers);
    await bed.time.advance(200);
    expect(await (await pending).json()).toMatchObject({ decision: 'deny' });

    const slow = await makeBed();
    slow.store.fault = (key) => (key === currentReleaseKey('bank-001') ? { kind: 'hang' } : undefined);
    const waiting = send(slow, headers);
    await slow.time.advance(200);
    expect(await problemOf(await waiting)).toBe('store_unavailable');
    expect(slow.ran).toEqual([]);
  });
});

describe('a processor', () => {
  const key = makeApiKey();
  const headers = { authorization: `Bearer ${key.text}` };

  async function makeGuardedBed(banks: readonly string[]): Promise<ChainBed> {
    const bed = await makeBed(
      {},
      {
        callers: {
          verifyProcessor: verifyProcessorPlainly,
          rateLimiter: createTokenBuckets(DEFAULT_RATE_TIERS, () => 0),
        },
      },
    );
    const record = makeProcessor({ apiKeys: [key.entry], banks });
    await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
    return bed;
  }

  test('needs the banks that it names, and not the platform’s, which is the gateway’s own choice', async () => {
    const bed = await makeGuardedBed(['bank-001', 'meridian']);
    expect((await send(bed, headers)).status).toBe(200);
    expect(bed.ran).toHaveLength(3);
  });

  test.each([['meridian'], ['bank-001']])(
    'learns nothing of others by naming them: it has %s',
    async (bank) => {
      const bed = await makeGuardedBed([bank]);
      expect(await problemOf(await send(bed, headers))).toBe('forbidden');
      // Nor whether they exist.
      const body = JSON.stringify(
        makeBody({ origin: { id: 'nobody-at-all', name: '', country: '', currency: '' } }),
      );
      expect(await problemOf(await bed.post({ headers, body }))).toBe('forbidden');
      expect(bed.ran).toEqual([]);
    },
  );
});
