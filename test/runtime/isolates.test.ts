// Open-source workerd evicts nothing: a gateway that is told how many isolates it may keep retires the others, and a
// bank whose isolate went is answered by a new one.

import { expect, it } from 'vitest';

import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { startLiveGateway } from '../fixtures/live-gateway.ts';

const BANKS = ['one', 'two', 'three', 'four'];

it('retires isolates, loses no call and no decision', async () => {
  await using gateway = await startLiveGateway({ WASMPAY_MAX_ISOLATES: '2' });
  const component = await validatorFromCoreWat();
  for (const bank of BANKS) {
    const section = [0, 2 + bank.length, 1, 0x78, ...new TextEncoder().encode(bank)];
    await gateway.publish(bank, new Uint8Array([...component, ...section]));
  }
  const decide = async (bank: string): Promise<unknown> => {
    const destination = { id: bank, name: 'Bank', country: 'DE', currency: 'EUR' };
    return (await gateway.validate('http://localhost/v1/validate', makeBody({ destination }))).body;
  };
  const answers: unknown[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const bank of BANKS) answers.push(await decide(bank));
    answers.push(...(await Promise.all([...BANKS, ...BANKS].map(decide))));
  }
  // Each caller goes round by itself, so that calls meet isolates that are just being ended.
  await Promise.all(
    BANKS.map(async (_, caller) => {
      for (let turn = 0; turn < 30; turn += 1) {
        answers.push(await decide(BANKS[(caller + turn) % BANKS.length] ?? ''));
      }
    }),
  );
  expect(answers).toHaveLength(36 + 120);
  for (const answer of answers)
    expect(answer).toMatchObject({ decision: 'approve', decided_by: 'validator' });
  // What workerd writes when an isolate ends itself.
  expect(gateway.log()).toContain('terminated');
});
