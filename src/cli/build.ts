// `wasmpay build [DIR]`: a component from a validator's folder, and what the publisher will think of it.

import { inspectComponent, type Inspection } from '../publisher/inspect.ts';
import { applyPolicy, tierOf, type Policy, type PolicyDecision } from '../publisher/policy.ts';
import type { Result } from '../publisher/refusal.ts';
import { openAuthorMemory } from './author/author-memory.ts';
import { openSubject, shownPath, type Subject } from './author/subject.ts';
import { printLines, printProgressLines, type Line } from './colour.ts';
import { quoteWord } from './next-command.ts';
import { parseOptions, readPolicy } from './options.ts';
import { describeRefusals, formatBytes, formatCount, printJson } from './terminal.ts';
import { WasmpayError } from '../core/error.ts';

const USAGE = `wasmpay build [DIR] [--out DIR] [--strict] [--policy FILE] [--json]
  Builds the validator in DIR, the working directory unless told, to build/NAME.wasm there, or below --out; what did not
  change is not built again. Shows size, imports and toolchain. Exits with 1 where the source does not compile, or the
  component would not be published.`;

/** The command for main.ts. */
export const buildCommand = { usage: USAGE, run: runBuild };

async function runBuild(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['[DIR]'], {
    out: { type: 'string' },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const asJson = options['json'] === true;
  const policy = await readPolicy(options['policy'] as string | undefined);
  const directory = positionals[0];
  const subject = await openSubject(directory, {
    out: options['out'] as string | undefined,
    quiet: asJson,
  });
  if (subject.built === undefined)
    throw new WasmpayError(
      'usage',
      `${directory} is a file; look at a component with "wasmpay inspect FILE"`,
    );
  const { tools } = await openAuthorMemory();
  const inspected = await inspectComponent(subject.component, tools);
  const decided = inspected.ok
    ? applyPolicy(inspected.value, policy, { strict: options['strict'] === true })
    : inspected;
  if (asJson) printJson(toJson(subject, inspected, decided, policy));
  else {
    printLines(describeBuild(subject, inspected, policy));
    if (!decided.ok) printProgressLines(['', ...describeRefusals(decided.refusals).split('\n')]);
    else {
      const argument = directory === undefined ? '' : ` ${quoteWord(directory)}`;
      printLines([['next       ', ['bold', `wasmpay test${argument}`]]]);
    }
  }
  return decided.ok ? 0 : 1;
}

function toJson(
  { name, built, component, componentPath }: Subject,
  inspected: Result<Inspection>,
  decided: Result<PolicyDecision>,
  policy: Policy,
): object {
  return {
    built: built?.built,
    name,
    bank: built?.bank,
    language: built?.descriptor.language.name,
    contract: built?.descriptor.contract,
    component: componentPath,
    sizeBytes: component.byteLength,
    durationMs: Math.round(built?.durationMs ?? 0),
    compilers: built?.toolchain,
    log: built?.log,
    publishable: decided.ok,
    refusals: decided.ok ? [] : decided.refusals,
    ...(inspected.ok && {
      digest: inspected.value.digest,
      toolchain: inspected.value.toolchain,
      coreModules: inspected.value.coreModules.length,
      imports: inspected.value.imports.map((entry) => ({ ...entry, tier: tierOf(entry, policy) })),
    }),
  };
}

function describeBuild(
  { name, built, component, componentPath }: Subject,
  inspected: Result<Inspection>,
  policy: Policy,
): Line[] {
  if (built === undefined) return [];
  const { descriptor, toolchain, durationMs, log } = built;
  const what = `${name} (${descriptor.language.title}, ${descriptor.contract})`;
  const lines: Line[] = [
    [
      ['green', (built.built ? 'built' : 'unchanged').padEnd(11)],
      built.built ? `${what} in ${(durationMs / 1000).toFixed(1)} s` : what,
    ],
    ...log.map((line) => `           ${line}`),
    `component  ${shownPath(componentPath)}`,
    `compilers  ${toolchain.join(', ')}`,
  ];
  if (!inspected.ok) return [...lines, `size       ${formatBytes(component.byteLength)}`];
  const { digest, sizeBytes, coreModules, imports } = inspected.value;
  const names = imports.map((entry) => {
    const version = entry.version === '' ? '' : `@${entry.version}`;
    return `${tierOf(entry, policy).padEnd(8)} ${entry.interface}${version}`;
  });
  return [
    ...lines,
    `size       ${formatBytes(sizeBytes)} in ${formatCount(coreModules.length, 'core module')}`,
    `digest     ${digest}`,
    ...(names.length === 0 ? ['none'] : names).map(
      (text, index) => `${(index === 0 ? 'imports' : '').padEnd(11)}${text}`,
    ),
  ];
}
