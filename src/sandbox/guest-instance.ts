// The one place where guest instances are made.

import type { ManifestImport } from '../artifact/manifest.ts';
import type { Transaction } from '../core/transaction.ts';
import { createImports } from './capabilities.ts';
import { createGuestState, type GuestState } from './guest-state.ts';

/** What a clock reads while an instance is made: a constant, so that nothing of a transaction is baked in. */
const INSTANTIATION_TIME_MS = Date.UTC(2026, 0, 1);

/** `instantiate` of jco's glue: synchronous when both callbacks are. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, unknown>;

/** An artifact that the runtime has compiled. */
export interface GuestCode {
  readonly instantiate: Instantiate;
  readonly coreModules: ReadonlyMap<string, WebAssembly.Module>;
  readonly imports: readonly ManifestImport[];
  readonly grants: readonly string[];
  /** 32 bytes that belong to the artifact: the randomness that instantiation sees. */
  readonly seed: Uint8Array;
}

/** One instance of a guest. `validate` is jco's lifted export: it throws whatever the guest makes it throw. */
export interface GuestInstance {
  readonly state: GuestState;
  readonly validate: (transaction: Transaction) => unknown;
}

/** Makes an instance under the artifact's own seed and a constant time. Throws what instantiation throws. */
export function createGuestInstance(code: GuestCode): GuestInstance {
  const state = createGuestState(code.seed, INSTANTIATION_TIME_MS);
  const exports = code.instantiate(
    (name) => {
      const module = code.coreModules.get(name);
      if (module === undefined) throw new ReferenceError(`the artifact has no core module ${name}`);
      return module;
    },
    createImports(code.imports, code.grants, state),
    (module, imports) => new WebAssembly.Instance(module, imports),
  );
  const validation = exports['wasmpay:platform/validation@0.1.0'] as { validate: GuestInstance['validate'] };
  return { state, validate: (transaction) => validation.validate(transaction) };
}
