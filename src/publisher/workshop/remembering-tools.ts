// wasm-tools and jco for an author whose components differ in what they start with alone: what they wrote for the one before is what they
// would write for this one. Core modules are always of the component that was asked about; only WIT and glue are remembered.
// Both are judged as if they had been made now. For authors: publishers run the tools on every component.

import type { Codec, Memory } from '../memory.ts';
import { mayHaveState, readSkeleton, type ComponentSkeleton } from './component-skeleton.ts';
import type { GenerateOutcome, Tools, WitOutcome } from './tools.ts';

/** Tools that ask `memory` before they run `tools`. */
export function createRememberingTools(tools: Tools, memory: Memory): Tools {
  return {
    async printWit(component) {
      const skeleton = readSkeleton(component);
      if (skeleton === undefined) return tools.printWit(component);
      return memory.recall('wit', [skeleton.digest], () => tools.printWit(component), WIT);
    },
    async generate(component, options) {
      const skeleton = readSkeleton(component);
      if (skeleton === undefined) return tools.generate(component, options);
      let made: GenerateOutcome | undefined;
      // What is remembered holds nothing that the skeleton leaves out, for it is of any component with this skeleton.
      const plan = await memory.recall(
        'generate',
        [skeleton.digest, JSON.stringify(options)],
        async () => planOf((made = await tools.generate(component, options)), skeleton),
        PLAN,
      );
      return made ?? carryOut(plan, skeleton) ?? tools.generate(component, options);
    },
  };
}

/** A WIT that was printed. What failed is tried again the next time. */
const WIT: Codec<Promise<WitOutcome>> = {
  encode: (outcome) => (outcome.kind === 'wit' ? { value: { wit: outcome.wit }, blobs: [] } : undefined),
  decode({ value }) {
    const { wit } = (value ?? {}) as Record<string, unknown>;
    return typeof wit === 'string' ? Promise.resolve({ kind: 'wit', wit }) : undefined;
  },
};

/** A file that jco writes: one that it made of the wiring, or one of the component's core modules as it stands there. */
type PlannedFile = { readonly name: string } & (
  { readonly bytes: Uint8Array } | { readonly moduleIndex: number }
);

type Plan =
  | { readonly ok: true; readonly files: readonly PlannedFile[]; readonly imports: readonly string[] }
  | Extract<GenerateOutcome, { ok: false }>
  /** jco wrote a module that does not stand in the component, and may hold what the skeleton leaves out. */
  | undefined;

function planOf(outcome: GenerateOutcome, { modules }: ComponentSkeleton): Plan {
  if (!outcome.ok) return outcome;
  const files: PlannedFile[] = [];
  for (const [name, bytes] of Object.entries(outcome.files)) {
    const moduleIndex = modules.findIndex(
      (module) => module.length === bytes.length && Buffer.compare(module, bytes) === 0,
    );
    if (moduleIndex >= 0) files.push({ name, moduleIndex });
    else if (name.endsWith('.wasm') && mayHaveState(bytes)) return undefined;
    else files.push({ name, bytes });
  }
  return { ok: true, files, imports: outcome.imports };
}

function carryOut(plan: Plan, { modules }: ComponentSkeleton): GenerateOutcome | undefined {
  if (plan === undefined || !plan.ok) return plan;
  const files: Record<string, Uint8Array> = {};
  for (const file of plan.files) {
    const bytes = 'bytes' in file ? file.bytes : modules[file.moduleIndex];
    if (bytes === undefined) return undefined;
    // A copy, as a process would have sent: whoever gets it may hold on to it.
    files[file.name] = new Uint8Array(bytes);
  }
  return { ok: true, files, imports: plan.imports };
}

const PLAN: Codec<Promise<Plan>> = {
  encode(plan) {
    if (plan === undefined || !plan.ok) return undefined;
    const blobs: Uint8Array[] = [];
    const files = plan.files.map((file) => {
      if (!('bytes' in file)) return file;
      blobs.push(file.bytes);
      return { name: file.name };
    });
    return { value: { files, imports: plan.imports }, blobs };
  },
  decode({ value, blobs }) {
    const { files, imports } = (value ?? {}) as Record<string, unknown>;
    if (!Array.isArray(files) || !isTexts(imports)) return undefined;
    const left = [...blobs];
    const planned: PlannedFile[] = [];
    for (const file of files as unknown[]) {
      const { name, moduleIndex } = (file ?? {}) as Record<string, unknown>;
      if (typeof name !== 'string') return undefined;
      const bytes = moduleIndex === undefined ? left.shift() : undefined;
      if (bytes !== undefined) planned.push({ name, bytes });
      else if (Number.isSafeInteger(moduleIndex)) planned.push({ name, moduleIndex: Number(moduleIndex) });
      else return undefined;
    }
    return Promise.resolve({ ok: true, files: planned, imports });
  },
};

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
