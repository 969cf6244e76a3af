import { once } from 'node:events';
import { connect } from 'node:net';

import { expect, it } from 'vitest';

import { createGroups, MOST_IN_GROUP } from '../../src/entry/in-groups.ts';
import { startNodeServer } from '../../src/entry/node-server.ts';

/** Groups whose turns the test gives. */
function groupsByHand(most?: number) {
  const turns: (() => void)[] = [];
  return { add: createGroups(most, (start) => turns.push(start)), turns };
}

it('starts what was handed in until its turn, in order, and nothing before', () => {
  const { add, turns } = groupsByHand();
  const started: number[] = [];
  for (const name of [1, 2, 3]) add(() => started.push(name));
  expect([started, turns.length]).toEqual([[], 1]);
  turns[0]?.();
  expect(started).toEqual([1, 2, 3]);
});

it.each([
  ['under', MOST_IN_GROUP - 1, [MOST_IN_GROUP - 1]],
  ['at', MOST_IN_GROUP, [MOST_IN_GROUP]],
  ['over', MOST_IN_GROUP + 1, [MOST_IN_GROUP, 1]],
  ['at twice', 2 * MOST_IN_GROUP, [MOST_IN_GROUP, MOST_IN_GROUP]],
])('has at most so many in a group: %s', (_name, count, sizes) => {
  const { add, turns } = groupsByHand();
  let started = 0;
  for (let index = 0; index < count; index += 1) add(() => (started += 1));
  expect(
    turns.map((turn) => {
      started = 0;
      turn();
      return started;
    }),
  ).toEqual(sizes);
});

it('gives what comes while a group starts a turn of its own', () => {
  const { add, turns } = groupsByHand();
  const started: string[] = [];
  add(() => {
    started.push('first');
    add(() => started.push('later'));
  });
  add(() => started.push('second'));
  turns[0]?.();
  expect([started, turns.length]).toEqual([['first', 'second'], 2]);
  turns[1]?.();
  expect(started).toEqual(['first', 'second', 'later']);
});

it('takes each step for all of a group, and a full group’s steps before the next one’s', async () => {
  const add = createGroups(2);
  const steps: string[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map(
      (name) =>
        new Promise<void>((resolve) =>
          add(() => {
            void (async () => {
              for (const step of [1, 2, 3]) {
                steps.push(`${name}${step}`);
                await Promise.resolve();
              }
              resolve();
            })();
          }),
        ),
    ),
  );
  expect(steps).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'c1', 'c2', 'c3']);
});

it('answers each of many callers at once with its own answer, whoever goes away before its turn', async () => {
  const server = await startNodeServer(async (request) => new Response(await request.text()), '127.0.0.1', 0);
  try {
    const { port } = new URL(server.url);
    const callers = Array.from({ length: 3 * MOST_IN_GROUP }, async (_, index) => {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      const body = `of ${index}`;
      const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n`;
      socket.write(`${head}connection: close\r\n\r\n${body}`);
      if (index % 3 === 0) {
        socket.resetAndDestroy();
        return body;
      }
      let text = '';
      for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
      return text.split('\r\n\r\n')[1];
    });
    expect(await Promise.all(callers)).toEqual(callers.map((_, index) => `of ${index}`));
  } finally {
    await server.end(0);
  }
});
