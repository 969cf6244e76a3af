// Builds the example validators into build/validators and says what was done. Arguments name some of them; without,
// all. Run from anywhere: node scripts/build-examples.ts [icamer-assemblyscript …]

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildValidator } from '../src/authoring/build-validator.ts';
import { WasmpayError } from '../src/core/error.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = join(root, 'examples/validators');
const wanted = process.argv.slice(2);
const names =
  wanted.length > 0
    ? wanted
    : readdirSync(examples, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();

for (const name of names) {
  try {
    const { built, component, durationMs, log } = await buildValidator({
      directory: join(examples, name),
      outDirectory: join(root, 'build/validators'),
    });
    const size = `${component.byteLength.toLocaleString('en')} bytes`;
    console.log(`${name}: ${built ? 'built' : 'unchanged'}, ${size}, ${Math.round(durationMs)} ms`);
    for (const line of log) console.log(`  ${line}`);
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
