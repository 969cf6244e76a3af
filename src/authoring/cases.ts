// cases.json: transactions, and what a validator must answer. Written by its author, so every fault is told at once, with
// its place, what it is and what to do. The form is that of schemas/cases.schema.json; transactions are read by the
// gateway's own parser, so that what passes here is what the gateway would let through.

import type { Denial } from '../core/decision.ts';
import { faultOfDenial } from '../core/denial.ts';
import { WasmpayError } from '../core/error.ts';
import { JsonNumber, parseJson, toPointer, type JsonObject, type JsonValue } from '../core/json.ts';
import { parseTransaction } from '../core/parse-transaction.ts';
import { TRANSACTION_RULES, type MemberRules, type ObjectRule } from '../core/transaction-rules.ts';
import type { Transaction } from '../core/transaction.ts';
import { locatePointer } from './json-place.ts';

/** One case. */
export interface Case {
  /** Unique in its file. */
  readonly name: string;
  readonly expect: 'approve' | 'deny';
  /** What a denial must say, where the case tells; an empty message is that there is none. */
  readonly reason?: Denial;
  /** What the validator's clock reads, milliseconds since the Unix epoch. */
  readonly evaluatedAtMs: number;
  readonly mostFuel?: number;
  readonly transaction: Transaction;
}

/** The clock of a case that names none: the one of the publisher's trial. */
export const DEFAULT_EVALUATED_AT_MS = Date.UTC(2026, 0, 1, 12);

/** Most cases in a file: with 16 KiB of output each, their results fit into what a confined process may answer. */
export const MAX_CASES = 2_000;

/** One fault of the file. Line and column are from 1. */
export interface CasesFault {
  /** RFC 6901. */
  readonly pointer: string;
  readonly line: number;
  readonly column: number;
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

/** What is thrown for a faulty file: `cases_invalid`, with every fault. */
export class CasesError extends WasmpayError {
  readonly faults: readonly CasesFault[];

