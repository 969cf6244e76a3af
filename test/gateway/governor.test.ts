import { describe, expect, test } from 'vitest';

import type { FailureCode } from '../../src/core/failure.ts';
import { createGovernor, DEFAULT_RATIONS } from '../../src/gateway/governor.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { createGatewayBed, makeRelease, START_MS } from '../fixtures/gateway-bed.ts';
import { createManualTime } from '../fixtures/manual-time.ts';

const BUSY = makeRelease({ bank: 'busy' });
const NEIGHBOUR = makeRelease({ bank: 'neighbour' });
const FULL = 35_000_000;

function approve(fuel: number): CallOutcome {
  return { kind: 'verdict', verdict: { kind: 'approve' }, fuel };
}

function fail(code: FailureCode, fuel = FULL): CallOutcome {
  return { kind: 'failure', failure: { code, detail: 'test' }, fuel };
}

function createBed() {
  const time = createManualTime(START_MS);
  const governor = createGovernor(time.clock);
  let ran = 0;
  return {
    time,
    governor,
    get ran() {
      return ran;
    },
    /** The outcome as one word: `ran`, or the code of the refusal. */
    async call(release = BUSY, outcome: CallOutcome = approve(1)): Promise<string> {
      const before = ran;
      const answer = await governor.run(release, async () => {
        ran += 1;
        return outcome;
      });
      if (ran > before) return 'ran';
      return answer.kind === 'failure' ? answer.failure.code : 'a verdict from nowhere';
    },
  };
}

describe('a validator that hits its limits', () => {
  test('twice in a row goes on being run', async () => {
    const bed = createBed();
    for (let i = 0; i < 2; i += 1) expect(await bed.call(BUSY, fail('fuel_exhausted'))).toBe('ran');
    expect(await bed.call()).toBe('ran');
  });

  test.each<FailureCode>(['fuel_exhausted', 'memory_exceeded'])('three times: %s pauses it', async (code) => {
    const bed = createBed();
    for (let i = 0; i < 3; i += 1) await bed.call(BUSY, fail(code));
    expect(await bed.call()).toBe('paused');
    await bed.time.advance(DEFAULT_RATIONS.firstPauseMs - 1);
    expect(await bed.call()).toBe('paused');
    await bed.time.advance(1);
    expect(await bed.call()).toBe('ran');
  });

  test.each<FailureCode>(['trap', 'capability_denied', 'bad_output'])('%s is no limit', async (code) => {
    const bed = createBed();
    for (let i = 0; i < 20; i += 1) expect(await bed.call(BUSY, fail(code))).toBe('ran');
  });

  test('an answer in between starts the count again', async () => {
    const bed = createBed();
    for (let i = 0; i < 10; i += 1) {
      expect(await bed.call(BUSY, fail('fuel_exhausted'))).toBe('ran');
      expect(await bed.call(BUSY, approve(1))).toBe('ran');
    }
  });

  test('a call that its deadline kept from starting is no answer in between', async () => {
    const bed = createBed();
    for (let i = 0; i < 2; i += 1) await bed.call(BUSY, fail('fuel_exhausted'));
    const late = await bed.governor.run(
      BUSY,
      () => Promise.reject(new Error('it was started')),
      () => ({ code: 'deadline_exceeded', detail: 'test' }),
    );
    expect(late).toMatchObject({ kind: 'failure', failure: { code: 'deadline_exceeded' } });
    expect(await bed.call(BUSY, fail('fuel_exhausted'))).toBe('ran');
    expect(await bed.call()).toBe('paused');
  });

  test('again after its pause is paused for twice as long, up to the longest', async () => {
    const bed = createBed();
    for (let i = 0; i < 3; i += 1) await bed.call(BUSY, fail('fuel_exhausted'));
    let pauseMs = DEFAULT_RATIONS.firstPauseMs;
    for (let i = 0; i < 8; i += 1) {
      await bed.time.advance(pauseMs - 1);
      expect(await bed.call()).toBe('paused');
      await bed.time.advance(1);
      expect(await bed.call(BUSY, fail('fuel_exhausted'))).toBe('ran');
      pauseMs = Math.min(2 * pauseMs, DEFAULT_RATIONS.longestPauseMs);
    }
    expect(pauseMs).toBe(DEFAULT_RATIONS.longestPauseMs);
  });

  test('does not pause another bank, nor its own next validator, and a renewal does not help it', async () => {
    const bed = createBed();
    for (let i = 0; i < 3; i += 1) await bed.call(BUSY, fail('fuel_exhausted'));
    expect(await bed.call(NEIGHBOUR)).toBe('ran');
    expect(await bed.call({ ...BUSY, number: 8 })).toBe('paused');
    expect(await bed.call({ ...BUSY, artifact: `sha256:${'1'.repeat(64)}` })).toBe('ran');
  });

  test('is not paused for ever by a clock that was set back', async () => {
    const bed = createBed();
    for (let i = 0; i < 3; i += 1) await bed.call(BUSY, fail('fuel_exhausted'));
    bed.time.set(START_MS - 3_600_000);
    expect(await bed.call()).toBe('ran');
  });
});

