// Requests that come at the same time go on together. Answered one by one, each of them waits for the kernel between two
// others: the code of every step is fetched anew, and a client sees one answer at a time, so that what it sends next also
// comes one at a time. In groups each step is taken for all before the next one is.

/**
 * Most requests of a group. Half of what there is to gain is gained by four; the first of a group waits until all of
 * them are decided.
 */
export const MOST_IN_GROUP = 16;

/**
 * Gives what starts work in groups of at most `most`: all that is handed in until `soon` calls back, in the order in which
 * it came. Alone, work starts as soon. What work throws is its own: it must not.
 */
export function createGroups(
  most = MOST_IN_GROUP,
  soon: (start: () => void) => void = setImmediate,
): (work: () => void) => void {
  /** The group that has room. */
  let open: (() => void)[] | undefined;
  return (work) => {
    if (open === undefined) {
      const group: (() => void)[] = [];
      open = group;
      soon(() => {
        if (open === group) open = undefined;
        for (const start of group) start();
      });
    }
    open.push(work);
    // The next one has a turn of its own, so that promises of this one go on first.
    if (open.length === most) open = undefined;
  };
}
