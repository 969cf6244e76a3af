// The transaction that the HTTP benchmarks send.

/** A payment to `bank` that both example validators approve. */
export const paymentTo = (bank: string): string =>
  JSON.stringify({
    id: 'txn_1',
    origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
    destination: { id: bank, name: 'Destination', country: 'GBR', currency: 'GBP' },
    amount: { name: 'US Dollar', symbol: '$', amount: 10_000 },
    status: 'pending',
  });
