// How the results of pure stages are kept in files, for memory.ts. What is read is of somebody else's making: it has the form of
// a result, or it is none.

import type { Codec } from './memory.ts';
import type { Metered } from './meter/meter-module.ts';
import type { MeterReport } from './meter/report.ts';
import type { Result } from './refusal.ts';
import type { ShrunkGlue } from './shrink-glue.ts';

/** Glue is judged after it was read, as after it was made. */
export const SHRUNK_GLUE: Codec<Promise<ShrunkGlue>> = {
  encode: ({ glue, inlineModules }) => ({ value: { glue }, blobs: inlineModules }),
  decode({ value, blobs }) {
    const { glue } = fieldsOf(value);
    return typeof glue === 'string' ? Promise.resolve({ glue, inlineModules: blobs }) : undefined;
  },
};

/** Refusals are not kept: they take no time to make. */
export const METERED: Codec<Result<Metered>> = {
  encode: (result) =>
    result.ok ? { value: { report: result.value.report }, blobs: [result.value.bytes] } : undefined,
  decode({ value, blobs }) {
    const { report } = fieldsOf(value);
    const [bytes] = blobs;
    return bytes !== undefined && isReport(report) ? { ok: true, value: { bytes, report } } : undefined;
  },
};

function isReport(value: unknown): value is MeterReport {
  const report = fieldsOf(value);
  const state = fieldsOf(report['state']);
  return (
    hasNumbers(report, COUNTS) &&
    isListOf(report['memories'], (memory) => hasNumbers(memory, ['index', 'initialPages', 'maximumPages'])) &&
    isListOf(report['tables'], (table) =>
      hasNumbers(table, ['index', 'initialElements', 'maximumElements']),
    ) &&
    Array.isArray(state['memories']) &&
    Array.isArray(state['globals']) &&
    typeof report['restorable'] === 'boolean' &&
    Array.isArray(report['unrestorable']) &&
    report['unrestorable'].every((why) => typeof why === 'string')
  );
}

const COUNTS = [
  'costsVersion',
  'inputBytes',
  'outputBytes',
  'functionCount',
  'codeBytes',
  'compileNs',
  'instanceFuel',
];

function isListOf(value: unknown, isItem: (fields: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(fieldsOf(item)));
}

function hasNumbers(fields: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return names.every((name) => Number.isFinite(fields[name]));
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
