// Brings a bank to what is wished for it. Nothing here makes a release in a way of its own: a difference is ended by what
// `publish`, `activate`, `no-validator`, `disable` and `enable` call, with all of their gates. A bank is switched off before,
// and on after its release is made, so that it never runs what is not wished while the wish is carried out.

import { sha256, type Digest } from '../../artifact/digest.ts';
import type { Fallback } from '../../artifact/release.ts';
import { prepareComponent, type Prepared } from '../prepare.ts';
import { publishComponent, type PublishOptions } from '../publish.ts';
import type { Refusal, Result } from '../refusal.ts';
import { DEFAULT_VALIDITY_DAYS, refuseOtherHolder } from '../release.ts';
import { activateCandidate } from './activate.ts';
import {
  compareWish,
  type Comparison,
  type Difference,
  type Wish,
  type WishedComponent,
} from './compare-wish.ts';
import { refuseNewImports } from './hold-imports.ts';
import { unknownBank, type ReleaseDesk } from './next-release.ts';
import { releaseNoValidator } from './no-validator.ts';
import { readComponentBytes } from './read-artifact.ts';
import { readStanding, type ReleaseSource, type Standing } from './read-release.ts';
import { disableBank, enableBank } from './switch.ts';

/** What a wish is carried out with, besides the bucket. */
export interface ReconcileOptions extends Pick<
  PublishOptions,
  'policy' | 'strict' | 'trialScript' | 'tools' | 'stopwatch' | 'onStage'
> {
  /** The component's bytes where they are not in the bucket; undefined where they are. */
  readonly readComponent?: () => Promise<Uint8Array<ArrayBuffer>>;
  /** The cases of the bank: why the component may not be released, if it may not. */
  readonly judge?: (component: Uint8Array<ArrayBuffer>) => Promise<readonly Refusal[]>;
  /** The artifact whose new imports a person accepted. */
  readonly acceptImports?: Digest;
}

/** What came of one bank. */
export interface Reconciled {
  /** `changed`: it is as wished now; `would_change`: of a rehearsal. */
  readonly kind: 'unchanged' | 'changed' | 'would_change';
  readonly differences: readonly Difference[];
  /** Numbers of the releases that were made, in their order. */
  readonly numbers: readonly number[];
  /** What every transaction gets now, where the bank is switched off and nothing else is wished. */
  readonly off?: Fallback;
}

/** A bank that was not brought to its wish: why, and what was done before that. */
export interface Refused {
  readonly refusals: readonly Refusal[];
  readonly differences: readonly Difference[];
  readonly numbers: readonly number[];
}

export type Reconciliation =
  { readonly ok: true; readonly value: Reconciled } | ({ readonly ok: false } & Refused);

/** Whether there is anything to do for a bank: two reads and no write. Throws as {@link readStanding}. */
export async function compareBank(source: ReleaseSource, wish: Wish, nowS: number): Promise<Comparison> {
  return compareWish(await readStanding(source, wish.slug), wish, nowS);
}

/**
 * Makes the releases that bring the bank to `wish`; none where it is there. Throws what the actions throw; what was done
 * before that stays, and running it again goes on from there.
 */
export async function reconcileBank(
  desk: ReleaseDesk,
  wish: Wish,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const task = await openTask(desk, wish, desk.clock() / 1000);
  if ('ok' in task) return task;
  const { comparison, differences, numbers, refuse } = task;
  const { slug } = wish;
  const validityDays = wish.validityDays ?? DEFAULT_VALIDITY_DAYS;
  if (comparison.switch !== undefined && typeof wish.switch === 'object') {
    const disabled = await disableBank(desk, slug, { answer: wish.switch.answer, validityDays });
    if (!disabled.ok) return refuse(disabled.refusals);
    numbers.push(disabled.value.release.number);
  }
  // Switching off made a release above whatever was stored: compared again, there may be nothing more to do.
  const rest =
    numbers.length === 0 ? comparison : await compareBank(desk, wish, Math.floor(desk.clock() / 1000));
  if (rest.release.length > 0) {
    const released =
      wish.runs === 'none'
        ? await releaseNone(desk, wish, validityDays)
        : await releaseComponent(desk, wish, wish.runs, validityDays, options);
    if (!released.ok) return refuse(released.refusals);
    numbers.push(released.value);
  }
  if (comparison.switch !== undefined && wish.switch === 'on') {
    const enabled = await enableBank(desk, slug, { validityDays });
    // Someone else was quicker.
    if (!enabled.ok && enabled.refusals.some(({ code }) => code !== 'not_disabled'))
      return refuse(enabled.refusals);
    if (enabled.ok) numbers.push(enabled.value.release.number);
  }
  return { ok: true, value: { kind: 'changed', differences, numbers, ...offOf(comparison, wish) } };
}

/** What {@link reconcileBank} would do: the same gates, without a key and without a write. */
export async function rehearseBank(
  source: ReleaseSource,
  wish: Wish,
  nowS: number,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const task = await openTask(source, wish, nowS);
  if ('ok' in task) return task;
  const { standing, comparison, differences, numbers, refuse } = task;
  if (typeof wish.switch === 'object' && standing.current === undefined && standing.newer === undefined) {
    const unknown = unknownBank(wish.slug);
    if (!unknown.ok) return refuse(unknown.refusals);
  }
  if (comparison.release.length > 0 && wish.runs !== 'none') {
    const rehearsed = await rehearseComponent(source, wish, wish.runs, standing, options);
    if (!rehearsed.ok) return refuse(rehearsed.refusals);
  }
  return {
    ok: true,
    value: { kind: 'would_change', differences, numbers, ...offOf(comparison, wish) },
  };
}

