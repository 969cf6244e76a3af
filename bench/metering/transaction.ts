import type { Transaction } from '../../src/core/transaction.ts';

/** A plain payment, USA to GBR: what the benchmarks ask validators about. */
export const TRANSACTION: Transaction = {
  id: 'txn_1',
  origin: { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000n },
  status: 'pending',
};
