// `npm run setup:python`: installs what builds validators in Python, at its pinned version and by its pinned hashes, below
// build/. Needs Python 3.10 or later with venv (Debian: apt-get install python3-venv). Without them it ends with 2: nothing
// was installed. Run again, it does nothing.

import { ENVIRONMENT, REQUIREMENTS } from '../src/authoring/python-toolchain.ts';
import { installPythonProgram } from './python-environment.ts';

const missing = await installPythonProgram(ENVIRONMENT, 'componentize-py', [
  '--no-deps',
  '--only-binary=:all:',
  '--require-hashes',
  '-r',
  REQUIREMENTS,
]);
if (missing !== undefined) console.error(`skipped: ${missing}; no validator in Python can be built`);
process.exitCode = missing === undefined ? 0 : 2;
