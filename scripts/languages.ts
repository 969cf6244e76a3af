// Builds every example whose toolchain npm does not bring and is there, compares it with the component that is committed
// beside it, and runs the tests of its language. The same toolchain must give the same bytes; another one the same answers to
// every case, on the production sandbox. --write commits what was built instead: component.wasm and component.json.
// Exits with 1 where something differs, with 2 where no toolchain is there.
// Run from anywhere: node scripts/languages.ts [--write] [halden-rust]…, or with --lang python for one language alone.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildValidator, readDescriptor, type BuiltValidator } from '../src/authoring/build-validator.ts';
import { parseCases } from '../src/authoring/cases.ts';
import { readCommitted, writeCommitted } from '../src/authoring/committed.ts';
import { findBubblewrap, UNCONFINED } from '../src/authoring/confine.ts';
import type { Language } from '../src/authoring/languages/language.ts';
import { findLanguage, LANGUAGES } from '../src/authoring/languages/registry.ts';
import { testComponent } from '../src/cli/author/run-cases.ts';
import { WasmpayError } from '../src/core/error.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples/validators');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false }, lang: { type: 'string' } },
});
const asked = values.lang === undefined ? LANGUAGES : [findLanguage(values.lang)];
const out = await mkdtemp(join(tmpdir(), 'wasmpay-languages-'));
const present: Language[] = [];
let failed = false;

if ((await findBubblewrap()) === undefined) console.log(`note: ${UNCONFINED}`);
try {
  for (const language of asked.filter(isCompiledHere)) {
    try {
      console.log(`${language.title}: ${(await language.findToolchain()).join(', ')}`);
      present.push(language);
    } catch (error) {
      if (!(error instanceof WasmpayError) || error.code !== 'toolchain_missing') throw error;
      console.log(`${language.title}: skipped, ${error.message}`);
    }
  }
  for (const name of (await readdir(EXAMPLES)).sort()) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const { language } = await readDescriptor(join(EXAMPLES, name));
    if (present.includes(language)) await check(name);
  }
} finally {
  await rm(out, { recursive: true, force: true });
}
// Each language's attacks and templates; some of them ask for bubblewrap, and say so where it is not there.
for (const { name } of positionals.length > 0 || values.write ? [] : present) {
  const file = `test/languages/${name}.toolchain.ts`;
  if (!existsSync(join(ROOT, file))) continue;
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', 'vitest.languages.config.ts', file];
  if (spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }).status !== 0) failed = true;
}
process.exitCode = failed ? 1 : present.length === 0 ? 2 : 0;

/** Whether npm does not bring its toolchain. */
function isCompiledHere({ bindings, isBuiltWhereInstalled }: Language): boolean {
  return bindings !== undefined || isBuiltWhereInstalled === true;
}

async function check(name: string): Promise<void> {
  const directory = join(EXAMPLES, name);
  const say = (what: string): void => console.log(`  ${name}: ${what}`);
  const fail = (what: string): void => {
    failed = true;
    say(`FAILED, ${what}`);
  };
  const { language } = await readDescriptor(directory);
  let built: BuiltValidator;
  try {
    built = await buildValidator({ directory, outDirectory: out });
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    return fail(error.message);
  }
  const problem = await judge(directory, built);
  if (problem !== undefined) return fail(problem);
  const seconds = (built.durationMs / 1000).toFixed(1);
  say(`built in ${seconds} s, ${built.component.byteLength.toLocaleString('en')} bytes, every case passed`);
  // Nothing is committed to compare it with: its cases are what it is held to.
  if (language.isBuiltWhereInstalled === true) return;
  if (values.write) {
    await writeCommitted(directory, built);
    return say('component.wasm and component.json written');
  }
  const committed = await readCommitted(directory);
  if (committed === undefined) return fail('no component is committed: run this with --write');
  if (committed.stale !== undefined) return fail(`${committed.stale}: run this with --write`);
  if (Buffer.compare(built.component, committed.component) === 0)
    return say('the same bytes as the committed component');
  if (JSON.stringify(built.toolchain) === JSON.stringify(committed.record.toolchain))
    return fail('other bytes than the committed component, of the same toolchain');
  // Both passed every case: `npm test` runs those of the committed one.
  return say(`other bytes than the committed component, which ${committed.record.toolchain.join(', ')} made`);
}

/** What is wrong with a component, by its cases on the production sandbox; undefined where nothing is. */
async function judge(
  directory: string,
  { component, descriptor }: BuiltValidator,
): Promise<string | undefined> {
  const cases = parseCases(await readFile(join(directory, 'cases.json'), 'utf8'), 'cases.json');
  const limits = descriptor.language.limits ?? {};
  const { refusals, cases: judged } = await testComponent(
    { component, policy: DEFAULT_POLICY, limits },
    cases,
  );
  const [refusal] = refusals;
  if (refusal !== undefined) return `refused: ${refusal.message}`;
  const wrong = judged.filter(({ passed }) => !passed);
  if (wrong.length === 0) return undefined;
  return `cases without the expected answer: ${wrong.map(({ name }) => name).join(', ')}`;
}
