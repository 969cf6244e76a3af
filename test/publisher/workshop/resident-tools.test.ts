// The tools in a thread say what the confined ones say.

import { afterAll, describe, expect, it } from 'vitest';

import { createResidentTools } from '../../../src/publisher/workshop/resident-tools.ts';
import { CONFINED_TOOLS } from '../../../src/publisher/workshop/tools.ts';
import { transpileComponent } from '../../../src/publisher/transpile.ts';
import { inspectComponent } from '../../../src/publisher/inspect.ts';
import { plainValidator, validatorFromCoreWat } from '../../fixtures/components.ts';

const tools = createResidentTools();
afterAll(() => tools[Symbol.asyncDispose]());

/** Bytes as bytes: a process gives buffers, a thread gives arrays. */
function plainOf(result: Awaited<ReturnType<typeof transpileComponent>>): object {
  if (!result.ok) throw new Error('refused');
  return { ...result.value, coreModules: result.value.coreModules.map((bytes) => new Uint8Array(bytes)) };
}

describe('resident tools', () => {
  it('print the same WIT and write the same glue, the first time and the second', async () => {
    const component = await plainValidator();
    const confined = await inspectComponent(component, CONFINED_TOOLS);
    if (!confined.ok) throw new Error('refused');
    const glue = await transpileComponent(component, confined.value.names, CONFINED_TOOLS);
    for (let round = 0; round < 2; round += 1) {
      expect(await inspectComponent(component, tools)).toEqual(confined);
      const again = await transpileComponent(component, confined.value.names, tools);
      expect(plainOf(again)).toEqual(plainOf(glue));
    }
  });

  it('say what is no component, and go on with the next', async () => {
    const none = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 255, 255, 255);
    expect((await tools.printWit(none)).kind).not.toBe('wit');
    expect(await tools.generate(none, {})).toMatchObject({ ok: false });
    const other = await validatorFromCoreWat({ validateBody: 'i32.const 0' });
    expect(await tools.printWit(other)).toMatchObject({ kind: 'wit' });
  });

  it('answer two at once', async () => {
    const [first, second] = [await plainValidator(), await validatorFromCoreWat({ memoryPages: 2 })];
    const answers = await Promise.all([tools.printWit(first), tools.printWit(second)]);
    expect(answers.map(({ kind }) => kind)).toEqual(['wit', 'wit']);
  });
});
