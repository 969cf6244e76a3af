import { describe, expect, it } from 'vitest';

import { FAILURE_CODES } from '../../src/core/failure.ts';
import { reasonOf } from '../../src/gateway/reason.ts';

const deny = (code: string, message?: string) =>
  ({ kind: 'deny', denial: { code, ...(message !== undefined && { message }) } }) as const;

describe('the reason of an answer', () => {
  it('is the bank’s code and message, and what they are called elsewhere, in this order', () => {
    expect(JSON.stringify(reasonOf(deny('AM02', 'above "10,000.00" EUR'), undefined))).toBe(
      '{"code":"AM02","message":"above \\"10,000.00\\" EUR","iso20022":"AM02","de39":"61"}',
    );
    expect(reasonOf(deny('HOUSE-RULE-7'), undefined)).toEqual({
      code: 'HOUSE-RULE-7',
      iso20022: 'NARR',
      de39: '05',
    });
    expect(reasonOf(deny('unspecified'), undefined)).toEqual({
      code: 'unspecified',
      iso20022: 'MS03',
      de39: '05',
    });
  });

  it.each(FAILURE_CODES)('is the failure %s and nothing of its detail, nor of a verdict', (code) => {
    const reason = reasonOf(deny('AM02', 'planted'), { code, detail: 'planted for operators' });
    expect(reason).toEqual({
      code,
      iso20022: expect.stringMatching(/^A[BG]\d\d$/) as string,
      de39: expect.stringMatching(/^(?:68|91|96)$/) as string,
    });
  });
});
