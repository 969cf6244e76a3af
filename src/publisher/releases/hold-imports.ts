// A new version that imports what its predecessor did not is held: a validator's reach grows only when a person says so.
// What cannot be compared counts as grown.

import type { Manifest } from '../../artifact/manifest.ts';
import type { Release } from '../../artifact/release.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { quote, type Refusal } from '../refusal.ts';
import type { Tools } from '../workshop/tools.ts';
import { readImportedInterfaces } from './read-artifact.ts';
import type { Standing } from './read-release.ts';

/** The refusal of `manifest` as what follows `standing`; none for a bank's first release. Throws `store_unavailable`. */
export async function refuseNewImports(
  store: ObjectStore,
  bankId: string,
  artifact: string,
  manifest: Manifest,
  standing: Standing,
  tools: Tools | undefined,
): Promise<readonly Refusal[]> {
  // Interfaces of types carry nothing: no function, no resource.
  const reaching = manifest.imports.filter(({ tier }) => tier !== 'types').map((entry) => entry.interface);
  if (reaching.length === 0) return [];
  const refusals: Refusal[] = [];
  // A newer one that is not current counts as well: who hides it must not lower what is asked for.
  for (const previous of [standing.current?.release, standing.newer]) {
    if (previous === undefined || previous.artifact === artifact) continue;
    const before = await readImportedInterfaces(store, previous, tools);
    const grown = reaching.filter((name) => before?.has(name) !== true);
    if (grown.length > 0)
      refusals.push(describeGrowth(bankId, artifact, previous, grown, before === undefined));
  }
  return refusals.slice(0, 1);
}

function describeGrowth(
  bankId: string,
  artifact: string,
  previous: Release,
  grown: readonly string[],
  isUnknown: boolean,
): Refusal {
  const names = grown.map((name) => quote(name)).join(', ');
  const before = isUnknown
    ? `what release ${previous.number} imports cannot be read any more`
    : `release ${previous.number} does not`;
  return {
    code: 'imports_grew',
    message: isUnknown ? `It imports ${names}, and ${before}.` : `It imports ${names}; ${before}.`,
    where: artifact,
    fix: `Look at it with "wasmpay diff ${bankId} ${artifact}"; if that is meant: wasmpay activate ${bankId} ${artifact} --accept-imports`,
  };
}
