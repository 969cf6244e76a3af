import { describe, expect, it } from 'vitest';

import { hexOf, sha256, type Digest } from '../../src/artifact/digest.ts';
import { HOST_ABI } from '../../src/artifact/manifest.ts';
import type { Bundle } from '../../src/publisher/bundle.ts';
import { storeArtifact } from '../../src/publisher/store.ts';
import { artifactKey, componentKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createFaultStore } from '../fixtures/fault-store.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

async function objects(): Promise<{ component: { digest: Digest; bytes: Uint8Array }; bundle: Bundle }> {
  const component = bytesOf('a component');
  const bytes = bytesOf('an artifact');
  const digest = await sha256(component);
  const manifest = {
    schema: 'wasmpay-artifact/1',
    hostAbi: HOST_ABI,
    contract: 'wasmpay:platform@0.1.0',
    component: digest,
    imports: [],
    exports: [],
    metering: NO_MEMORY,
    coreModules: 1,
  } as const;
  return {
    component: { digest, bytes: component },
    bundle: { digest: await sha256(bytes), manifest, bytes },
  };
}

describe('storing', () => {
  it('writes both objects under their digests, once', async () => {
    const store = createMemoryStore();
    const { component, bundle } = await objects();
    expect(await storeArtifact(store, component, bundle)).toEqual({ component: true, artifact: true });
    expect(await storeArtifact(store, component, bundle)).toEqual({ component: false, artifact: false });
    const keys = (await store.list({ prefix: '' })).objects.map(({ key }) => key);
    expect(keys).toEqual([artifactKey(hexOf(bundle.digest)), componentKey(hexOf(component.digest))]);
  });

  it('writes what is missing of the two', async () => {
    const store = createMemoryStore();
    const { component, bundle } = await objects();
    await storeArtifact(store, component, bundle);
    await store.delete(artifactKey(hexOf(bundle.digest)));
    expect(await storeArtifact(store, component, bundle)).toEqual({ component: false, artifact: true });
  });

  it.each(['component', 'artifact'] as const)(
    'is store_conflict where other bytes sit under the digest of the %s, and leaves them',
    async (which) => {
      const store = createMemoryStore();
      const { component, bundle } = await objects();
      const key =
        which === 'component' ? componentKey(hexOf(component.digest)) : artifactKey(hexOf(bundle.digest));
      await store.put(key, bytesOf('planted'), { kind: 'absent' });
      await expect(storeArtifact(store, component, bundle)).rejects.toMatchObject({ code: 'store_conflict' });
      expect(await store.get(key)).toMatchObject({ object: { bytes: bytesOf('planted') } });
    },
  );

  it('is store_conflict where the object in the way is gone when it is looked at', async () => {
    const store = createFaultStore();
    const { component, bundle } = await objects();
    await storeArtifact(store, component, bundle);
    store.fault = () => ({ kind: 'missing' });
    await expect(storeArtifact(store, component, bundle)).rejects.toMatchObject({ code: 'store_conflict' });
  });

  it('is store_unavailable where the object in the way cannot be read', async () => {
    const store = createFaultStore();
    const { component, bundle } = await objects();
    await storeArtifact(store, component, bundle);
    store.fault = () => ({ kind: 'fail' });
    await expect(storeArtifact(store, component, bundle)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
