// From JSON to a transaction: the only way in which one is made of outside data. It reports every fault at once, and
// never a value: messages and pointers name the contract's own members. Members that the contract does not know are
// let through unread, since processors send records of their own.

import { slugOf } from './bank.ts';
import { JsonNumber, type JsonObject, type JsonValue } from './json.ts';
import { MAX_STRING_BYTES } from './limits.ts';
import {
  TRANSACTION_RULES,
  type AmountRule,
  type BankMembers,
  type MemberRules,
  type ObjectRule,
  type TextRule,
} from './transaction-rules.ts';
import { MAX_AMOUNT, MIN_AMOUNT, type Bank, type Currency, type Transaction } from './transaction.ts';

/** Stable codes of what can be wrong with one member. */
export type TransactionFaultCode = keyof typeof MESSAGES;

export interface TransactionFault {
  /** RFC 6901. */
  readonly pointer: string;
  readonly code: TransactionFaultCode;
  readonly message: string;
}

export type TransactionResult =
  | { readonly ok: true; readonly transaction: Transaction }
  | { readonly ok: false; readonly faults: readonly TransactionFault[] };

const MESSAGES = {
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
} as const;

export const TRANSACTION_FAULT_CODES = Object.keys(MESSAGES) as TransactionFaultCode[];

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
  if (!isObject(value)) return { ok: false, faults: [faultOf(TRANSACTION_RULES.pointer, 'not_an_object')] };
  const id = readText(value, MEMBERS.id, faults);
  const origin = readBank(value, MEMBERS.origin, faults);
  const destination = readBank(value, MEMBERS.destination, faults);
  const amount = readCurrency(value, faults);
  const status = readText(value, MEMBERS.status, faults);
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, transaction: { id, origin, destination, amount, status } };
}

const MEMBERS = TRANSACTION_RULES.members;

// After a fault these go on with placeholders, which nobody sees: a result with faults holds no transaction.

const NO_BANK: Bank = { id: '', name: '', country: '', currency: '' };
const NO_CURRENCY: Currency = { name: '', symbol: '', amount: 0n };

function readBank(parent: JsonObject, rule: ObjectRule<BankMembers>, faults: TransactionFault[]): Bank {
  const bank = readObject(parent, rule, faults);
  if (bank === undefined) return NO_BANK;
  const { members } = rule;
  const id = readText(bank, members.id, faults);
  const name = readText(bank, members.name, faults);
  const country = readText(bank, members.country, faults);
  const currency = readText(bank, members.currency, faults);
  // After the others, so that faults that say what is missing come first.
  if (members.id.isBankId && id !== '' && slugOf(id) === undefined)
    faults.push(faultOf(members.id.pointer, 'not_a_bank_id'));
  return { id, name, country, currency };
}

function readCurrency(parent: JsonObject, faults: TransactionFault[]): Currency {
  const currency = readObject(parent, MEMBERS.amount, faults);
  if (currency === undefined) return NO_CURRENCY;
  const { name, symbol, amount } = MEMBERS.amount.members;
  return {
    name: readText(currency, name, faults),
    symbol: readText(currency, symbol, faults),
    amount: readAmount(currency, amount, faults),
  };
}

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/** Digits of the longest s64, with its sign: checked before a text is made a number. */
const MAX_INTEGER_LENGTH = String(MIN_AMOUNT).length;

function readAmount(parent: JsonObject, { name, pointer }: AmountRule, faults: TransactionFault[]): bigint {
  const value = parent.get(name);
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
  { name, pointer }: ObjectRule<MemberRules>,
  faults: TransactionFault[],
): JsonObject | undefined {
  const value = parent.get(name);
  if (value !== undefined && isObject(value)) return value;
  faults.push(faultOf(pointer, value === undefined ? 'required' : 'not_an_object'));
  return undefined;
}

/** The text; '' after a fault. */
function readText(parent: JsonObject, rule: TextRule, faults: TransactionFault[]): string {
  const value = parent.get(rule.name);
  let code: TransactionFaultCode;
  if (value === undefined) code = 'required';
  else if (typeof value !== 'string') code = 'not_a_string';
  else if (!value.isWellFormed()) code = 'not_unicode';
  else if (isTooLong(value)) code = 'too_long';
  else if (value === '' && rule.mustNotBeEmpty) code = 'empty';
  else return value;
  faults.push(faultOf(rule.pointer, code));
  return '';
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
