// How old what the caches hold may be, how long a request waits for storage, and how much is kept: every number with
// its unit and its reason. Tests meet each window under, at and over its end. Source: design, "Caching".

/** Windows and bounds of the release and artifact caches. All inclusive: at exactly `freshMs` a release is fresh. */
export interface Freshness {
  /** A release this old is served as it is. Bounds how long a rollback takes to arrive. */
  readonly freshMs: number;
  /** Up to this age it is served while one request refreshes it in the background, so nobody waits for storage. */
  readonly refreshMs: number;
  /** Up to this age it is served when storage fails. A day: an outage that people must have noticed. */
  readonly staleMs: number;
  /** How long a bank without a release is remembered. Seconds, since a bank's first release should just work. */
  readonly unknownMs: number;
  /** After a failed read, how long storage is left alone. One probe a second and bank does not feed an outage. */
  readonly retryMs: number;
  /**
   * How long a request waits for a release, and again for an artifact. Both waits and the call fit into 1.5 s, the
   * deadline unless a caller names another; processors give up after 2 s (Stripe, Adyen).
   */
  readonly storeWaitMs: number;
  /**
   * After this long an unanswered read counts as lost, and a new one is started. Longer than the wait, so that a slow
   * read still fills the cache; under the 30 s for which workerd keeps a `waitUntil` alive.
   */
  readonly readLifetimeMs: number;
  /** Most banks with a release kept. About 2 KiB each. */
  readonly maxBanks: number;
  /** Most banks without one remembered: anyone may ask for random names. Under 2 MiB. */
  readonly maxUnknownBanks: number;
  /** Most artifact bytes kept. Half of a Worker's 128 MiB; several hundred small validators, or five of 12 MB. */
  readonly artifactBudgetBytes: number;
}

export const DEFAULT_FRESHNESS: Freshness = {
  freshMs: 5_000,
  refreshMs: 30_000,
  staleMs: 24 * 60 * 60 * 1000,
  unknownMs: 5_000,
  retryMs: 1_000,
  storeWaitMs: 700,
  readLifetimeMs: 10_000,
  maxBanks: 10_000,
  maxUnknownBanks: 10_000,
  artifactBudgetBytes: 64 * 1024 * 1024,
};
