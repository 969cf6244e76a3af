// From a batch's text to its items: a JSON array, or one JSON text a line. An array is one text, so a fault in it is the
// whole batch's; each line is a text of its own, and so are its faults. Both are read an item at a time, with a breath
// now and then: the text was chosen by somebody else.

import { createJsonItems, parseJson, type JsonFault } from '../../core/json.ts';
import { MAX_BATCH_BANKS, MAX_BATCH_ITEMS, MAX_BODY_BYTES } from '../../core/limits.ts';
import type { Transaction } from '../../core/transaction.ts';
import type { Breathe } from '../breathe.ts';
import { placesOf, type Chain, type Place } from '../chain.ts';
import type { Problem } from '../problem.ts';
import type { Received } from '../reception.ts';
import { checkTransaction, describeMalformed, type ReadTransaction } from '../read-transaction.ts';

/** One item: what is asked of whom, or what is wrong with it. */
export type BatchItem =
  | { readonly ok: true; readonly transaction: Transaction; readonly places: readonly Place[] }
  | { readonly ok: false; readonly problem: Problem };

export type ReadBatch =
  | { readonly ok: true; readonly items: readonly BatchItem[] }
  /** Of the whole batch: nothing of it is asked. */
  | { readonly ok: false; readonly problem: Problem };

/** Characters that are read between two breaths: some two milliseconds' worth. */
const BREATH_LENGTH = 64 * 1024;

/**
 * Reads a batch. Problems of the whole: `malformed_json`, `body_too_large` (an item), `invalid_batch` (no array, no item,
 * too many items, too many banks). Those of items are as those of single requests.
 */
export async function readBatch(
  received: Received,
  chain: Chain | undefined,
  breathe: Breathe,
): Promise<ReadBatch> {
  const { text, bank, caller, mediaType } = received;
  const check = (json: Parameters<typeof checkTransaction>[0]): BatchItem =>
    locate(checkTransaction(json, bank, caller, chain), chain);
  const next = mediaType === 'application/json' ? readArray(text, check) : readLines(text, check);
  const items: BatchItem[] = [];
  const banks = new Set<string>();
  let breathAt = BREATH_LENGTH;
  for (;;) {
    const read = next();
    if (read.kind === 'end') break;
    if (read.kind === 'problem') return { ok: false, problem: read.problem };
    if (items.length === MAX_BATCH_ITEMS) return refuse(`more than ${MAX_BATCH_ITEMS} transactions`);
    items.push(read.item);
    if (read.item.ok) for (const place of read.item.places) banks.add(place.bank);
    if (banks.size > MAX_BATCH_BANKS) return refuse(`asks more than ${MAX_BATCH_BANKS} banks`);
    if (read.at < breathAt) continue;
    breathAt = read.at + BREATH_LENGTH;
    await breathe();
  }
  return items.length === 0 ? refuse('no transaction') : { ok: true, items };
}

type Next =
  | { readonly kind: 'item'; readonly item: BatchItem; /** How far the text is read. */ readonly at: number }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'end' };

type Check = (json: Parameters<typeof checkTransaction>[0]) => BatchItem;

function readArray(text: string, check: Check): () => Next {
  const readItem = createJsonItems(text, MAX_BODY_BYTES);
  return () => {
    const read = readItem();
    if (read.kind === 'item') return { kind: 'item', item: check(read.value), at: read.at };
    if (read.kind === 'end') return read;
    if (read.kind === 'fault') return { kind: 'problem', problem: describeMalformed(read.fault) };
    return { kind: 'problem', problem: read.kind === 'too_long' ? TOO_LONG : NO_ARRAY };
  };
}

function readLines(text: string, check: Check): () => Next {
  let at = 0;
  return () => {
    // Empty lines are none: the last line may end as the others do.
    while (isSpace(text.charCodeAt(at))) at += 1;
    if (at >= text.length) return { kind: 'end' };
    const feed = text.indexOf('\n', at);
    const end = feed === -1 ? text.length : feed;
    const line = text.slice(at, end);
    at = end;
    if (line.length > MAX_BODY_BYTES) return { kind: 'item', item: { ok: false, problem: TOO_LONG }, at };
    const json = parseJson(line);
    const item = json.ok ? check(json.value) : describeLine(json.fault);
    return { kind: 'item', item, at };
  };
}

function describeLine(fault: JsonFault): BatchItem {
  return { ok: false, problem: describeMalformed(fault) };
}

/** JSON's white space. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

const NO_ARRAY: Problem = { code: 'invalid_batch', details: { detail: 'no JSON array' } };

const TOO_LONG: Problem = {
  code: 'body_too_large',
  details: { detail: `a transaction is longer than ${MAX_BODY_BYTES} characters` },
};

function locate(read: ReadTransaction, chain: Chain | undefined): BatchItem {
  if (!read.ok) return read;
  const { transaction, destination } = read;
  const places: readonly Place[] | undefined =
    chain === undefined
      ? [{ stage: 'destination', bank: destination }]
      : placesOf(chain, destination, transaction);
  // Whose origin can be no bank's was refused above.
  return places === undefined
    ? { ok: false, problem: { code: 'unknown_bank' } }
    : { ok: true, transaction, places };
}

function refuse(detail: string): ReadBatch {
  return { ok: false, problem: { code: 'invalid_batch', details: { detail } } };
}
