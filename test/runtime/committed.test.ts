// Components that are committed beside their sources: each is what its record says, of the sources that are there, and
// answers every case the same on both hosts of the sandbox. So the examples are proven without their toolchains.

import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseCases, type Case } from '../../src/authoring/cases.ts';
import { readCommitted, type Committed } from '../../src/authoring/committed.ts';
import { LANGUAGES } from '../../src/authoring/languages/registry.ts';
import { MAX_AMOUNT, MIN_AMOUNT } from '../../src/core/transaction.ts';
import { endingOf } from '../fixtures/attacks.ts';
import { HOSTS, openHost, type Host, type Subject } from '../fixtures/hosts.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/validators');
const LANGUAGES_WITH_COMPONENTS = LANGUAGES.filter(({ bindings }) => bindings !== undefined).map(
  ({ name }) => name,
);
const NAMES = readdirSync(EXAMPLES).filter((name) =>
  LANGUAGES_WITH_COMPONENTS.some((language) => name.endsWith(`-${language}`)),
);

const hosts: Host[] = [];
beforeAll(async () => {
  for (const name of HOSTS) hosts.push(await openHost(name));
});
afterAll(async () => {
  for (const host of hosts) await host[Symbol.asyncDispose]();
});

it('there is one for each language whose toolchain npm does not bring', () => {
  expect(NAMES.map((name) => name.split('-').at(-1)).sort()).toEqual([...LANGUAGES_WITH_COMPONENTS].sort());
});

describe.each(NAMES)('%s', (name) => {
  let committed: Committed;
  let cases: Case[];
  let subject: Subject;
  beforeAll(async () => {
    const found = await readCommitted(join(EXAMPLES, name));
    if (found === undefined) throw new Error(`${name} has no component.wasm and component.json`);
    committed = found;
    cases = parseCases(await readFile(join(EXAMPLES, name, 'cases.json'), 'utf8'), name);
    const [host] = hosts;
    const { limits = {} } = committed.descriptor.language;
    if (host !== undefined) subject = await host.prepare(committed.component, { limits });
  });

  it('is what its sources make, by its record', () => {
    expect(committed.stale).toBeUndefined();
    expect(committed.record).toMatchObject({ bytes: committed.component.byteLength });
    expect(committed.record.toolchain.length).toBeGreaterThan(0);
  });

  it('answers each of its cases, for the same fuel on both hosts', async () => {
    for (const { name: title, expect: expected, reason, evaluatedAtMs, transaction } of cases) {
      const outcomes = [];
      for (const host of hosts) outcomes.push(await host.call(subject, { transaction, evaluatedAtMs }));
      const [outcome] = outcomes;
      if (outcome === undefined) throw new Error('no host');
      expect(endingOf(outcome), title).toBe(expected);
      expect(outcomes[1], title).toEqual(outcome);
      if (reason === undefined || outcome.kind !== 'verdict' || outcome.verdict.kind !== 'deny') continue;
      const { code, message } = outcome.verdict.denial;
      expect({ code, message: message ?? '' }, title).toEqual({ message: message ?? '', ...reason });
    }
  });

  it('has cases for amounts that no double holds, and for both ends of the contract', () => {
    const amounts = cases.map(({ transaction }) => transaction.amount.amount);
    expect(amounts).toEqual(expect.arrayContaining([2n ** 53n + 1n, MAX_AMOUNT, MIN_AMOUNT]));
    expect(new Set(cases.map((asked) => asked.expect))).toEqual(new Set(['approve', 'deny']));
  });

  it('is called stale once its sources or its bytes are others', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-committed-'));
    try {
      const copy = join(scratch, name);
      await cp(join(EXAMPLES, name), copy, { recursive: true });
      expect((await readCommitted(copy))?.stale).toBeUndefined();
      const source = join(copy, committed.descriptor.source);
      const text = await readFile(source, 'utf8');
      await writeFile(source, `${text}\n// a change\n`);
      expect((await readCommitted(copy))?.stale).toContain('its sources');
      await writeFile(source, text);
      await writeFile(join(copy, 'component.wasm'), committed.component.slice(1));
      expect((await readCommitted(copy))?.stale).toContain('another one');
      await rm(join(copy, 'component.wasm'));
      expect(await readCommitted(copy)).toBeUndefined();
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
});
