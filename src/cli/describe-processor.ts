// Processors' records as people read them. Digests of API keys are left out: nobody needs one, and nobody who sees one
// should wonder whether it is the key.

import type { ProcessorRecord } from '../artifact/processor.ts';
import type { KeyChange } from '../publisher/processors/change-keys.ts';
import type { Recorded } from '../publisher/processors/next-record.ts';
import type { RecordRenewal } from '../publisher/processors/renew-record.ts';
import { formatTime } from './describe-release.ts';
import { printJson, printResult } from './terminal.ts';

/** What gateways do from now on. */
export function describeProcessor(record: ProcessorRecord): string[] {
  const { processor, number, name, notAfterS, banks, tier, apiKeys, publicKeys } = record;
  const keys = [
    ...apiKeys.map((key) => describeKey('API key', key)),
    ...publicKeys.map((key) => describeKey('public key', key)),
  ];
  return [
    `record     ${number} of ${processor}, valid until ${formatTime(notAfterS)}`,
    `name       ${name}`,
    `banks      ${banks === 'all' ? 'all' : banks.join(', ') || 'none'}`,
    `tier       ${tier}`,
    ...(keys.length === 0 ? ['keys       none: it is shut out'] : keys),
  ];
}

interface Key {
  readonly id: string;
  readonly createdS: number;
  readonly notAfterS?: number;
}

function describeKey(kind: string, { id, createdS, notAfterS }: Key): string {
  const end = notAfterS === undefined ? '' : `, ends ${formatTime(notAfterS)}`;
  return `${kind.padEnd(11)}${id}  of ${formatTime(createdS)}${end}`;
}

/** The record as JSON shows it. */
export function processorToJson({ apiKeys, ...rest }: ProcessorRecord): object {
  return { ...rest, apiKeys: apiKeys.map(({ id, createdS, notAfterS }) => ({ id, createdS, notAfterS })) };
}

/** Prints a record that an action made, and a new key, once; gives the exit code. */
export function printRecorded(asJson: boolean, action: string, change: KeyChange): number {
  const { record, previous, passedOver, apiKey } = change;
  if (asJson) {
    printJson({
      [action]: true,
      record: processorToJson(record),
      previous: previous?.number ?? null,
      passedOver: passedOver?.number ?? null,
      ...(apiKey !== undefined && { apiKey: apiKey.text, apiKeyId: apiKey.entry.id }),
    });
    return 0;
  }
  const lines = [
    ...describeProcessor(record),
    ...(previous === undefined ? [] : ['note       gateways take it within 30 seconds']),
    ...describePassedOver(change),
    ...(apiKey === undefined ? [] : ['', 'The new API key, shown only now:', apiKey.text]),
  ];
  printResult(lines.join('\n'));
  return 0;
}

function describePassedOver({ record, passedOver, previous }: Recorded): string[] {
  if (passedOver === undefined) return [];
  return [
    `note       record ${passedOver.number} was current, and ${previous?.number} is signed: a publisher did not finish, or`,
    `           someone put the older one back. To end that: WASMPAY_MINIMUM_PROCESSORS=${record.processor}=${record.number}`,
  ];
}

/** One line for `wasmpay renew --all`. */
export function describeRenewal(renewal: RecordRenewal): string {
  const { number, notAfterS } = recordOf(renewal);
  const what = renewal.kind === 'renewed' ? 'renewed as record' : 'not due: record';
  return `${what} ${number}, valid until ${formatTime(notAfterS)}`;
}

export function recordOf(renewal: RecordRenewal): ProcessorRecord {
  return renewal.kind === 'renewed' ? renewal.recorded.record : renewal.record;
}
