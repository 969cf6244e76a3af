// The components that an agent has built in this process, by their digests: what tools hand from one to the next. Bounded, the
// oldest goes first; nothing of it outlives the process.

import { hexOf, sha256, type Digest } from '../../artifact/digest.ts';
import { WasmpayError } from '../../core/error.ts';

/** Most components at a time, and most bytes of all of them: one is at most 32 MiB. */
const MOST = 32;
const MOST_BYTES = 64 * 1024 * 1024;

export interface ComponentShelf {
  /** Keeps a component; gives the name that {@link take} wants. */
  put(component: Uint8Array<ArrayBuffer>): Promise<Digest>;
  /** Throws `usage` where it was never here, or is gone. */
  take(name: string): Uint8Array<ArrayBuffer>;
}

export function createComponentShelf(): ComponentShelf {
  const components = new Map<string, Uint8Array<ArrayBuffer>>();
  const bytes = (): number => [...components.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    async put(component) {
      const digest = await sha256(component);
      components.delete(hexOf(digest));
      components.set(hexOf(digest), component);
      for (const oldest of components.keys()) {
        if (components.size <= MOST && bytes() <= MOST_BYTES) break;
        if (components.size > 1) components.delete(oldest);
      }
      return digest;
    },
    take(name) {
      const found = components.get(name.replace(/^sha256:/, ''));
      if (found === undefined)
        throw new WasmpayError(
          'usage',
          `there is no component ${JSON.stringify(name.slice(0, 80))} here: build_validator makes one and gives its name`,
        );
      return found;
    },
  };
}
