// Components, plain and metered, made ready for the production sandbox: jco's glue evaluated in this process. For
// components of our own making only.

import { transpile } from '@bytecodealliance/jco';

import type { GuestLimits } from '../../src/core/guest-limits.ts';
import type { Transaction } from '../../src/core/transaction.ts';
import { meterModules } from '../../src/publisher/meter.ts';
import { shrinkGlue } from '../../src/publisher/shrink-glue.ts';
import { createImports, GRANTABLE } from '../../src/sandbox/capabilities.ts';
import { createMeterOf, type GuestCode } from '../../src/sandbox/guest-instance.ts';
import { createGuestState } from '../../src/sandbox/guest-state.ts';
import { compileGuest, type PreparedComponent } from './compile-guest.ts';

/** A component made ready. */
export interface ComponentGuest {
  readonly plainBytes: number;
  readonly meteredBytes: number;
  readonly meterMs: number;
  /** What the production sandbox runs. */
  readonly code: GuestCode;
  /** Makes an instance of the modules as they were, without a meter. */
  readonly createPlain: () => (transaction: Transaction) => unknown;
}

/** The contract's one function. */
export const VALIDATION = 'wasmpay:platform/validation@0.1.0';

/** Transpiles and meters a component; throws where metering refuses it. */
export async function prepareComponent(
  component: Uint8Array,
  limits: GuestLimits,
): Promise<PreparedComponent & { plain: Uint8Array[]; metered: readonly Uint8Array[]; meterMs: number }> {
  const { files, imports } = await transpile(component, {
    name: 'guest',
    instantiation: 'sync',
    base64Cutoff: 0,
    wasiShim: false,
    nodejsCompat: false,
    tlaCompat: false,
    namespacedExports: true,
    minify: false,
  });
  const cores = Object.keys(files).filter((file) => file.endsWith('.wasm'));
  const shrunk = await shrinkGlue(
    new TextDecoder().decode(files['guest.js']),
    new Map(cores.map((file, index) => [file, `core${index}.wasm`])),
  );
  const plain = [...cores.map((file) => files[file] ?? new Uint8Array()), ...shrunk.inlineModules];
  const started = performance.now();
  const result = meterModules(plain, limits, false);
  if (!result.ok) throw new Error(JSON.stringify(result.refusals));
  return {
    glue: shrunk.glue,
    imports: [...new Set(imports)].map((name) => ({
      interface: name,
      version: '',
      tier: name in GRANTABLE ? 'granted' : 'inert',
    })),
    metering: result.value.metering,
    plain,
    metered: result.value.coreModules,
    meterMs: performance.now() - started,
  };
}

/** Both forms of a component in this process. */
export async function loadComponent(component: Uint8Array, limits: GuestLimits): Promise<ComponentGuest> {
  const prepared = await prepareComponent(component, limits);
  const code = compileGuest(prepared, prepared.metered, limits);
  const plain = compileGuest(prepared, prepared.plain, limits);
  return {
    plainBytes: prepared.plain.reduce((sum, { length }) => sum + length, 0),
    meteredBytes: prepared.metered.reduce((sum, { length }) => sum + length, 0),
    meterMs: prepared.meterMs,
    code,
    createPlain() {
      const state = createGuestState(code.seed, 0, createMeterOf(code));
      const exports = plain.instantiate(
        (name) => {
          const module = plain.coreModules.get(name);
          if (module === undefined) throw new ReferenceError(name);
          return module;
        },
        createImports(code.imports, code.grants, state),
        (module, imports = {}) => new WebAssembly.Instance(module, imports),
        () => {},
        new Uint8Array(65_536),
      );
      return (exports[VALIDATION] as { validate: (transaction: Transaction) => unknown }).validate;
    },
  };
}
