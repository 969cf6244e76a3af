// The isolates that a gateway has loaded. Cloudflare takes them away when memory is short; open-source workerd keeps every
// one for ever, so there the one that was used least recently has to be told to go.

/** Isolates by loader id, the least recently used first. */
export interface Isolates {
  /**
   * A call to isolate `id` starts; what this gives is to be called when it has ended. `retire` ends the isolate: it is
   * called at most once, while no call runs there. A call to an id whose isolate is ending waits for the end: it would
   * go down with it.
   */
  enter(id: string, retire: () => Promise<unknown>): Promise<() => void>;
  readonly size: number;
}

/** Keeps `most` isolates, and those that are busy. */
export function createIsolates(most: number): Isolates {
  const loaded = new Map<string, { running: number; readonly retire: () => Promise<unknown> }>();
  const ending = new Map<string, Promise<void>>();

  const retireIdle = (): void => {
    for (const [id, isolate] of loaded) {
      if (loaded.size <= most) break;
      if (isolate.running > 0) continue;
      loaded.delete(id);
      const forget = (): void => void ending.delete(id);
      ending.set(id, isolate.retire().then(forget, forget));
    }
  };

  return {
    async enter(id, retire) {
      for (let end = ending.get(id); end !== undefined; end = ending.get(id)) await end;
      const isolate = loaded.get(id) ?? { running: 0, retire };
      // A Map iterates in the order of insertion.
      loaded.delete(id);
      loaded.set(id, isolate);
      isolate.running += 1;
      retireIdle();
      return () => {
        isolate.running -= 1;
        retireIdle();
      };
    },
    get size() {
      return loaded.size;
    },
  };
}
