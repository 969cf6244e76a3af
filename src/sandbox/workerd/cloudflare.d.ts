// What this project uses of workerd, and no more. Source: workerd's own types.

declare module 'cloudflare:workers' {
  import type { DurableObjectStorage } from '@cloudflare/workers-types';

  /** A class whose public methods can be called over RPC. */
  export abstract class WorkerEntrypoint {
    readonly env: unknown;
  }
  /** A class whose objects have a storage of their own, one object a name. */
  export abstract class DurableObject {
    protected readonly ctx: {
      readonly storage: Pick<DurableObjectStorage, 'kv' | 'setAlarm' | 'deleteAll'>;
    };
    alarm?(): Promise<void>;
  }
  /** The worker's bindings and variables. */
  export const env: Readonly<Record<string, unknown>>;
  /** Ends the isolate that calls it. Its calls reject. */
  export function abortIsolate(reason: string): never;
  /** Keeps the current request's work going after its response. */
  export function waitUntil(promise: Promise<unknown>): void;
}

/** Written by the loader for each artifact: what the child runs. */
declare module 'wasmpay:guest' {
  import type { GuestCode } from '../guest-instance.ts';
  export const code: GuestCode;
  /** `STACK_PROBE`, compiled: a worker can compile nothing itself. */
  export const stackProbe: WebAssembly.Module;
}

/** Written by the bundler: the child's own source. */
declare module 'wasmpay:child' {
  const source: string;
  export default source;
}
