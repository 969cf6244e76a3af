// From JSON to a transaction: the only way in which one is made of outside data. It reports every fault at once, and
// never a value: messages and pointers name the contract's own members. Members that the contract does not know are
// let through unread, since processors send records of their own.

import { slugOf } from './bank.ts';
import { JsonNumber, type JsonObject, type JsonValue } from './json.ts';
import { MAX_STRING_BYTES } from './limits.ts';
import { MAX_AMOUNT, MIN_AMOUNT, type Bank, type Currency, type Transaction } from './transaction.ts';

/** Stable codes of what can be wrong with one member. */
export type TransactionFaultCode =
  | 'required'
  | 'not_an_object'
  | 'not_a_string'
  | 'not_unicode'
  | 'too_long'
  | 'empty'
  | 'not_a_bank_id'
  | 'not_an_integer'
  | 'out_of_range';

export interface TransactionFault {
  /** RFC 6901. */
  readonly pointer: string;
  readonly code: TransactionFaultCode;
  readonly message: string;
}

export type TransactionResult =
  | { readonly ok: true; readonly transaction: Transaction }
  | { readonly ok: false; readonly faults: readonly TransactionFault[] };

const MESSAGES: Record<TransactionFaultCode, string> = {
  required: 'is required',
  not_an_object: 'must be an object',
  not_a_string: 'must be a string',
  not_unicode: 'must be well-formed Unicode: it holds a lone surrogate',
  too_long: `must be at most ${MAX_STRING_BYTES} bytes in UTF-8`,
  empty: 'must not be empty',
  not_a_bank_id: 'must be a bank id: at most 63 letters, digits, and - _ . between them',
  not_an_integer:
    'must be an integer in the minor unit, as a JSON number or a string of digits: no fraction, exponent, plus, leading zero, space or negative zero',
  out_of_range: 'must be from -9223372036854775808 to 9223372036854775807',
};

/**
 * Reads a transaction of contract `wasmpay:platform`. Strings must be well-formed Unicode of at most
 * {@link MAX_STRING_BYTES}; `id` and both banks' ids must not be empty, and `destination.id` must have a slug.
 *
 * `amount.amount` is a JSON integer or the same digits as a string, any s64. It is read from its text and never as a
 * double, so 9007199254740993 arrives as exactly that. What would need a decision is refused instead: `10.0`, `1e3`
 * and `-0`, which no integer is written as.
 */
export function parseTransaction(value: JsonValue): TransactionResult {
  const faults: TransactionFault[] = [];
  if (!isObject(value)) return { ok: false, faults: [faultOf('', 'not_an_object')] };
  const id = readString(value, 'id', '/id', faults);
  requireText(id, '/id', faults);
  const origin = readBank(value, 'origin', '/origin', faults);
  const destination = readBank(value, 'destination', '/destination', faults);
  if (destination.id !== '' && slugOf(destination.id) === undefined) {
    faults.push(faultOf('/destination/id', 'not_a_bank_id'));
  }
  const amount = readCurrency(value, faults);
  const status = readString(value, 'status', '/status', faults);
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, transaction: { id: id ?? '', origin, destination, amount, status: status ?? '' } };
}

// After a fault these go on with placeholders, which nobody sees: a result with faults holds no transaction.

const NO_BANK: Bank = { id: '', name: '', country: '', currency: '' };
const NO_CURRENCY: Currency = { name: '', symbol: '', amount: 0n };

function readBank(parent: JsonObject, name: string, pointer: string, faults: TransactionFault[]): Bank {
  const bank = readObject(parent, name, pointer, faults);
  if (bank === undefined) return NO_BANK;
  const id = readString(bank, 'id', `${pointer}/id`, faults);
  requireText(id, `${pointer}/id`, faults);
  return {
    id: id ?? '',
    name: readString(bank, 'name', `${pointer}/name`, faults) ?? '',
    country: readString(bank, 'country', `${pointer}/country`, faults) ?? '',
    currency: readString(bank, 'currency', `${pointer}/currency`, faults) ?? '',
  };
}

function readCurrency(parent: JsonObject, faults: TransactionFault[]): Currency {
  const currency = readObject(parent, 'amount', '/amount', faults);
  if (currency === undefined) return NO_CURRENCY;
  return {
    name: readString(currency, 'name', '/amount/name', faults) ?? '',
    symbol: readString(currency, 'symbol', '/amount/symbol', faults) ?? '',
    amount: readAmount(currency.get('amount'), '/amount/amount', faults),
  };
}

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/** Digits of the longest s64, with its sign: checked before a text is made a number. */
const MAX_INTEGER_LENGTH = String(MIN_AMOUNT).length;

function readAmount(value: JsonValue | undefined, pointer: string, faults: TransactionFault[]): bigint {
  const source = value instanceof JsonNumber ? value.source : value;
  if (source === undefined) faults.push(faultOf(pointer, 'required'));
  else if (typeof source !== 'string' || !INTEGER.test(source))
    faults.push(faultOf(pointer, 'not_an_integer'));
  else if (source.length > MAX_INTEGER_LENGTH) faults.push(faultOf(pointer, 'out_of_range'));
  else {
    const amount = BigInt(source);
    if (amount >= MIN_AMOUNT && amount <= MAX_AMOUNT) return amount;
    faults.push(faultOf(pointer, 'out_of_range'));
  }
  return 0n;
}

function readObject(
  parent: JsonObject,
  name: string,
  pointer: string,
  faults: TransactionFault[],
): JsonObject | undefined {
  const value = parent.get(name);
  if (value !== undefined && isObject(value)) return value;
  faults.push(faultOf(pointer, value === undefined ? 'required' : 'not_an_object'));
  return undefined;
}

function readString(
  parent: JsonObject,
  name: string,
  pointer: string,
  faults: TransactionFault[],
): string | undefined {
  const value = parent.get(name);
  let code: TransactionFaultCode;
  if (value === undefined) code = 'required';
  else if (typeof value !== 'string') code = 'not_a_string';
  else if (!value.isWellFormed()) code = 'not_unicode';
  else if (isTooLong(value)) code = 'too_long';
  else return value;
  faults.push(faultOf(pointer, code));
  return undefined;
}

function requireText(text: string | undefined, pointer: string, faults: TransactionFault[]): void {
  if (text === '') faults.push(faultOf(pointer, 'empty'));
}

/** Whether well-formed `text` takes more than {@link MAX_STRING_BYTES} in UTF-8. */
function isTooLong(text: string): boolean {
  // A UTF-16 code unit takes 1 to 3 bytes: most strings need no counting.
  if (text.length * 3 <= MAX_STRING_BYTES) return false;
  if (text.length > MAX_STRING_BYTES) return true;
  return new TextEncoder().encode(text).byteLength > MAX_STRING_BYTES;
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

function faultOf(pointer: string, code: TransactionFaultCode): TransactionFault {
  return { pointer, code, message: MESSAGES[code] };
}
