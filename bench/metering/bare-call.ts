// The contract's core function called with a transaction that already lies in the guest's memory: a validator without any
// glue around it.

import type { Bank, Transaction } from '../../src/core/transaction.ts';
import { VALIDATION } from './component-guest.ts';

/** What the core module of a component for contract 0.1.0 exports. */
interface CoreExports extends WebAssembly.Exports {
  readonly memory: WebAssembly.Memory;
  readonly cabi_realloc: (oldAddress: number, oldBytes: number, alignment: number, bytes: number) => number;
}

/** Bytes of the record: twelve strings of two words, and an i64 that stands on a multiple of 8. */
const TRANSACTION_BYTES = 104;

/** The guest's core function, and the address of `transaction` in its memory: an argument for any number of calls. */
export function prepareBareCall(
  exports: WebAssembly.Exports,
  transaction: Transaction,
): { readonly validate: (address: number) => unknown; readonly record: number } {
  const { memory, cabi_realloc: allocate } = exports as CoreExports;
  const validate = exports[`${VALIDATION}#validate`] as (address: number) => unknown;
  const record = allocate(0, 0, 8, TRANSACTION_BYTES);
  let at = record;
  const lower = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    const address = allocate(0, 0, 1, bytes.length);
    new Uint8Array(memory.buffer).set(bytes, address);
    new Uint32Array(memory.buffer, at, 2).set([address, bytes.length]);
    at += 8;
  };
  const lowerBank = ({ id, name, country, currency }: Bank): void =>
    [id, name, country, currency].forEach(lower);
  lower(transaction.id);
  lowerBank(transaction.origin);
  lowerBank(transaction.destination);
  lower(transaction.amount.name);
  lower(transaction.amount.symbol);
  new BigInt64Array(memory.buffer, at, 1).set([transaction.amount.amount]);
  at += 8;
  lower(transaction.status);
  return { validate, record };
}
