// Component in, glue and core modules out: what jco writes, made synchronous and small, and accepted by the glue
// check before anyone can evaluate it. jco runs the guest's bytes through wasm-tools, which can panic or loop: run
// this stage in a process that has a time and a memory bound and no key.

import { transpile } from '@bytecodealliance/jco';
import { WasmpayError } from '../core/error.ts';
import { MAX_CORE_MODULES } from '../core/limits.ts';
import { checkGlue } from './glue-check.ts';
import { quote, type Refusal, type Result } from './refusal.ts';
import { shrinkGlue } from './shrink-glue.ts';

/** What a component becomes. The same component gives the same bytes on any machine. */
export interface Transpiled {
  /** ES module that exports `instantiate(getCoreModule, imports, instantiateCore)`, all three synchronous. */
  readonly glue: string;
  /** Core modules in the order of the names that the glue asks for: `core0.wasm`, `core1.wasm` … */
  readonly coreModules: readonly Uint8Array[];
  /** Keys that the glue reads of `imports`: interfaces without version, sorted. */
  readonly importKeys: readonly string[];
}

/** After one panic jco answers every component with this, for the life of the process. */
const DEAD_INSTANCE = 'cannot enter component instance';

/** File names are derived from it; the glue check knows none of them. */
const NAME = 'validator';

const OPTIONS = {
  name: NAME,
  instantiation: 'sync',
  // No module in the text, no shim (its Node default is full host access), no types, no JSPI (`asyncMode`).
  base64Cutoff: 0,
  wasiShim: false,
  emitTypescriptDeclarations: false,
  nodejsCompat: false,
  tlaCompat: false,
  // Lifting checks what the guest returns; the optimization would trust it.
  validLiftingOptimization: false,
  namespacedExports: true,
  // jco minifies with a native dependency; the bytes of an artifact are esbuild's, which is pinned.
  minify: false,
} as const;

/**
 * Transpiles a component whose names passed the inspection; `names` are those names. Refuses with
 * `transpile_failed` where jco or the rewriting of its glue fails, `too_many_modules` above the artifact's bound,
 * `glue_rejected` where the glue holds what jco does not write. Throws `internal` where jco panicked on a component
 * before this one: a process that met a panic is of no further use.
 */
export async function transpileComponent(
  component: Uint8Array,
  names: ReadonlySet<string>,
): Promise<Result<Transpiled>> {
  try {
    const { files, imports } = await transpile(component, { ...OPTIONS });
    const cores = Object.keys(files)
      .filter((file) => file.endsWith('.wasm'))
      .sort((a, b) => numberOf(a) - numberOf(b));
    const source = files[`${NAME}.js`];
    if (source === undefined) throw new Error('jco wrote no glue');
    const shrunk = await shrinkGlue(
      new TextDecoder('utf-8', { fatal: true }).decode(source),
      new Map(cores.map((file, index) => [file, `core${index}.wasm`])),
    );
    const coreModules = [...cores.map((file) => files[file] ?? new Uint8Array()), ...shrunk.inlineModules];
    if (coreModules.length > MAX_CORE_MODULES) return refuse(tooManyModules(coreModules.length));
    const refusals = checkGlue(shrunk.glue, names);
    if (refusals.length > 0) return { ok: false, refusals };
    return { ok: true, value: { glue: shrunk.glue, coreModules, importKeys: [...new Set(imports)].sort() } };
  } catch (cause) {
    if (describe(cause).includes(DEAD_INSTANCE)) {
      throw new WasmpayError('internal', 'jco panicked on an earlier component: use a new process', {
        cause,
      });
    }
    return refuse({
      code: 'transpile_failed',
      message: `jco cannot transpile this component: ${quote(describe(cause))}`,
      where: 'component',
      fix: 'Build the component for WASI 0.2 with synchronous exports and a current toolchain, then try again.',
    });
  }
}

/** `validator.core.wasm` is the first, `validator.core2.wasm` the second. */
function numberOf(file: string): number {
  return Number(/\.core(\d*)\.wasm$/.exec(file)?.[1] || 1);
}

/** The first line of what was thrown: a panic of wasm-tools is a bare `unreachable`. */
function describe(cause: unknown): string {
  const text = cause instanceof Error ? cause.message || cause.name : String(cause);
  return text.split('\n', 1)[0] ?? text;
}

function refuse(refusal: Refusal): Result<Transpiled> {
  return { ok: false, refusals: [refusal] };
}

function tooManyModules(count: number): Refusal {
  return {
    code: 'too_many_modules',
    message: `the component becomes ${count} core modules, more than ${MAX_CORE_MODULES}`,
    where: 'component',
    fix: 'Compose fewer components, or link the modules before making a component of them.',
  };
}
