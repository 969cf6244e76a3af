// Meridian's rules as data.

/** ISO 3166 alpha-3. The countries for which the Financial Action Task Force calls for action. */
export const BLOCKED_COUNTRIES: ReadonlySet<string> = new Set(['IRN', 'MMR', 'PRK']);

/** The most that one payment may be, in minor units and for people. */
export interface Limit {
  readonly mostMinorUnits: number;
  readonly words: string;
}

const EUR: Limit = { mostMinorUnits: 10_000_00, words: '10,000.00 EUR' };
const GBP: Limit = { mostMinorUnits: 8_000_00, words: '8,000.00 GBP' };
const USD: Limit = { mostMinorUnits: 12_000_00, words: '12,000.00 USD' };

/** By the name of the transaction's currency, as processors write it. */
export const LIMITS: ReadonlyMap<string, Limit> = new Map([
  ['Euro', EUR],
  ['EUR', EUR],
  ['Pound Sterling', GBP],
  ['GBP', GBP],
  ['US Dollar', USD],
  ['USD', USD],
]);
