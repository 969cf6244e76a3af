// The one place where guest instances are made.

import type { Contract, ManifestImport, Metering } from '../artifact/manifest.ts';
import { METER_NAMESPACE } from '../artifact/meter-abi.ts';
import type { GuestLimits } from '../core/guest-limits.ts';
import type { Transaction } from '../core/transaction.ts';
import { createImports } from './capabilities.ts';
import { CONTRACT_CALLS, type ReadAnswer } from './contract-calls.ts';
import { createStateCollector, type Memento } from './guest-memento.ts';
import { createGuestState, type GuestState } from './guest-state.ts';
import { createHostCalls } from './host-calls.ts';
import { createMeter, MemoryExceeded, type Meter } from './meter.ts';
import { createWrittenChunks } from './written-chunks.ts';

/** Bytes of marks that nobody reads: of 16 MiB, since glue is slower where it marks what is not there. */
const UNREAD_MARKS = 4_096;

/** What a clock reads while an instance is made: a constant, so that nothing of a transaction is baked in. */
const INSTANTIATION_TIME_MS = Date.UTC(2026, 0, 1);

/**
 * `instantiate` of an artifact's glue: synchronous when the callbacks are. `charge` takes fuel for what glue lifts out of
 * a guest's memory, before it lifts it; in `marks` glue sets a byte for each chunk that it writes to.
 */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
  charge: (fuel: number) => void,
  marks: Uint8Array,
) => Record<string, unknown>;

/** An artifact that the runtime has compiled, under the policy of one release. */
export interface GuestCode {
  readonly instantiate: Instantiate;
  readonly coreModules: ReadonlyMap<string, WebAssembly.Module>;
  /** As the manifest has it: what is called, and how the answer is read. */
  readonly contract: Contract;
  readonly imports: readonly ManifestImport[];
  readonly grants: readonly string[];
  readonly limits: GuestLimits;
  readonly metering: Metering;
  /** 32 bytes that belong to the artifact: the randomness that instantiation sees. */
  readonly seed: Uint8Array;
}

/** One instance of a guest. `validate` is jco's lifted export: it throws whatever the guest makes it throw. */
export interface GuestInstance {
  readonly state: GuestState;
  readonly meter: Meter;
  /** Its state right after it was made; absent where restoring cannot be sound. */
  readonly memento: Memento | undefined;
  readonly validate: (transaction: Transaction) => unknown;
  /** What an answer of `validate` means under the artifact's contract. */
  readonly readAnswer: (answer: unknown) => ReadAnswer;
}

/**
 * Makes an instance on `meter`, under the artifact's own seed and a constant time. Throws what instantiation throws.
 */
export function createGuestInstance(code: GuestCode, meter: Meter): GuestInstance {
  const state = createGuestState(code.seed, INSTANTIATION_TIME_MS, meter);
  const written = code.metering.marksWrites ? createWrittenChunks() : undefined;
  const collector = createStateCollector(meter.imports, written);
  const instances = createInstanceCount(code, meter);
  const hostCalls = createHostCalls(meter);
  const exports = code.instantiate(
    (name) => {
      const module = code.coreModules.get(name);
      if (module === undefined) throw new ReferenceError(`the artifact has no core module ${name}`);
      return module;
    },
    createImports(code.imports, code.grants, state),
    (module, imports = {}) => {
      instances.admit(module);
      // The meter comes last: nothing that glue passes can take its place.
      const instance = new WebAssembly.Instance(module, {
        ...hostCalls.price(imports),
        [METER_NAMESPACE]: meter.imports,
      });
      hostCalls.admit(instance.exports);
      collector.add(imports, instance.exports);
      return instance;
    },
    (fuel) => meter.charge(fuel),
    written?.hostMarks ?? new Uint8Array(UNREAD_MARKS),
  );
  const { exportName, readAnswer } = CONTRACT_CALLS[code.contract];
  const validation = exports[exportName] as { validate: GuestInstance['validate'] };
  return {
    state,
    meter,
    memento: code.metering.restorable ? collector.capture() : undefined,
    validate: (transaction) => validation.validate(transaction),
    readAnswer,
  };
}

/** Most core instances of a component. The largest composition seen has 20. */
const MAX_CORE_INSTANCES = 128;

/** Takes for each core instance what it costs; for those of a module after its first also what they hold. */
function createInstanceCount(code: GuestCode, meter: Meter) {
  // Core modules stand in the order of the manifest.
  const indices = new Map([...code.coreModules.values()].map((module, index) => [module, index]));
  const made = new Set<WebAssembly.Module>();
  let count = 0;
  return {
    /** Before an instance is made. Throws {@link MemoryExceeded}, or a trap where the fuel is not enough. */
    admit(module: WebAssembly.Module): void {
      count += 1;
      if (count > MAX_CORE_INSTANCES)
        throw new MemoryExceeded(`more than ${MAX_CORE_INSTANCES} core instances`);
      const cost = code.metering.instances[indices.get(module) ?? -1];
      if (cost === undefined) throw new ReferenceError('a core module that the manifest does not know');
      meter.charge(cost.fuel);
      // The sizes of the first are in the sums that the meter started with.
      if (made.has(module)) meter.take(cost.pages, cost.elements);
      made.add(module);
    },
  };
}

/** A new meter for an instance of `code`. */
export const createMeterOf = (code: GuestCode): Meter => createMeter(code.limits, code.metering);