/** What there is to do for a bank. */
interface Task {
  readonly standing: Standing;
  readonly comparison: Comparison;
  readonly differences: readonly Difference[];
  /** Of the releases that are made. */
  readonly numbers: number[];
  readonly refuse: (refusals: readonly Refusal[]) => Reconciliation;
}

/** Opens the task of a bank; its end where it may not be done, or there is nothing to do. */
async function openTask(source: ReleaseSource, wish: Wish, nowS: number): Promise<Task | Reconciliation> {
  const standing = await readStanding(source, wish.slug);
  const comparison = compareWish(standing, wish, nowS);
  const differences = differencesOf(comparison);
  const numbers: number[] = [];
  const refuse = (refusals: readonly Refusal[]): Reconciliation => ({
    ok: false,
    refusals,
    differences,
    numbers,
  });
  const taken = refuseOtherHolder(standing, wish.bankId, wish.slug);
  if (taken !== undefined) return refuse([taken]);
  if (differences.length === 0) return { ok: true, value: unchangedBank(comparison, wish) };
  return { standing, comparison, differences, numbers, refuse };
}

async function releaseNone(
  desk: ReleaseDesk,
  { bankId }: Wish,
  validityDays: number,
): Promise<Result<number>> {
  const released = await releaseNoValidator(desk, bankId, { validityDays });
  return released.ok ? { ok: true, value: released.value.release.number } : released;
}

async function releaseComponent(
  desk: ReleaseDesk,
  { bankId }: Wish,
  runs: WishedComponent,
  validityDays: number,
  { readComponent, judge, acceptImports, ...tools }: ReconcileOptions,
): Promise<Result<number>> {
  const component = await openComponent(desk, runs, readComponent, judge);
  if (!component.ok) return component;
  const { component: _, ...terms } = runs;
  const options: PublishOptions = {
    ...desk,
    ...tools,
    ...terms,
    bankId,
    validityDays,
    component: component.value,
  };
  const published = await publishComponent(options);
  if (published.ok) return { ok: true, value: published.value.release.number };
  const held = published.refusals.find(({ code }) => code === 'imports_grew');
  if (held === undefined || acceptImports === undefined || held.where !== acceptImports)
    return { ok: false, refusals: published.refusals };
  // What was held waits now, and a person named it.
  const activated = await activateCandidate({ ...options, artifact: acceptImports, acceptImports: true });
  return activated.ok ? { ok: true, value: activated.value.release.number } : activated;
}

async function rehearseComponent(
  source: ReleaseSource,
  { bankId }: Wish,
  runs: WishedComponent,
  standing: Standing,
  { readComponent, judge, acceptImports, ...tools }: ReconcileOptions,
): Promise<Result<Prepared>> {
  const component = await openComponent(source, runs, readComponent, judge);
  if (!component.ok) return component;
  const prepared = await prepareComponent({ ...tools, limits: runs.limits, component: component.value }, []);
  if (!prepared.ok) return prepared;
  const { digest, manifest } = prepared.value.bundle;
  if (digest === acceptImports) return prepared;
  const { store } = source;
  const grown = await refuseNewImports(store, bankId, digest, manifest, standing, tools.tools);
  return grown.length === 0 ? prepared : { ok: false, refusals: grown };
}

/** The bytes that the wish names by their digest, and no others, once they have passed the bank's cases. */
async function openComponent(
  { store }: ReleaseSource,
  { component }: WishedComponent,
  readComponent: ReconcileOptions['readComponent'],
  judge: ReconcileOptions['judge'],
): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const bytes =
    readComponent === undefined ? await readComponentBytes(store, component) : await readComponent();
  if (bytes !== undefined && (await sha256(bytes)) === component) {
    const refusals = (await judge?.(bytes)) ?? [];
    return refusals.length === 0 ? { ok: true, value: bytes } : { ok: false, refusals };
  }
  const refusal: Refusal = {
    code: 'component_missing',
    message: 'The component is missing from the store, or other bytes are in its place.',
    where: component,
    fix: 'Name the component by its file, or publish it with --no-activate first.',
  };
  return { ok: false, refusals: [refusal] };
}

function differencesOf(comparison: Comparison): Difference[] {
  return [...comparison.release, ...(comparison.switch === undefined ? [] : [comparison.switch])];
}

/** What is said of a bank that is as it is wished. */
export function unchangedBank(comparison: Comparison, wish: Wish): Reconciled {
  return { kind: 'unchanged', differences: [], numbers: [], ...offOf(comparison, wish) };
}

/** That the bank is off, where nobody wishes it to be on. */
function offOf({ off }: Comparison, wish: Wish): { off?: Fallback } {
  if (typeof wish.switch === 'object') return { off: wish.switch.answer };
  return wish.switch === 'keep' && off !== undefined ? { off } : {};
}
