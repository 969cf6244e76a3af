// Which interface is answered by what. This table is the seam for capabilities of the platform's own: an interface,
// and a factory that makes its synchronous, deterministic implementation for one guest instance.

import type { ManifestImport } from '../artifact/manifest.ts';
import { createInertInterface } from './capability-denied.ts';
import type { GuestState } from './guest-state.ts';
import * as cli from './wasi/cli.ts';
import * as clocks from './wasi/clocks.ts';
import * as filesystem from './wasi/filesystem.ts';
import * as io from './wasi/io.ts';
import * as random from './wasi/random.ts';

type CapabilityFactory = (state: GuestState) => object;

/** Interfaces that work. A guest gets one only where its release grants it. */
export const GRANTABLE: Readonly<Record<string, CapabilityFactory>> = {
  'wasi:io/error': io.createIoError,
  'wasi:io/streams': io.createIoStreams,
  'wasi:cli/stdin': cli.createStdin,
  'wasi:cli/stdout': cli.createStdout,
  'wasi:cli/stderr': cli.createStderr,
  'wasi:random/random': random.createRandom,
  'wasi:random/insecure': random.createInsecureRandom,
  'wasi:random/insecure-seed': random.createInsecureSeed,
  'wasi:clocks/wall-clock': clocks.createWallClock,
  'wasi:clocks/monotonic-clock': clocks.createMonotonicClock,
};

/** Interfaces that are there because toolchains import them, and that have nothing to give. */
const INERT: Readonly<Record<string, CapabilityFactory>> = {
  'wasi:io/poll': io.createIoPoll,
  'wasi:cli/environment': cli.createEnvironment,
  'wasi:cli/exit': cli.createExit,
  'wasi:cli/terminal-input': cli.createTerminalInput,
  'wasi:cli/terminal-output': cli.createTerminalOutput,
  'wasi:cli/terminal-stdin': cli.createTerminalStdin,
  'wasi:cli/terminal-stdout': cli.createTerminalStdout,
  'wasi:cli/terminal-stderr': cli.createTerminalStderr,
  'wasi:filesystem/preopens': filesystem.createPreopens,
  'wasi:filesystem/types': filesystem.createFilesystemTypes,
};

/**
 * The import object of one guest instance, keyed as jco's glue asks for it (interfaces without versions). What the
 * release does not grant, or this host does not know, is there and denies; nothing is passed through.
 */
export function createImports(
  imports: readonly ManifestImport[],
  grants: readonly string[],
  state: GuestState,
): Record<string, object> {
  const table: Record<string, object> = Object.create(null) as Record<string, object>;
  for (const { interface: name, tier } of imports) {
    const factory = tier === 'granted' && grants.includes(name) ? GRANTABLE[name] : INERT[name];
    table[name] = freezeInterface(factory === undefined ? createInertInterface(state, name) : factory(state));
  }
  return table;
}

/** Nothing can be kept on what a guest is handed: not on the interface, its functions, its classes. */
function freezeInterface(implementation: object): object {
  for (const member of Object.values(implementation)) {
    if (typeof member !== 'function') continue;
    Object.freeze((member as { prototype?: object }).prototype);
    Object.freeze(member);
  }
  return Object.freeze(implementation);
}
