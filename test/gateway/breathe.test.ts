import { expect, test } from 'vitest';

import { createBreath } from '../../src/gateway/breathe.ts';

test('each that waits gets a turn of its own, in order, and so do those that come meanwhile', async () => {
  const turns: (() => void)[] = [];
  const said: string[] = [];
  const breathe = createBreath((go) => turns.push(go));
  const wait = (name: string): void => void breathe().then(() => said.push(name));
  const turn = async (): Promise<void> => {
    for (const go of turns.splice(0)) go();
    await Promise.resolve();
    await Promise.resolve();
  };
  wait('a');
  wait('b');
  expect(turns).toHaveLength(1);
  await turn();
  expect(said).toEqual(['a']);
  wait('c');
  await turn();
  expect(said).toEqual(['a', 'b']);
  await turn();
  expect(said).toEqual(['a', 'b', 'c']);
  expect(turns).toHaveLength(0);
  wait('d');
  await turn();
  expect(said).toEqual(['a', 'b', 'c', 'd']);
});
