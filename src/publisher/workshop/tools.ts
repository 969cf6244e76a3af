// The two programs that read a guest's bytes and are not ours: wasm-tools, which prints its WIT, and jco, which writes
// its glue. Each run is a confined process of its own; nothing of one component can reach the next one's run.

import { DEFAULT_BOUNDS, runConfined } from './confined-process.ts';

/** What wasm-tools says: the WIT, or why there is none, in its own words, unchecked. */
export type WitOutcome =
  | { readonly kind: 'wit'; readonly wit: string }
  /** The component is not valid. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** wasm-tools panicked, ended, took too long or too much. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What jco writes, or why it does not, in its own words, unchecked. */
export type GenerateOutcome =
  | {
      readonly ok: true;
      readonly files: Readonly<Record<string, Uint8Array>>;
      readonly imports: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

/** The tools, so that tests can run thousands of components through them in one process. */
export interface Tools {
  printWit(component: Uint8Array): Promise<WitOutcome>;
  generate(component: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<GenerateOutcome>;
}

/**
 * A tool runs once in its process: what V8's optimizing compiler would make of it is ready when nobody needs it any more.
 * Without it jco takes 0.87 s of processor time for a component of QuickJS, and not 1.5; for 12 MB it is the same. Only where
 * V8's first compiler knows every instruction.
 */
const RUN_ONCE = ['x64', 'arm64'].includes(process.arch) ? { flags: ['--liftoff-only'] } : {};

/** The tools as the publisher runs them. */
export const CONFINED_TOOLS: Tools = {
  async printWit(component) {
    const script = new URL('wit-child.ts', import.meta.url);
    const run = await runConfined(script, { value: null, blobs: [component] }, DEFAULT_BOUNDS, RUN_ONCE);
    if (!run.ok) return { kind: 'failed', reason: run.reason };
    const { kind, wit, reason } = (run.message.value ?? {}) as Record<string, unknown>;
    if (kind === 'wit' && typeof wit === 'string') return { kind, wit };
    if ((kind === 'invalid' || kind === 'failed') && typeof reason === 'string') return { kind, reason };
    return { kind: 'failed', reason: 'it answered something else' };
  },

  async generate(component, options) {
    const script = new URL('transpile-child.ts', import.meta.url);
    const run = await runConfined(script, { value: options, blobs: [component] }, DEFAULT_BOUNDS, RUN_ONCE);
    if (!run.ok) return { ok: false, reason: run.reason };
    const { ok, names, imports, reason } = (run.message.value ?? {}) as Record<string, unknown>;
    if (ok === false && typeof reason === 'string') return { ok, reason };
    const { blobs } = run.message;
    if (ok !== true || !isTexts(names) || !isTexts(imports) || names.length !== blobs.length) {
      return { ok: false, reason: 'it answered something else' };
    }
    const files = Object.fromEntries(names.map((name, index) => [name, blobs[index] ?? new Uint8Array()]));
    return { ok, files, imports };
  },
};

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