  constructor(file: string, faults: readonly CasesFault[]) {
    const lines = faults.map(
      ({ line, column, pointer, message }) =>
        `${file}:${line}:${column}: ${pointer === '' ? '' : `${pointer}: `}${message}`,
    );
    super('cases_invalid', `the cases cannot be used:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

/** Reads the text of a cases.json; `file` is its name in messages. Throws {@link CasesError}. */
export function parseCases(text: string, file: string): Case[] {
  const json = parseJson(text);
  if (!json.ok) {
    const { message, line, column, pointer = '' } = json.fault;
    throw new CasesError(file, [{ pointer, line, column, message: `no JSON: ${message}` }]);
  }
  const faults: { pointer: string; message: string }[] = [];
  const reader = new CasesReader(faults);
  const cases = reader.readFile(json.value);
  if (faults.length === 0) return cases;
  throw new CasesError(
    file,
    faults.map((fault) => ({ ...fault, ...locatePointer(text, fault.pointer) })),
  );
}

const FILE_MEMBERS = ['$schema', 'cases'];
const CASE_MEMBERS = ['name', 'expect', 'reason', 'evaluated_at', 'most_fuel', 'transaction'];
const REASON_MEMBERS = ['code', 'message'];
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/;

class CasesReader {
  private readonly faults: { pointer: string; message: string }[];
  private readonly names = new Map<string, number>();

  constructor(faults: { pointer: string; message: string }[]) {
    this.faults = faults;
  }

  readFile(value: JsonValue): Case[] {
    if (!isObject(value)) {
      this.fail([], 'must be an object, { "cases": [ … ] }');
      return [];
    }
    this.refuseOthers(value, [], FILE_MEMBERS);
    const cases = value.get('cases');
    if (!Array.isArray(cases)) {
      this.fail(cases === undefined ? [] : ['cases'], 'must have "cases", a list of cases');
      return [];
    }
    if (cases.length === 0) this.fail(['cases'], 'has no case: add one, so that there is something to test');
    if (cases.length > MAX_CASES)
      this.fail(
        ['cases'],
        `has ${cases.length} cases, more than ${MAX_CASES}: split the file, and use --cases`,
      );
    return (cases as JsonValue[])
      .slice(0, MAX_CASES)
      .flatMap((item, index) => this.readCase(item, index) ?? []);
  }

  private readCase(value: JsonValue, index: number): Case | undefined {
    const at = ['cases', String(index)];
    if (!isObject(value)) return this.fail(at, 'must be an object with "name", "expect" and "transaction"');
    const before = this.faults.length;
    this.refuseOthers(value, at, CASE_MEMBERS);
    const name = this.readName(value, at, index);
    const expect = value.get('expect');
    if (expect !== 'approve' && expect !== 'deny')
      this.fail([...at, 'expect'], 'must be "approve" or "deny": the validator\'s own answer', value);
    const reason = this.readReason(value, at, expect);
    const evaluatedAtMs = this.readTime(value, at);
    const mostFuel = this.readMostFuel(value, at);
    const transaction = this.readTransaction(value, at);
    if (this.faults.length > before || transaction === undefined) return undefined;
    return {
      name,
      expect: expect as Case['expect'],
      ...(reason !== undefined && { reason }),
      evaluatedAtMs,
      ...(mostFuel !== undefined && { mostFuel }),
      transaction,
    };
  }

  private readName(value: JsonObject, at: string[], index: number): string {
    const name = value.get('name');
    if (typeof name !== 'string' || name === '') {
      this.fail([...at, 'name'], 'must be a text: what the case shows', value);
      return '';
    }
    const first = this.names.get(name);
    if (first !== undefined)
      this.fail([...at, 'name'], `is also the name of case ${first}: give each case a name of its own`);
    else this.names.set(name, index);
    return name;
  }

  private readReason(value: JsonObject, parent: string[], expect: JsonValue | undefined): Denial | undefined {
    const reason = value.get('reason');
    if (reason === undefined) return undefined;
    const at = [...parent, 'reason'];
    if (expect === 'approve') this.fail(at, 'goes with "expect": "deny" only: an approval has no reason');
    if (!isObject(reason))
      return this.fail(at, 'must be an object with "code" and, if it matters, "message"');
    this.refuseOthers(reason, at, REASON_MEMBERS);
    const code = reason.get('code');
    const message = reason.get('message');
    if (typeof code !== 'string') return this.fail([...at, 'code'], 'must be a text, such as "AM02"', reason);
    if (message !== undefined && typeof message !== 'string')
      return this.fail([...at, 'message'], 'must be a text');
    const fault = faultOfDenial(code, message ?? '');
    if (fault !== undefined) return this.fail(at, `no validator can answer it: ${fault}`);
    return message === undefined ? { code } : { code, message };
  }

  private readTime(value: JsonObject, at: string[]): number {
    const text = value.get('evaluated_at');
    if (text === undefined) return DEFAULT_EVALUATED_AT_MS;
    const time = typeof text === 'string' && TIME.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(time)) return time;
    this.fail([...at, 'evaluated_at'], 'must be a time in UTC, such as "2026-01-01T12:00:00Z"');
    return DEFAULT_EVALUATED_AT_MS;
  }

  private readMostFuel(value: JsonObject, at: string[]): number | undefined {
    const number = value.get('most_fuel');
    if (number === undefined) return undefined;
    const fuel = number instanceof JsonNumber && /^\d{1,15}$/.test(number.source) ? Number(number.source) : 0;
    if (fuel >= 1) return fuel;
    return this.fail([...at, 'most_fuel'], 'must be a whole number from 1');
  }

  private readTransaction(value: JsonObject, parent: string[]): Transaction | undefined {
    const transaction = value.get('transaction');
    const at = [...parent, 'transaction'];
    if (transaction === undefined) return this.fail(at, 'is required: what POST /v1/validate takes', value);
    this.refuseUnknownMembers(transaction, at, TRANSACTION_RULES);
    const parsed = parseTransaction(transaction);
    if (parsed.ok) return parsed.transaction;
    for (const { pointer, message } of parsed.faults)
      this.faults.push({ pointer: toPointer(at) + pointer, message });
    return undefined;
  }

  /** A gateway ignores members that it does not know; in a case they are slips of the pen. */
  private refuseUnknownMembers(value: JsonValue, at: string[], rule: ObjectRule<MemberRules>): void {
    if (!isObject(value)) return;
    this.refuseOthers(value, at, Object.keys(rule.members));
    for (const [name, member] of Object.entries(rule.members)) {
      const inner = value.get(name);
      if (member.kind === 'object' && inner !== undefined)
        this.refuseUnknownMembers(inner, [...at, name], member);
    }
  }

  private refuseOthers(value: JsonObject, at: readonly string[], known: readonly string[]): void {
    for (const name of value.keys())
      if (!known.includes(name))
        this.fail([...at, name], `is no member that belongs here: ${known.join(', ')}`);
  }

  /** Notes a fault; where the member is missing from `parent`, at the parent's place, with the member's name. */
  private fail(at: readonly string[], message: string, parent?: JsonObject): undefined {
    const name = at.at(-1) ?? '';
    const pointer = toPointer(at);
    this.faults.push({
      pointer,
      message: parent !== undefined && !parent.has(name) ? `is missing; it ${message}` : message,
    });
    return undefined;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}
