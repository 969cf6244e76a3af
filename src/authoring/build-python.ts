// A validator in Python: the author writes `validate`, the library in python/ exports it, componentize-py puts CPython around
// both. It runs the author's modules once, inside CPython as WebAssembly, and the component begins with the memory that they
// left. So building is running someone's program: its WASI has the staged sources and Python's own library and no more (no
// variable, no network, no file of the machine), and the process around it is confined as compilers are.

import { mkdir, mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { findBubblewrap, runCompiler, UNCONFINED } from './confine.ts';
import { stageContract } from './contract.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { readPythonFault } from './python-fault.ts';
import { findPython, type PythonToolchain } from './python-toolchain.ts';
import { sourceError } from './source-error.ts';
import { stageSources, writeStaged } from './stage-sources.ts';
import { projectRoot, type ProcessResult } from './toolchain.ts';
import { trimPythonComponent } from './trim-python-component.ts';

const LIBRARY = join(projectRoot, 'src/authoring/python');

/** Longest run, milliseconds: nine times the 20 s of processor time that compiling CPython takes. */
export const PYTHON_TIMEOUT_MS = 180_000;

/** Most memory of its own, bytes: a build uses 1 GiB. What the author's modules allocate is in it. */
export const PYTHON_DATA_BYTES = 3 * 1024 ** 3;

/** `validator.py`, `rules/validator.py`: what Python can import by name. */
const IMPORTABLE = /^(?:[A-Za-z_][A-Za-z0-9_]*\/)*[A-Za-z_][A-Za-z0-9_]*\.py$/;

/** Runs the tool without what a user's or a site's configuration would add to Python. */
const START = `
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "componentize-py"
from componentize_py import script
script()`;

/** Builds a component from Python. Throws `source_invalid`, `toolchain_missing`, `build_failed`. */
export async function buildPython(options: BuildOptions): Promise<BuildResult> {
  const toolchain = await findPython();
  const { contract, source } = options;
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-build-')));
  try {
    const sources = await stageSources(options.directory, join(scratch, 'source'), ['.py'], ['build']);
    if (!sources.some(({ path }) => path === source))
      throw sourceError('Python', [`${source} is not there, or no plain file`], options);
    if (!IMPORTABLE.test(source))
      throw sourceError('Python', [`${source} is no name that Python can import`], options);
    await stageContract(contract, join(scratch, 'contract'));
    const ours = [join(LIBRARY, 'wasmpay_entry.py')];
    for (const name of await readdir(join(LIBRARY, contract.version)))
      if (name.endsWith('.py')) ours.push(join(LIBRARY, contract.version, name));
    for (const file of ours)
      await writeStaged(
        join(scratch, 'library', file.slice(file.lastIndexOf('/') + 1)),
        await readFile(file, 'utf8'),
      );
    const module = source.slice(0, -'.py'.length).replaceAll('/', '.');
    await writeStaged(join(scratch, 'library/wasmpay_source.py'), `MODULE = ${JSON.stringify(module)}\n`);
    await mkdir(join(scratch, 'environment/lib/python3/site-packages'), { recursive: true });
    await mkdir(join(scratch, 'made'));

    const { exitCode, stderr } = await componentize(options, toolchain, scratch);
    if (exitCode !== 0) {
      const fault = readPythonFault(stderr, source);
      if (fault !== undefined) throw sourceError('Python', [fault], options);
      throw new WasmpayError('build_failed', `componentize-py failed: ${stderr.slice(0, 4096)}`);
    }
    const component = trimPythonComponent(
      new Uint8Array(await readFile(join(scratch, 'made/component.wasm'))),
    );
    return { component, log: (await findBubblewrap()) === undefined ? [UNCONFINED] : [] };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function componentize(
  { world, timeoutMs = PYTHON_TIMEOUT_MS }: BuildOptions,
  { python, packages, readable }: PythonToolchain,
  scratch: string,
): Promise<ProcessResult> {
  const tool = ['-I', '-S', '-c', START, packages];
  const what = ['-d', 'contract', '-w', world, '-q', 'componentize', '--stub-wasi'];
  // The library first: no file of the author's stands before one of ours.
  const where = ['-p', 'library', '-p', 'source', '-o', 'made/component.wasm', 'wasmpay_entry'];
  return runCompiler({
    program: python,
    args: [...tool, ...what, ...where],
    directory: scratch,
    cwd: scratch,
    readable,
    env: {
      TMPDIR: scratch,
      LC_ALL: 'C',
      // Without one it gives the author's modules the machine's site-packages, to read and to write.
      VIRTUAL_ENV: join(scratch, 'environment'),
    },
    dataBytes: PYTHON_DATA_BYTES,
    timeoutMs,
  });
}