describe('dear calls', () => {
  const DEAR = 30_000_000;

  test('are rationed while a neighbour calls', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await bed.call(BUSY, approve(DEAR)));
    expect(answers).toEqual(['ran', 'ran', 'share_exceeded']);
    // 60 million are used: the level is under 35 again after two and a half seconds.
    await bed.time.advance(2_499);
    await bed.call(NEIGHBOUR);
    expect(await bed.call(BUSY, approve(DEAR))).toBe('share_exceeded');
    await bed.time.advance(2);
    expect(await bed.call(BUSY, approve(DEAR))).toBe('ran');
    expect(await bed.call(NEIGHBOUR)).toBe('ran');
  });

  test('of a bank without neighbours are not', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    await bed.time.advance(DEFAULT_RATIONS.neighbourMs + 1);
    for (let i = 0; i < 50; i += 1) expect(await bed.call(BUSY, approve(DEAR))).toBe('ran');
  });

  test('begin above the bound, not at it', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    for (let i = 0; i < 60; i += 1)
      expect(await bed.call(BUSY, approve(DEFAULT_RATIONS.dearFuel))).toBe('ran');
    const other = createBed();
    await other.call(NEIGHBOUR);
    const answers = [];
    for (let i = 0; i < 60; i += 1)
      answers.push(await other.call(BUSY, approve(DEFAULT_RATIONS.dearFuel + 1)));
    expect(answers.indexOf('share_exceeded')).toBe(18);
  });

  test('a trap counts for the time that it took, not for the whole budget', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    for (let i = 0; i < 100; i += 1) expect(await bed.call(BUSY, fail('trap'))).toBe('ran');
  });
});

describe('a call that used little', () => {
  /** How many of twenty calls ran, beside a neighbour. */
  async function countRuns(elapsedMs: number, outcome: CallOutcome): Promise<number> {
    const bed = createBed();
    const { time, governor } = bed;
    let ran = 0;
    for (let i = 0; i < 20; i += 1) {
      await bed.call(NEIGHBOUR);
      await governor.run(BUSY, async () => {
        ran += 1;
        time.set(time.clock() + elapsedMs);
        return outcome;
      });
    }
    return ran;
  }

  test('is believed, however slow the machine was', async () => {
    expect(await countRuns(300, approve(736))).toBe(20);
  });

  test('counts what its new instance took as well', async () => {
    const { dearFuel, dearBurstFuel } = DEFAULT_RATIONS;
    expect(await countRuns(0, { ...approve(736), makingFuel: dearFuel - 736 })).toBe(20);
    expect(await countRuns(0, { ...approve(736), makingFuel: dearBurstFuel / 4 })).toBe(4);
  });
});

test('all calls of a bank together have a share as well', async () => {
  const bed = createBed();
  await bed.call(NEIGHBOUR);
  const answers = [];
  for (let i = 0; i < 501; i += 1) answers.push(await bed.call(BUSY, approve(1_000_000)));
  expect(answers.indexOf('share_exceeded')).toBe(500);
  await bed.time.advance(10);
  expect(await bed.call()).toBe('ran');
});

