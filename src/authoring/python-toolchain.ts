// The componentize-py that a build uses: one version, for what it makes is taken apart (trim-python-component.ts). It brings
// CPython for WebAssembly itself; the machine's Python only starts it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { ask, findPrograms, missing } from './find-program.ts';
import { projectRoot } from './toolchain.ts';

export const COMPONENTIZE_PY_VERSION = '0.25.1';

/** Where `npm run setup:python` puts it in a checkout: found without being on the PATH. */
export const ENVIRONMENT = join(projectRoot, 'build/componentize-py', COMPONENTIZE_PY_VERSION);

/** Version and hashes, as pip takes them. */
export const REQUIREMENTS = join(projectRoot, 'src/authoring/python/requirements.txt');

export interface PythonToolchain {
  /** The interpreter itself, not a link of an environment to it. */
  readonly python: string;
  /** Folder that holds the package `componentize_py`. */
  readonly packages: string;
  /** `componentize-py@0.25.1`. */
  readonly version: string;
  /** What the process may read. */
  readonly readable: readonly string[];
}

const INSTALL = `with Python 3.10 or later, \`python3 -m venv .venv && .venv/bin/pip install componentize-py==${COMPONENTIZE_PY_VERSION}\`, and put .venv/bin on the PATH; in a checkout of wasmpay, \`npm run setup:python\` does it`;

/** What an interpreter says of itself and of its componentize-py. */
const QUESTION = `
import importlib.metadata, json, os, sys
import componentize_py
print(json.dumps({
    "python": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": os.path.realpath(sys.base_prefix),
    "packages": os.path.dirname(os.path.dirname(os.path.realpath(componentize_py.__file__))),
    "version": importlib.metadata.version("componentize-py"),
}))`;

/** Finds componentize-py: in `environment`, the checkout's own, else on the PATH. Throws `toolchain_missing`. */
export async function findPython(environment = ENVIRONMENT): Promise<PythonToolchain> {
  const reasons: string[] = [];
  for (const program of [join(environment, 'bin/componentize-py'), ...findPrograms('componentize-py')]) {
    const found = await examine(program);
    if (typeof found === 'object') return found;
    if (found !== undefined) reasons.push(`${program} ${found}`);
  }
  if (reasons.length === 0) throw missing('componentize-py', INSTALL);
  throw new WasmpayError(
    'toolchain_missing',
    `componentize-py ${COMPONENTIZE_PY_VERSION} is needed (${reasons.join('; ')}): ${INSTALL}`,
  );
}

/** The toolchain, or why it cannot be used; undefined where there is none. */
async function examine(program: string): Promise<PythonToolchain | string | undefined> {
  const script = await readFile(program, 'utf8').catch(() => undefined);
  if (script === undefined) return undefined;
  // pip writes the second form where the path is long or has a space.
  const interpreter =
    /^#!(\/\S*python\S*)\n/.exec(script) ?? /^'''exec' "?(\/[^"\n]*?python[^"\s]*)"? /m.exec(script);
  const answer =
    interpreter?.[1] === undefined ? undefined : await ask(interpreter[1], ['-I', '-c', QUESTION]);
  if (answer === undefined) return 'does not run';
  const { python, prefix, packages, version } = JSON.parse(answer) as Record<string, string>;
  if (python === undefined || packages === undefined || prefix === undefined) return 'does not run';
  if (version !== COMPONENTIZE_PY_VERSION) return `is ${version}`;
  return {
    python,
    packages,
    version: `componentize-py@${version}`,
    // A system's Python has its libraries among the system's, which every compiler sees.
    readable: [join(packages, 'componentize_py'), ...(prefix === '/usr' ? [] : [join(prefix, 'lib')])],
  };
}
