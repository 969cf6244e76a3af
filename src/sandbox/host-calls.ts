// What a guest pays for each call that leaves WebAssembly. Metered code pays little for a call of an import, since most
// imports are core modules of the same component; which of them are JavaScript (glue, and the host behind it) shows only
// where a core module gets its imports. There every such function is replaced by one that takes its price first, so that
// no way to it is free: not a direct call, not one through a table or a re-export, not one as a start function.

import { HOST_CALL_FUEL } from '../artifact/meter-abi.ts';
import type { Meter } from './meter.ts';

/** The host calls of one guest instance. */
export interface HostCalls {
  /** The imports of a core module, in which every function that is not a core instance's takes its price. */
  price(imports: WebAssembly.Imports): WebAssembly.Imports;
  /** Takes a core instance's exports: calls of its functions stay within WebAssembly. */
  admit(exports: WebAssembly.Exports): void;
}

/** A function as WebAssembly calls it: any number of numbers and references, and no `this`. */
type CoreFunction = (...operands: unknown[]) => unknown;

/** No core instances, and no function priced yet. Without fuel for it, a call traps and the host is not reached. */
export function createHostCalls(meter: Pick<Meter, 'charge'>): HostCalls {
  // By identity: whoever is not an export that was seen here is taken for the host's.
  const ofCoreInstances = new Set<unknown>();
  // One for each function: glue may hand the same one to several core modules.
  const priced = new Map<CoreFunction, CoreFunction>();

  const priceOf = (call: CoreFunction): CoreFunction => {
    const known = priced.get(call);
    if (known !== undefined) return known;
    const made: CoreFunction = (...operands) => {
      meter.charge(HOST_CALL_FUEL);
      return call(...operands);
    };
    priced.set(call, made);
    return made;
  };
  const priceValue = (value: WebAssembly.ImportValue): WebAssembly.ImportValue =>
    typeof value === 'function' && !ofCoreInstances.has(value) ? priceOf(value as CoreFunction) : value;

  return {
    price: (imports) => mapValues(imports, (fields) => mapValues(fields, priceValue)),
    admit(exports) {
      for (const value of Object.values(exports)) if (typeof value === 'function') ofCoreInstances.add(value);
    },
  };
}

/** A copy without a prototype, so that the object's own names are all that there is. */
function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T) => T): Record<string, T> {
  const copy = Object.create(null) as Record<string, T>;
  for (const [name, value] of Object.entries(record)) copy[name] = map(value);
  return copy;
}
