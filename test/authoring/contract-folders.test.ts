import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { WIT_PATH } from '../fixtures/components.ts';

test('both folders of WIT name the same messaging package', () => {
  const [first, second] = ['deps', '0.2.0/deps'].map((folder) =>
    readFileSync(join(WIT_PATH, folder, 'wasmcloud-messaging-0.2.0.wit'), 'utf8'),
  );
  expect(first).toBe(second);
});
