// A test report as JUnit XML, the form that continuous integration reads: one suite, one testcase for each case.

import type { JudgedCase } from './judge-cases.ts';
import type { TestReport } from './run-cases.ts';

/** The file's text. `name` is the validator's. */
export function writeJunit(name: string, { cases, refusals }: TestReport, durationMs: number): string {
  const failures = cases.filter(({ passed }) => !passed).length;
  const counts = `tests="${cases.length + 1}" failures="${failures}" errors="${refusals.length > 0 ? 1 : 0}"`;
  const time = `time="${(durationMs / 1000).toFixed(3)}"`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} ${time}>`,
    `  <testsuite name="${escapeXml(name)}" ${counts} ${time}>`,
    // That it could be published is a test like the others: a report without one would pass in silence.
    `    <testcase classname="${escapeXml(name)}" name="the publisher takes the component">`,
    ...refusals.map(
      ({ code, message, where, fix }) =>
        `      <error type="${escapeXml(code)}" message="${escapeXml(message)}">${escapeXml(`${where}\n${fix}`)}</error>`,
    ),
    '    </testcase>',
    ...cases.flatMap((judged) => writeCase(name, judged)),
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function writeCase(
  suite: string,
  { name, passed, failure, fuel, memoryBytes, differences, output }: JudgedCase,
): string[] {
  const difference = differences.map(
    ({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`,
  );
  return [
    `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(name)}">`,
    '      <properties>',
    `        <property name="fuel" value="${fuel}"/>`,
    `        <property name="memory_bytes" value="${memoryBytes}"/>`,
    '      </properties>',
    ...(passed
      ? []
      : [
          `      <failure type="${failure?.code ?? 'wrong_answer'}" message="${escapeXml(difference[0] ?? '')}">${escapeXml(difference.join('\n'))}</failure>`,
        ]),
    ...(output === '' ? [] : [`      <system-out>${escapeXml(output)}</system-out>`]),
    '    </testcase>',
  ];
}

/** What XML 1.0 has no way to write. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(IMPOSSIBLE, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;');
}
