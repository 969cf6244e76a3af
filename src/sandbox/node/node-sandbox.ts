// The sandbox in Node: in-process, with V8 of Node compiling. Nothing here bounds a guest but its meter, which is what
// makes it safe. The glue is evaluated only because its digest was in a signed release, and its check is part of what
// the publisher signs.

import { Script } from 'node:vm';

import { coreModuleName, type Artifact } from '../../artifact/artifact.ts';
import { bytesOfHex, hexOf } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { WasmpayError } from '../../core/error.ts';
import type { Failure } from '../../core/failure.ts';
import { GUEST_LIMIT_RULES } from '../../core/guest-limits.ts';
import { holdsMemory, holdsStack } from '../engine-proof.ts';
import type { GuestCode, Instantiate } from '../guest-instance.ts';
import {
  callSeveral,
  createGuestPool,
  failed,
  outcomeOf,
  type GuestPool,
  type PoolCall,
} from '../guest-pool.ts';
import type { GuestCall, Sandbox } from '../sandbox.ts';
import { STACK_PROBE } from '../stack-probe.ts';

/** What glue starts with: the one function that it exports. */
const GLUE_PREFIX = 'export function instantiate(';

/** A sandbox that also gives what the guest printed: for authors' tools and the trial. */
export interface NodeSandbox extends Sandbox {
  run(artifact: Artifact, policy: SandboxPolicy, call: GuestCall): PoolCall;
  /** As {@link GuestPool.readState}. */
  readState(artifact: Artifact, policy: SandboxPolicy): readonly unknown[] | undefined;
}

/**
 * A sandbox of this process. Compiled code and an instance are kept for as long as the artifact object is. Throws
 * `config_invalid` where this process cannot hold what a release may allow a guest.
 */
export function createNodeSandbox(): NodeSandbox {
  proveEngine();
  const pools = new WeakMap<Artifact, WeakMap<SandboxPolicy, GuestPool>>();

  const poolOf = (artifact: Artifact, policy: SandboxPolicy): GuestPool => {
    const known = pools.get(artifact) ?? new WeakMap<SandboxPolicy, GuestPool>();
    pools.set(artifact, known);
    const pool = known.get(policy) ?? load(artifact, policy);
    known.set(policy, pool);
    return pool;
  };

  const run: NodeSandbox['run'] = (artifact, policy, call) => poolOf(artifact, policy).call(call);
  return {
    run,
    readState: (artifact, policy) => poolOf(artifact, policy).readState(),
    call: (artifact, policy, call) => Promise.resolve(outcomeOf(run(artifact, policy, call))),
    callSeveral: (artifact, policy, calls) =>
      Promise.resolve(callSeveral(poolOf(artifact, policy), calls, policy.limits.fuel)),
  };
}

let isProven = false;

/** Once per process: what it was started with does not change. */
function proveEngine(): void {
  if (isProven) return;
  const stackBytes = GUEST_LIMIT_RULES.stackBytes.most;
  if (!holdsStack(new WebAssembly.Module(STACK_PROBE), stackBytes)) {
    throw new WasmpayError(
      'config_invalid',
      `the engine's stack is too small for a guest's ${stackBytes} bytes; start Node without --stack-size, or with 984`,
    );
  }
  const pages = GUEST_LIMIT_RULES.memoryPages.most;
  if (!holdsMemory(pages)) {
    throw new WasmpayError(
      'config_invalid',
      `the engine gives a guest no memory of ${pages} pages; start Node without --wasm-max-mem-pages, and with more address space`,
    );
  }
  isProven = true;
}

/** Compiles an artifact for instances under `policy`. Throws what V8 throws. */
export function compileGuest(artifact: Artifact, policy: SandboxPolicy): GuestCode {
  return {
    instantiate: evaluateGlue(artifact.glue),
    coreModules: new Map(
      artifact.coreModules.map((bytes, index) => [
        coreModuleName(index),
        new WebAssembly.Module(bytes.slice()),
      ]),
    ),
    contract: artifact.manifest.contract,
    imports: artifact.manifest.imports,
    grants: policy.grants,
    limits: policy.limits,
    metering: artifact.manifest.metering,
    seed: bytesOfHex(hexOf(artifact.digest)),
  };
}

/** A pool; one that fails every call where the artifact does not load. */
function load(artifact: Artifact, policy: SandboxPolicy): GuestPool {
  try {
    return createGuestPool(compileGuest(artifact, policy));
  } catch (error) {
    const failure: Failure = {
      code: 'load_failed',
      detail: error instanceof Error ? error.name : typeof error,
    };
    return { call: () => failed(failure, 0), readState: () => undefined };
  }
}

/** The glue's `instantiate`. A script, unlike a module, is freed with its last function. */
function evaluateGlue(glue: string): Instantiate {
  if (!glue.startsWith(GLUE_PREFIX)) throw new SyntaxError('glue does not start with its export');
  const script = new Script(`'use strict';(${glue.slice('export '.length)})`, { filename: 'glue.js' });
  return script.runInThisContext() as Instantiate;
}
