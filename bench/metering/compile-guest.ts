// Guest code for the production sandbox from glue and modules, in this process. For components of our own making only.

import { Script } from 'node:vm';

import type { GuestLimits } from '../../src/core/guest-limits.ts';
import { GRANTABLE } from '../../src/sandbox/capabilities.ts';
import type { GuestCode, Instantiate } from '../../src/sandbox/guest-instance.ts';

/** A component without its modules: plain data, which can be handed to another process. */
export interface PreparedComponent {
  readonly glue: string;
  readonly imports: GuestCode['imports'];
  readonly metering: GuestCode['metering'];
}

/** Compiles `modules` and evaluates the glue. Everything that can be granted is. */
export function compileGuest(
  { glue, imports, metering }: PreparedComponent,
  modules: readonly Uint8Array[],
  limits: GuestLimits,
): GuestCode {
  return {
    instantiate: new Script(
      `'use strict';(${glue.replace(/^export /, '')})`,
    ).runInThisContext() as Instantiate,
    coreModules: new Map(
      modules.map((bytes, index) => [`core${index}.wasm`, new WebAssembly.Module(bytes.slice())]),
    ),
    contract: 'wasmpay:platform@0.1.0',
    imports,
    grants: Object.keys(GRANTABLE),
    limits,
    metering,
    seed: new Uint8Array(32),
  };
}