describe('calls at the same time', () => {
  test('wait for the first one of an unknown validator, and then run all', async () => {
    const { governor } = createBed();
    const first = Promise.withResolvers<CallOutcome>();
    let ran = 0;
    const runs = Array.from({ length: 5 }, (_, index) =>
      governor.run(BUSY, () => {
        ran += 1;
        return index === 0 ? first.promise : Promise.resolve(approve(1));
      }),
    );
    await Promise.resolve();
    expect(ran).toBe(1);
    first.resolve(approve(1));
    expect(await Promise.all(runs)).toEqual(Array(5).fill(approve(1)));
    expect(ran).toBe(5);
  });

  test('of an endless loop are run three times, however many came', async () => {
    const { governor } = createBed();
    let ran = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, () =>
        governor.run(BUSY, async () => {
          ran += 1;
          return fail('fuel_exhausted');
        }),
      ),
    );
    expect(ran).toBe(3);
    const codes = outcomes.map((outcome) => (outcome.kind === 'failure' ? outcome.failure.code : ''));
    expect(codes.filter((code) => code === 'paused')).toHaveLength(37);
  });

  test('more than 256 do not wait', async () => {
    const { governor } = createBed();
    const first = Promise.withResolvers<CallOutcome>();
    const runs = Array.from({ length: 258 }, () => governor.run(BUSY, () => first.promise));
    expect(await runs.at(-1)).toMatchObject({ failure: { code: 'share_exceeded' } });
    first.resolve(approve(1));
    expect(await Promise.all(runs.slice(0, -1))).toEqual(Array(257).fill(approve(1)));
  });

  test('a call that rejects does not keep the others waiting', async () => {
    const { governor } = createBed();
    const first = Promise.withResolvers<CallOutcome>();
    const broken = governor.run(BUSY, () => first.promise);
    const next = governor.run(BUSY, async () => approve(1));
    first.reject(new Error('the host broke'));
    await expect(broken).rejects.toThrow('the host broke');
    expect(await next).toEqual(approve(1));
  });
});

test('the gateway answers a paused validator by its fallback', async () => {
  const bed = createGatewayBed();
  await bed.publish();
  bed.outcome = async () => fail('fuel_exhausted');
  for (let i = 0; i < 3; i += 1) await bed.post();
  const response = await bed.post();
  expect(await response.json()).toMatchObject({
    decision: 'deny',
    decided_by: 'fallback',
    failure: 'paused',
  });
  expect(bed.calls).toHaveLength(3);
});

describe('several calls in one', () => {
  const several = (
    bed: ReturnType<typeof createBed>,
    outcomes: readonly CallOutcome[],
    { count = outcomes.length, release = BUSY } = {},
  ): Promise<readonly CallOutcome[]> => bed.governor.runSeveral(release, count, async () => outcomes);
  const codesOf = (outcomes: readonly CallOutcome[]): string[] =>
    outcomes.map((outcome) => (outcome.kind === 'failure' ? outcome.failure.code : 'verdict'));

  test('pause a validator as single ones do', async () => {
    const bed = createBed();
    await several(bed, [approve(1), fail('fuel_exhausted')]);
    await several(bed, [fail('fuel_exhausted')]);
    expect(await bed.call(BUSY, approve(1))).toBe('ran');
    for (let i = 0; i < 3; i += 1) await several(bed, [fail('fuel_exhausted')], { count: 5 });
    expect(codesOf(await several(bed, [approve(1)], { count: 3 }))).toEqual(['paused', 'paused', 'paused']);
    expect(await bed.call()).toBe('paused');
  });

  test('use a ration up together', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    const dear = approve(DEFAULT_RATIONS.dearFuel + 1);
    const enough = Math.ceil(DEFAULT_RATIONS.dearBurstFuel / (DEFAULT_RATIONS.dearFuel + 1));
    await several(
      bed,
      Array.from({ length: enough - 1 }, () => dear),
    );
    expect(await bed.call(BUSY, dear)).toBe('ran');
    expect(await bed.call(BUSY, dear)).toBe('share_exceeded');
  });

  test('count as many until they have ended: what would be too dear beside them waits', async () => {
    const bed = createBed();
    await bed.call(NEIGHBOUR);
    await bed.call(BUSY, approve(3_000_000));
    let end = (_outcomes: readonly CallOutcome[]): void => {};
    const running = bed.governor.runSeveral(BUSY, 20, () => new Promise((resolve) => (end = resolve)));
    await bed.time.advance(0);
    let beside = '';
    const waiting = bed.call(BUSY, approve(3_000_000)).then((said) => (beside = said));
    await bed.time.advance(0);
    expect(beside).toBe('');
    end(Array.from({ length: 20 }, () => approve(3_000_000)));
    await running;
    await waiting;
    expect(beside).toBe('share_exceeded');
  });

  test('are all refused where the deadline is over, and have never been', async () => {
    const bed = createBed();
    const late = await bed.governor.runSeveral(
      BUSY,
      4,
      () => Promise.reject(new Error('it was started')),
      () => ({ code: 'deadline_exceeded', detail: 'test' }),
    );
    expect(codesOf(late)).toEqual(Array.from({ length: 4 }, () => 'deadline_exceeded'));
    expect(await bed.call()).toBe('ran');
  });
});
