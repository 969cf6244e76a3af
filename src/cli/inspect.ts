// `wasmpay inspect FILE`: what a component imports and exports, and whether it would be published.

import { inspectComponent, type Inspection } from '../publisher/inspect.ts';
import { applyPolicy, tierOf, type Policy, type PolicyDecision } from '../publisher/policy.ts';
import type { Refusal, Result } from '../publisher/refusal.ts';
import { parseOptions, readComponentFile, readPolicy } from './options.ts';
import { describeRefusals, formatBytes, formatCount, printJson, printResult } from './terminal.ts';

const USAGE = `wasmpay inspect FILE [--json] [--strict] [--policy FILE]
  Prints a component's imports and exports as WIT, each import's tier, its toolchain and its sizes, and whether it
  would be published. Exits with 1 where it would not.`;

/** The command for main.ts. */
export const inspectCommand = { usage: USAGE, run: runInspect };

async function runInspect(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['FILE'], {
    json: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
  });
  const [file] = parsed.arguments;
  const policy = await readPolicy(parsed.options['policy'] as string | undefined);
  const component = await readComponentFile(String(file));
  const inspected = await inspectComponent(component);
  const decided = inspected.ok
    ? applyPolicy(inspected.value, policy, { strict: parsed.options['strict'] === true })
    : inspected;
  if (parsed.options['json'] === true) printJson(toJson(inspected, decided, policy));
  else printResult(toText(inspected, decided, policy));
  return decided.ok ? 0 : 1;
}

function toJson(inspected: Result<Inspection>, decided: Result<PolicyDecision>, policy: Policy): object {
  const refusals: readonly Refusal[] = decided.ok ? [] : decided.refusals;
  if (!inspected.ok) return { publishable: false, refusals };
  const { digest, sizeBytes, wit, exports, coreModules, producers, toolchain } = inspected.value;
  return {
    publishable: decided.ok,
    refusals,
    digest,
    sizeBytes,
    toolchain,
    producers,
    imports: inspected.value.imports.map((entry) => ({ ...entry, tier: tierOf(entry, policy) })),
    exports,
    coreModules,
    wit,
  };
}

function toText(inspected: Result<Inspection>, decided: Result<PolicyDecision>, policy: Policy): string {
  const verdict = decided.ok ? 'publishable' : describeRefusals(decided.refusals);
  if (!inspected.ok) return verdict;
  const { digest, sizeBytes, wit, exports, coreModules, toolchain } = inspected.value;
  const imports = inspected.value.imports.map((entry) => {
    const name = entry.version === '' ? entry.interface : `${entry.interface}@${entry.version}`;
    return `  ${tierOf(entry, policy).padEnd(8)} ${name}`;
  });
  return [
    wit.trimEnd(),
    '',
    `digest     ${digest}`,
    `size       ${formatBytes(sizeBytes)} in ${formatCount(coreModules.length, 'core module')}`,
    `toolchain  ${toolchain}`,
    `imports    ${imports.length === 0 ? 'none' : ''}`.trimEnd(),
    ...imports,
    `exports`,
    ...exports.map((name) => `  ${name}`),
    '',
    verdict,
  ].join('\n');
}
