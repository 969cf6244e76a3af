// Builds validators into build/validators, or the folder that --out names, and says what was done. Arguments are names of
// example validators, or paths of other validators' folders: what has a slash in it. Without, all examples are built.
// Run from anywhere: node scripts/build-examples.ts [icamer-assemblyscript | ../my-bank]… [--out DIRECTORY]

import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildValidator } from '../src/authoring/build-validator.ts';
import { WasmpayError } from '../src/core/error.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = join(root, 'examples/validators');
// npm runs scripts in the project's folder, and says here where it was called.
const calledIn = process.env['INIT_CWD'] ?? process.cwd();
const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const outDirectory =
  values.out === undefined ? join(root, 'build/validators') : resolve(calledIn, values.out);
const wanted =
  positionals.length > 0
    ? positionals
    : readdirSync(examples, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();

for (const name of wanted) {
  try {
    const { built, component, componentPath, durationMs, log } = await buildValidator({
      directory: findFolder(name),
      outDirectory,
    });
    const size = `${component.byteLength.toLocaleString('en')} bytes`;
    const place = relative(calledIn, componentPath);
    console.log(`${name}: ${built ? 'built' : 'unchanged'}, ${size}, ${Math.round(durationMs)} ms, ${place}`);
    for (const line of log) console.log(`  ${line}`);
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    // Not everybody has every compiler; who asks for an example by name is told that one is missing.
    if (error.code === 'toolchain_missing' && positionals.length === 0) {
      console.log(`${name}: skipped, ${error.message}`);
      continue;
    }
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}

/** The folder of an example's name or of a path. Throws `usage` where the component would take an example's place. */
function findFolder(argument: string): string {
  if (!argument.includes('/')) return join(examples, argument);
  const folder = resolve(calledIn, argument);
  const isTaken = dirname(folder) !== examples && existsSync(join(examples, basename(folder)));
  if (isTaken && values.out === undefined)
    throw new WasmpayError(
      'usage',
      `an example is called ${basename(folder)}: rename the folder, or give --out`,
    );
  return folder;
}
