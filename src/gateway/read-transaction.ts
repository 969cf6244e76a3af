// From JSON text to a transaction for one bank that its caller may ask about; or the problem that it has.

import { slugOf } from '../core/bank.ts';
import { parseJson, type JsonFault, type JsonValue } from '../core/json.ts';
import { parseTransaction } from '../core/parse-transaction.ts';
import type { Transaction } from '../core/transaction.ts';
import type { Caller } from './authenticate.ts';
import { UNKNOWN_ORIGIN, type Chain } from './chain.ts';
import type { Problem } from './problem.ts';

export type ReadTransaction =
  | { readonly ok: true; readonly transaction: Transaction; readonly destination: string }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads `text`. `bank`: slug of the bank that the request's address names, which the transaction must name too; undefined
 * where there is none. `destination` is the slug of the transaction's own. Problems: `malformed_json`,
 * `invalid_transaction`, `bank_mismatch`, `forbidden`; and `unknown_bank` where the origin is asked, and can be none.
 */
export function readTransaction(
  text: string,
  bank: string | undefined,
  caller: Caller,
  chain: Chain | undefined,
): ReadTransaction {
  const json = parseJson(text);
  if (!json.ok) return refuse(describeMalformed(json.fault));
  return checkTransaction(json.value, bank, caller, chain);
}

/** As {@link readTransaction}, from JSON that was read. */
export function checkTransaction(
  json: JsonValue,
  bank: string | undefined,
  caller: Caller,
  chain: Chain | undefined,
): ReadTransaction {
  const parsed = parseTransaction(json);
  if (!parsed.ok) return refuse({ code: 'invalid_transaction', details: { errors: parsed.faults } });
  const { transaction } = parsed;
  const destination = slugOf(transaction.destination.id);
  if (destination === undefined || (bank !== undefined && bank !== destination)) return refuse(BANK_MISMATCH);
  if (!caller.mayAskAbout(destination)) return refuse({ code: 'forbidden' });
  if (chain?.stages.includes('origin') === true) {
    // Whom it names there, it asks about as well: the answer says what that bank's validator said.
    const origin = slugOf(transaction.origin.id);
    if (origin === undefined) return refuse({ code: 'unknown_bank', details: UNKNOWN_ORIGIN });
    if (!caller.mayAskAbout(origin)) return refuse({ code: 'forbidden' });
  }
  return { ok: true, transaction, destination };
}

const BANK_MISMATCH: Problem = {
  code: 'bank_mismatch',
  details: {
    errors: [
      { pointer: '/destination/id', code: 'bank_mismatch', message: 'names another bank than the address' },
    ],
  },
};

/** A longer pointer is left out: it is made of names that the caller chose, and would only echo them. */
const MAX_POINTER_LENGTH = 256;

export function describeMalformed(fault: JsonFault): Problem {
  const { message, offset, line, column, pointer } = fault;
  const errors =
    pointer === undefined || pointer.length > MAX_POINTER_LENGTH
      ? {}
      : { errors: [{ pointer, code: 'duplicate_member', message }] };
  return { code: 'malformed_json', details: { detail: message, offset, line, column, ...errors } };
}

function refuse(problem: Problem): ReadTransaction {
  return { ok: false, problem };
}
