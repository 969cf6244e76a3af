// `wasmpay processors list` and `wasmpay processors show`: who may ask, as the bucket has it, and what of it can be
// believed.

import type { ProcessorRecord } from '../artifact/processor.ts';
import { isSlug } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { unknownProcessor } from '../publisher/processors/next-record.ts';
import { listProcessors, readProcessorStanding } from '../publisher/processors/read-record.ts';
import type { ReleaseSource } from '../publisher/releases/read-release.ts';
import { describeProcessor, processorToJson } from './describe-processor.ts';
import { formatTime, printRefused } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { openSource, SOURCE_OPTIONS } from './target.ts';
import { printJson, printResult } from './terminal.ts';

/** Lists all processors; gives 3 where a record is not to be believed. */
export async function runList(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, [], SOURCE_OPTIONS);
  const source = await openSource(options);
  const entries = [];
  for (const processor of await listProcessors(source.store))
    entries.push(await readEntry(source, processor));
  if (options['json'] === true) {
    printJson({
      processors: entries.map(({ record, ...entry }) =>
        record === undefined ? entry : { ...entry, record: processorToJson(record) },
      ),
    });
  } else printResult(entries.length === 0 ? 'no processors' : entries.map(describeEntry).join('\n'));
  return entries.some(({ problem }) => problem !== undefined) ? 3 : 0;
}

/** Prints one processor's current record in full. */
export async function runShow(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['PROCESSOR'], SOURCE_OPTIONS);
  const asJson = parsed.options['json'] === true;
  const processor = parseProcessor(String(parsed.arguments[0]));
  const { current, newest } = await readProcessorStanding(await openSource(parsed.options), processor);
  if (newest === undefined) {
    const unknown = unknownProcessor(processor);
    return unknown.ok ? 0 : printRefused(asJson, 'found', unknown.refusals);
  }
  const record = current?.record ?? newest;
  const isOvertaken = current?.record.number !== newest.number;
  if (asJson) {
    printJson({ ...processorToJson(record), current: current !== undefined, newest: newest.number });
    return 0;
  }
  const lines = [
    ...describeProcessor(record),
    `audience   ${record.audience}`,
    `valid from ${formatTime(record.notBeforeS)}`,
    `signed by  ${record.keyId}`,
    ...(isOvertaken
      ? [
          `note       record ${newest.number} is signed: a publisher did not finish, or someone put an older one back`,
        ]
      : []),
  ];
  printResult(lines.join('\n'));
  return 0;
}

interface Entry {
  readonly processor: string;
  readonly record?: ProcessorRecord;
  /** Why there is no record to be believed. */
  readonly problem?: string;
}

async function readEntry(source: ReleaseSource, processor: string): Promise<Entry> {
  try {
    const { current } = await readProcessorStanding(source, processor);
    return current === undefined
      ? { processor, problem: 'no record is current' }
      : { processor, record: current.record };
  } catch (error) {
    if (error instanceof WasmpayError && error.code === 'processor_invalid')
      return { processor, problem: error.message };
    throw error;
  }
}

function describeEntry({ processor, record, problem }: Entry): string {
  const title = processor.padEnd(24);
  if (record === undefined) return `${title} NOT BELIEVED: ${problem}`;
  const { number, apiKeys, publicKeys, banks, tier, notAfterS } = record;
  const about = banks === 'all' ? 'all banks' : `${banks.length} banks`;
  const keys = `${apiKeys.length} API keys, ${publicKeys.length} public keys`;
  return `${title} record ${number}, ${about}, tier ${tier}, ${keys}, valid until ${formatTime(notAfterS)}`;
}

/** The processor that a command names. Throws `usage`. */
export function parseProcessor(text: string): string {
  if (isSlug(text)) return text;
  throw new WasmpayError(
    'usage',
    `${JSON.stringify(text)} is no processor id: lower-case letters, digits and "-", at most 63`,
  );
}
