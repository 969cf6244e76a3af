// The sandbox in workerd: one isolate per artifact through the Worker Loader binding. The loader has sharp edges
// (an id whose load failed stays broken for the life of the process, and ids are billed by the day), so everything
// about ids is decided here.

import type { WorkerLoader, WorkerLoaderWorkerCode } from '@cloudflare/workers-types';

import type { Artifact } from '../../artifact/artifact.ts';
import { sha256, hexOf } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import type { Clock } from '../../core/clock.ts';
import type { Failure } from '../../core/failure.ts';
import { longestHoldMs } from '../../core/guest-limits.ts';
import type { CallOutcome, GuestCall, Sandbox } from '../sandbox.ts';
import { createGuestModules, MAIN_MODULE } from './guest-module.ts';
import { createIsolates } from './isolates.ts';

/** Behaviour of workerd that the child is written for. Part of the loader id. */
const COMPATIBILITY_DATE = '2026-07-01';

/**
 * What Cloudflare lets one call of a child use: at least half a second, and three times what the worst guest takes under
 * its release's limits (several transactions in one call take up to twice as long), so that its fuel and not the platform's patience decides. Open-source workerd does not enforce it. No
 * sub-requests: a guest has nobody to call.
 */
function childLimits({ limits }: SandboxPolicy): { cpuMs: number; subRequests: number } {
  return { cpuMs: Math.max(500, 3 * Math.ceil(longestHoldMs(limits))), subRequests: 0 };
}

/**
 * How long an artifact that did not load is left alone, milliseconds: first and longest pause. Each new try costs a
 * new loader id, and ids are billed. The pause doubles with every failed try.
 */
export const FIRST_RETRY_MS = 1_000;
export const LONGEST_RETRY_MS = 5 * 60_000;

/** Most artifacts whose trouble is remembered per isolate; the oldest is forgotten first. */
const MAX_REMEMBERED = 10_000;

export interface WorkerdSandboxOptions {
  readonly loader: Pick<WorkerLoader, 'get'>;
  /** Our bundled child module. */
  readonly childSource: string;
  readonly clock: Clock;
  /**
   * Keeps work going after the response. A load whose request ended first would break its id for good, so every
   * call is handed over.
   */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  /**
   * Most isolates that are kept: for open-source workerd, in one process. Not for Cloudflare, which evicts by itself, and
   * where another gateway's call may be running in the same isolate.
   */
  readonly maxIsolates?: number;
}

/** Trouble with loading one artifact under one policy. */
interface LoadTrouble {
  /** Part of the loader id: a new one where the old one is broken. Never goes back. */
  generation: number;
  /** 0 once the newest generation has answered. */
  pauseMs: number;
  retryAtMs: number;
}

interface GuestStub {
  call(call: GuestCall): Promise<CallOutcome>;
  callSeveral(calls: readonly GuestCall[]): Promise<readonly CallOutcome[]>;
  /** Ends the isolate; always rejects. */
  retire(): Promise<never>;
}

