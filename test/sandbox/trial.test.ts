// The trial on the production sandbox, on real components.

import { describe, expect, it } from 'vitest';

import { readArtifact, type Artifact } from '../../src/artifact/artifact.ts';
import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import type { SandboxPolicy } from '../../src/artifact/release.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { runTrial } from '../../src/sandbox/node/trial.ts';
import { artifactKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';

const signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));

async function prepare(component: Uint8Array): Promise<{ artifact: Artifact; policy: SandboxPolicy }> {
  const store = createMemoryStore();
  const published = await publishComponent({
    bankId: 'trial',
    component: new Uint8Array(component),
    store,
    signingKey,
    audience: 'test',
    policy: DEFAULT_POLICY,
    clock: () => Date.now(),
    stopwatch: () => 0,
    tools: SHARED_TOOLS,
  });
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
  const { artifact, release } = published.value;
  const found = await store.get(artifactKey(artifact.slice('sha256:'.length)));
  if (found.kind !== 'found') throw new Error('not stored');
  return { artifact: await readArtifact(found.object.bytes, artifact), policy: release.policy };
}

describe('the trial', () => {
  it('passes a validator that answers, and tells its fuel', async () => {
    const { artifact, policy } = await prepare(await validatorFromCoreWat({ validateBody: 'i32.const 1' }));
    const verdict = runTrial(artifact, policy);
    expect(verdict).toMatchObject({ ok: true, probes: 7 });
    expect(verdict.ok && verdict.leastFuel > 0 && verdict.mostFuel >= verdict.leastFuel).toBe(true);
    expect(runTrial(artifact, policy), 'and is repeatable').toEqual(verdict);
  });

  it.each([
    [1, 'i32.const 1'],
    [4, '(drop (memory.grow (i32.const 3))) i32.const 1'],
  ])('tells its memory: %d pages', async (pages, validateBody) => {
    const { artifact, policy } = await prepare(await validatorFromCoreWat({ validateBody }));
    expect(runTrial(artifact, policy)).toMatchObject({ ok: true, mostPages: pages });
  });

  it.each([
    ['traps', 'unreachable', /trap/],
    ['never ends', '(loop br 0) unreachable', /fuel_exhausted/],
    ['answers something else than a bool', 'i32.const 2', /bad_output/],
  ])('fails one that %s', async (_, validateBody, problem) => {
    const { artifact, policy } = await prepare(await validatorFromCoreWat({ validateBody }));
    const verdict = runTrial(artifact, policy);
    expect(verdict).toMatchObject({ ok: false, probe: 'plain' });
    expect(verdict.ok ? '' : verdict.problem).toMatch(problem);
  });

  it('sees no difference that a validator tries to make the second time', async () => {
    // Counts its calls in a global, and in memory, and denies from the second on.
    const { artifact, policy } = await prepare(
      await validatorFromCoreWat({
        extra: '(global $calls (mut i32) (i32.const 0))',
        validateBody: `
          (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (i32.and (i32.eq (global.get $calls) (i32.const 1)) (i32.eq (i32.load (i32.const 0)) (i32.const 1)))`,
      }),
    );
    expect(runTrial(artifact, policy)).toMatchObject({ ok: true });
  });
});
