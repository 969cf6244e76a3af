// Bounds of a component where the publisher takes it, each under, at and over. (Core modules: bundle and inspect.)

import { beforeAll, describe, expect, it } from 'vitest';

import { MAX_COMPONENT_BYTES } from '../../src/core/limits.ts';
import { inspectComponent } from '../../src/publisher/inspect.ts';
import { plainValidator } from '../fixtures/components.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';

/** The component with a custom section behind it, `sizeBytes` in all. */
function padded(component: Uint8Array, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(component);
  // Section 0, its size in five bytes, and a name of one letter; the rest is content.
  const contentBytes = sizeBytes - component.length - 6;
  const size = [0, 7, 14, 21, 28].map(
    (shift, index) => ((contentBytes >>> shift) & 0x7f) | (index < 4 ? 0x80 : 0),
  );
  bytes.set([0, ...size, 1, 0x70], component.length);
  return bytes;
}

describe('a component', () => {
  let component: Uint8Array;
  beforeAll(async () => {
    component = await plainValidator();
  });

  it.each([
    ['under', MAX_COMPONENT_BYTES - 1, MAX_COMPONENT_BYTES - 1],
    ['at', MAX_COMPONENT_BYTES, MAX_COMPONENT_BYTES],
    ['over', MAX_COMPONENT_BYTES + 1, 'too_large'],
  ])('has at most 32 MiB: %s', async (_, sizeBytes, expected) => {
    const result = await inspectComponent(padded(component, sizeBytes), SHARED_TOOLS);
    expect(result.ok ? result.value.sizeBytes : result.refusals[0]?.code).toBe(expected);
  });
});