/** A sandbox over the Worker Loader binding. */
export function createWorkerdSandbox(options: WorkerdSandboxOptions): Sandbox {
  const { loader, childSource, clock, waitUntil, maxIsolates = Infinity } = options;
  const idOf = createIdentifier(childSource);
  const troubles = new Map<string, LoadTrouble>();
  const isolates = createIsolates(maxIsolates);

  /** What `perform` gives of the artifact's isolate; else why there is none, or none any more. */
  const visit = async <T>(
    artifact: Artifact,
    policy: SandboxPolicy,
    perform: (stub: GuestStub) => Promise<T>,
  ): Promise<T | Failure> => {
    const id = await idOf(artifact, policy);
    const trouble = troubles.get(id);
    if (trouble !== undefined && clock() < trouble.retryAtMs) return LEFT_ALONE;
    const generation = trouble?.generation ?? 0;
    const loaderId = `${id}.${generation}`;
    const open = (): GuestStub => {
      // The callback must not throw, and has nothing to wait for: the artifact's bytes are here and verified.
      const worker = loader.get(loaderId, () => createWorkerCode(artifact, policy, childSource));
      return worker.getEntrypoint() as unknown as GuestStub;
    };
    const leave = await isolates.enter(loaderId, () => {
      const end = open().retire().catch(ignore);
      waitUntil(end);
      return end;
    });
    try {
      const pending = perform(open());
      waitUntil(pending.then(ignore, ignore));
      const given = await pending;
      if (trouble !== undefined) trouble.pauseMs = 0;
      return given;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'load_failed') remember(troubles, id, generation, clock());
      return failure;
    } finally {
      leave();
    }
  };

  return {
    async call(artifact, policy, call) {
      const given = await visit(artifact, policy, (stub) => stub.call(call));
      return 'code' in given ? failed(given) : given;
    },
    async callSeveral(artifact, policy, calls) {
      const given = await visit(artifact, policy, (stub) => stub.callSeveral(calls));
      // None of them is known to have ended: those after the first are for another call.
      return 'code' in given ? [failed(given)] : given;
    },
  };
}

function createWorkerCode(
  artifact: Artifact,
  policy: SandboxPolicy,
  childSource: string,
): WorkerLoaderWorkerCode {
  return {
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: MAIN_MODULE,
    modules: createGuestModules(artifact, policy, childSource),
    env: {},
    globalOutbound: null,
    limits: childLimits(policy),
  };
}

/**
 * Names children: a digest of everything that their behaviour depends on, so that the same artifact under the same
 * policy has one id on every isolate and every day, and anything else has another.
 */
function createIdentifier(
  childSource: string,
): (artifact: Artifact, policy: SandboxPolicy) => Promise<string> {
  const child = JSON.stringify({ childSource, COMPATIBILITY_DATE });
  const ids = new WeakMap<Artifact, WeakMap<SandboxPolicy, string>>();
  return async (artifact, policy) => {
    const known = ids.get(artifact) ?? new WeakMap<SandboxPolicy, string>();
    const id = known.get(policy);
    if (id !== undefined) return id;
    const parts = JSON.stringify([artifact.digest, policy, childLimits(policy), child]);
    const made = hexOf(await sha256(new TextEncoder().encode(parts)));
    known.set(policy, made);
    ids.set(artifact, known);
    return made;
  };
}

/** Leaves a broken id behind. Of several calls that met the same broken generation, the first one counts. */
function remember(troubles: Map<string, LoadTrouble>, id: string, generation: number, nowMs: number): void {
  const before = troubles.get(id);
  if (before !== undefined && before.generation !== generation) return;
  const pauseMs = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, 2 * (before?.pauseMs ?? 0)));
  troubles.delete(id);
  troubles.set(id, { generation: generation + 1, pauseMs, retryAtMs: nowMs + pauseMs });
  for (const oldest of troubles.keys()) {
    if (troubles.size <= MAX_REMEMBERED) break;
    troubles.delete(oldest);
  }
}

const LEFT_ALONE: Failure = { code: 'load_failed', detail: 'left alone after a failed load' };

/**
 * What a call means that the child did not answer. It answers whatever a guest does, so either it did not load, or
 * the platform ended it for what it used (Cloudflare's wording; open-source workerd has no such limits).
 */
function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : '';
  if (/exceeded CPU/i.test(message)) return { code: 'fuel_exhausted', detail: 'ended by the platform: CPU' };
  if (/exceeded memory/i.test(message))
    return { code: 'memory_exceeded', detail: 'ended by the platform: memory' };
  return { code: 'load_failed', detail: 'did not load' };
}

function failed(failure: Failure): CallOutcome {
  return { kind: 'failure', failure, fuel: 0 };
}

function ignore(): void {
  // The outcome is judged where it is awaited.
}
