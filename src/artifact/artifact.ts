// An artifact: what the publisher makes of a component and the gateway runs. One object in storage, named by its
// SHA-256; a tar archive, so that `tar tf` opens it.

import type { Digest } from './digest.ts';
import type { Manifest } from './manifest.ts';

/** An artifact whose digest was checked and whose container was read. */
export interface Artifact {
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** JavaScript module that exports `instantiate`. */
  readonly glue: string;
  /** Core WebAssembly modules in the order of the glue's `getCoreModule` names. */
  readonly coreModules: readonly Uint8Array[];
  /** Size of the whole object, bytes: what a cache counts. */
  readonly sizeBytes: number;
}
