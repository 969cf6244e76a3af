// How the host says no. The error extends WebAssembly.RuntimeError: after a plain Error generated glue may go on
// with made-up data. A guest may still swallow it, so the state remembers.

import type { GuestState } from './guest-state.ts';

/** Thrown into a guest that uses what it was not given. */
export class CapabilityDenied extends WebAssembly.RuntimeError {
  override readonly name = 'CapabilityDenied';
}

/** A function that denies whatever it is called with: `capability` is `interface#function`. */
export function createDenial(state: GuestState, capability: string): () => never {
  return () => {
    state.denied ??= capability;
    throw new CapabilityDenied(capability);
  };
}

/**
 * An interface that is there and gives nothing: every function denies, every resource class can be neither made nor
 * used. `answers` are the harmless exceptions ("no arguments", "no terminal").
 */
export function createInertInterface(
  state: GuestState,
  name: string,
  answers: Readonly<Record<string, unknown>> = {},
): object {
  return new Proxy<Record<string, unknown>>(
    { ...answers },
    {
      get(target, member) {
        if (typeof member === 'symbol') return undefined;
        if (Object.hasOwn(target, member)) return target[member];
        return isClassName(member)
          ? createInertResource(state, `${name}#${member}`)
          : createDenial(state, `${name}#${member}`);
      },
    },
  );
}

/**
 * A resource class whose methods all deny. Glue asks for classes by their upper-case names, and calls
 * `Symbol.dispose` when the guest drops a handle.
 */
export function createInertResource(state: GuestState, name: string): new () => object {
  const deny = createDenial(state, name);
  class InertResource {
    readonly nothing = deny();
  }
  const noteDrop = (): void => {
    state.movedResource = true;
  };
  const methods = new Proxy(Object.create(null) as object, {
    get(_, member) {
      if (member === Symbol.dispose) return noteDrop;
      // With a `then` it would be taken for a promise, and every call that gives one would end in a trap.
      if (typeof member === 'symbol' || member === 'then') return undefined;
      return createDenial(state, `${name}.${member}`);
    },
  });
  Object.setPrototypeOf(InertResource.prototype, methods);
  return InertResource;
}

function isClassName(member: string): boolean {
  return /^[A-Z]/.test(member);
}
