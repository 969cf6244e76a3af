// Component in, glue and core modules out: what jco writes, made synchronous and small, and accepted by the glue
// check before anyone can evaluate it. jco runs on the guest's bytes in a confined process; what it answers is checked
// here, where nothing of it is evaluated.

import { MAX_CORE_MODULES } from '../core/limits.ts';
import { checkGlue } from './glue-check.ts';
import { NO_MEMORY, type Memory } from './memory.ts';
import { quote, type Refusal, type Result } from './refusal.ts';
import { SHRUNK_GLUE } from './result-codecs.ts';
import { shrinkGlue } from './shrink-glue.ts';
import { CONFINED_TOOLS, type Tools } from './workshop/tools.ts';

/** What a component becomes. The same component gives the same bytes on any machine. */
export interface Transpiled {
  /** ES module that exports `instantiate(getCoreModule, imports, instantiateCore, charge, marks)`, all synchronous. */
  readonly glue: string;
  /** Core modules in the order of the names that the glue asks for: `core0.wasm`, `core1.wasm` … */
  readonly coreModules: readonly Uint8Array[];
  /** Keys that the glue reads of `imports`: interfaces without version, sorted. */
  readonly importKeys: readonly string[];
}

/** File names are derived from it; the glue check knows none of them. */
const NAME = 'validator';

/** What jco is asked for. */
export const TRANSPILE_OPTIONS = {
  name: NAME,
  instantiation: { tag: 'sync' },
  // No module in the text, no types, nothing of Node, no JSPI (`asyncMode`).
  base64Cutoff: 0,
  noTypescript: true,
  noNodejsCompat: true,
  map: [],
  // Lifting checks what the guest returns; the optimization would trust it.
  validLiftingOptimization: false,
  noComponentErrorWrapping: false,
} as const;

/**
 * Transpiles a component whose names passed the inspection; `names` are those names. Refuses with
 * `transpile_failed` where jco or the rewriting of its glue fails, `too_many_modules` above the artifact's bound,
 * `glue_rejected` where the glue holds what jco does not write.
 */
export async function transpileComponent(
  component: Uint8Array,
  names: ReadonlySet<string>,
  tools: Tools = CONFINED_TOOLS,
  memory: Memory = NO_MEMORY,
): Promise<Result<Transpiled>> {
  const generated = await tools.generate(component, TRANSPILE_OPTIONS);
  if (!generated.ok) return refuse(failed(generated.reason));
  const { files, imports } = generated;
  try {
    const cores = Object.keys(files)
      .filter((file) => file.endsWith('.wasm'))
      .sort((a, b) => numberOf(a) - numberOf(b));
    const source = files[`${NAME}.js`];
    if (source === undefined) throw new Error('jco wrote no glue');
    const ours = new Map(cores.map((file, index) => [file, `core${index}.wasm`]));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(source);
    const shrunk = await memory.recall('shrink', [text, ...cores], () => shrinkGlue(text, ours), SHRUNK_GLUE);
    const coreModules = [...cores.map((file) => files[file] ?? new Uint8Array()), ...shrunk.inlineModules];
    if (coreModules.length > MAX_CORE_MODULES) return refuse(tooManyModules(coreModules.length));
    const refusals = checkGlue(shrunk.glue, names);
    if (refusals.length > 0) return { ok: false, refusals };
    return { ok: true, value: { glue: shrunk.glue, coreModules, importKeys: [...new Set(imports)].sort() } };
  } catch (cause) {
    return refuse(failed(cause instanceof Error ? cause.message : String(cause)));
  }
}

/** `validator.core.wasm` is the first, `validator.core2.wasm` the second. */
function numberOf(file: string): number {
  return Number(/\.core(\d*)\.wasm$/.exec(file)?.[1] || 1);
}

/** `reason` may be in the words of jco, which quote the guest's. */
function failed(reason: string): Refusal {
  return {
    code: 'transpile_failed',
    message: `jco cannot transpile this component: ${quote(reason.split('\n', 1)[0] ?? reason)}`,
    where: 'component',
    fix: 'Build the component for WASI 0.2 with synchronous exports and a current toolchain, then try again.',
  };
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
