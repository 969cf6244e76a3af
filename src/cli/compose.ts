// `wasmpay compose VALIDATOR -o OUT`: a validator plugged into the platform's harness, or another one, and what the publisher
// will think of the whole. Both parts are looked at before wac is given them, and so is what it wrote.

import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { buildHarness, isFolder } from '../authoring/harness.ts';
import { findWac, plugComponents, WAC_VERSION } from '../authoring/wac.ts';
import { WasmpayError } from '../core/error.ts';
import { inspectComponent, type Inspection } from '../publisher/inspect.ts';
import { applyPolicy, type Policy, type PolicyDecision } from '../publisher/policy.ts';
import type { Refusal, Result } from '../publisher/refusal.ts';
import { openSubject, shownPath } from './author/subject.ts';
import { printLines, printProgressLines } from './colour.ts';
import { quoteWord } from './next-command.ts';
import { parseOptions, readComponentFile, readPolicy } from './options.ts';
import { describeRefusals, formatBytes, formatCount, printJson, printProgress } from './terminal.ts';

const USAGE = `wasmpay compose VALIDATOR -o OUT [--harness HARNESS] [--strict] [--policy FILE] [--json]
  Plugs a validator, a component or a folder that is built, into the platform's harness for its contract and writes the
  composed component to OUT (--out OUT), which is tested and published like a plain one. HARNESS is another harness: a
  component that imports and exports validation, or its folder. Needs wac ${WAC_VERSION} of crates.io. Exits with 1 where the
  validator or the whole would not be published; then nothing is written.`;

/** The command for main.ts. */
export const composeCommand = { usage: USAGE, run: runCompose };

/** A component and what the publisher says of it. */
interface Judged {
  readonly inspection: Inspection;
  readonly decision: PolicyDecision;
}

async function runCompose(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['VALIDATOR'], {
    out: { type: 'string', short: 'o' },
    harness: { type: 'string' },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const asJson = options['json'] === true;
  const out = options['out'];
  if (typeof out !== 'string') throw new WasmpayError('usage', 'say where to write the component: -o OUT');
  const strict = options['strict'] === true;
  const policy = await readPolicy(options['policy'] as string | undefined);
  // First of all: without it nothing that takes time is worth while.
  const wac = await findWac(process.env['PATH'] ?? '');
  if (wac.version !== WAC_VERSION)
    printProgress(`wac ${wac.version} is installed; compositions here are tested with ${WAC_VERSION}`);

  const subject = await openSubject(positionals[0], { out: undefined, quiet: asJson });
  const validator = await judge(subject.component, policy, strict);
  if (!validator.ok) return refuse(validator.refusals, asJson);
  const { contract } = validator.value.decision;
  if (!asJson) printProgress(`composing  ${subject.name} (${contract}) …`);
  const harness = await openHarness(contract, options['harness'] as string | undefined);
  const component = await plugComponents(wac, harness, subject.component);
  const composed = await judge(component, policy, strict);
  if (!composed.ok) return refuse(composed.refusals, asJson);

  const path = resolve(out);
  await write(path, component);
  const { inspection, decision } = composed.value;
  if (asJson) {
    printJson({
      refusals: [],
      component: path,
      validator: validator.value.inspection.digest,
      digest: inspection.digest,
      contract: decision.contract,
      sizeBytes: inspection.sizeBytes,
      coreModules: inspection.coreModules.length,
      exports: decision.exports,
      composer: `wac-cli@${wac.version}`,
    });
    return 0;
  }
  const shown = quoteWord(shownPath(path));
  const cases = subject.built === undefined ? 'CASES' : quoteWord(shownPath(subject.casesPath));
  printLines([
    [['green', 'composed   '], `${subject.name} (${decision.contract})`],
    `component  ${shownPath(path)}`,
    `composer   wac-cli@${wac.version}`,
    `size       ${formatBytes(inspection.sizeBytes)} in ${formatCount(inspection.coreModules.length, 'core module')}`,
    `digest     ${inspection.digest}`,
    `exports    ${decision.exports.join('\n           ')}`,
    ['next       ', ['bold', `wasmpay test ${shown} --cases ${cases}`]],
  ]);
  return 0;
}

async function judge(
  component: Uint8Array<ArrayBuffer>,
  policy: Policy,
  strict: boolean,
): Promise<Result<Judged>> {
  const inspected = await inspectComponent(component);
  if (!inspected.ok) return inspected;
  const decided = applyPolicy(inspected.value, policy, { strict });
  if (!decided.ok) return decided;
  return { ok: true, value: { inspection: inspected.value, decision: decided.value } };
}

/** The harness for `contract`: the platform's, that of a folder, or a component. Throws `usage` for one that takes no such. */
async function openHarness(contract: string, harness: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (harness === undefined) return await buildHarness(contract);
  if (await isFolder(harness)) return await buildHarness(contract, resolve(harness));
  const component = await readComponentFile(harness);
  const inspected = await inspectComponent(component);
  if (!inspected.ok)
    throw new WasmpayError('usage', `${harness}: ${inspected.refusals[0]?.message ?? 'refused'}`);
  const wanted = `wasmpay:platform/validation@${contract.split('@')[1]}`;
  if (!inspected.value.imports.some((entry) => `${entry.interface}@${entry.version}` === wanted))
    throw new WasmpayError(
      'usage',
      `${harness} is no harness for this validator: it does not import ${wanted}`,
    );
  return component;
}

function refuse(refusals: readonly Refusal[], asJson: boolean): number {
  if (asJson) printJson({ refusals });
  else printProgressLines(describeRefusals(refusals).split('\n'));
  return 1;
}

/** Readers see the old file or the new one, whole. Throws `usage` where it cannot be written. */
async function write(path: string, component: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, component);
    await rename(temporary, path);
  } catch (cause) {
    throw new WasmpayError('usage', `${path} cannot be written`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}
