// A map that cannot grow past its budget: what was used least recently goes first.

export interface LruMap<V> {
  /** The value, which counts as used now. */
  get(key: string): V | undefined;
  /** Keeps `value`, if it fits the budget at all, and drops what was used least recently until it does. */
  set(key: string, value: V): void;
  delete(key: string): void;
  readonly size: number;
  /** Sum of the costs of what is kept. */
  readonly cost: number;
}

/** An empty map that keeps values of a total cost of at most `budget`; by default each costs 1. */
export function createLruMap<V>(budget: number, costOf: (value: V) => number = () => 1): LruMap<V> {
  // A Map iterates in the order of insertion: its first key is the least recently used one.
  const entries = new Map<string, { readonly key: string; readonly value: V; readonly cost: number }>();
  let total = 0;
  /** The one that was used last: it need not be moved. */
  let newest: unknown;

  const remove = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    // What is gone is not to be held.
    if (entry === newest) newest = undefined;
    total -= entry.cost;
    entries.delete(key);
  };

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry === newest) return entry.value;
      entries.delete(key);
      // Under the key that came with the value: the caller's equal one may be a slice that holds a whole body.
      entries.set(entry.key, entry);
      newest = entry;
      return entry.value;
    },
    set(key, value) {
      remove(key);
      const cost = costOf(value);
      if (cost > budget) return;
      for (const oldest of entries.keys()) {
        if (total + cost <= budget) break;
        remove(oldest);
      }
      const entry = { key, value, cost };
      entries.set(key, entry);
      newest = entry;
      total += cost;
    },
    delete: remove,
    get size() {
      return entries.size;
    },
    get cost() {
      return total;
    },
  };
}
