// Guests that use what they were not given, abuse what they were, or import what nobody is given.

import { componentize } from 'componentize-qjs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { MAX_OUTPUT_BYTES } from '../../src/sandbox/guest-state.ts';
import { createNodeSandbox } from '../../src/sandbox/node/node-sandbox.ts';
import { attack, describeAttacks, describeRefused } from '../fixtures/attacks.ts';
import { validatorWithWorld } from '../fixtures/components.ts';
import { platformWorld } from '../fixtures/glue-components.ts';
import {
  GOOD,
  HOSTILE,
  hostileValidator,
  wasi,
  wasiWorld,
  type HostileCore,
} from '../fixtures/hostile-validator.ts';
import { guestCall, publish } from '../fixtures/hosts.ts';

const STDOUT = {
  world: wasiWorld('cli/stdout', 'io/streams'),
  imports: `${wasi('cli/stdout', 'get-stdout', '$stdout (result i32)')}
    ${wasi('io/streams', '[method]output-stream.write', '$write (param i32 i32 i32 i32)')}
    ${wasi('io/streams', '[method]output-stream.write-zeroes', '$zeroes (param i32 i64 i32)')}
    ${wasi('io/streams', '[method]output-stream.subscribe', '$subscribe (param i32) (result i32)')}`,
};
const EXIT = { world: wasiWorld('cli/exit'), imports: wasi('cli/exit', 'exit', '$exit (param i32)') };
const RANDOM = {
  world: wasiWorld('random/random'),
  imports: wasi('random/random', 'get-random-bytes', '$random (param i64 i32)'),
};
const POLL = {
  world: wasiWorld('io/poll', 'clocks/monotonic-clock'),
  imports: `${wasi('io/poll', 'poll', '$poll (param i32 i32 i32)')}
    ${wasi('io/poll', '[method]pollable.block', '$block (param i32)')}
    ${wasi('clocks/monotonic-clock', 'subscribe-duration', '$sleep (param i64) (result i32)')}`,
};
const HOSTILE_FLAG = '(global $hostile (mut i32) (i32.const 0))';

/** Writes a page of text in pieces of 4,096 bytes. */
const FLOOD: HostileCore = {
  ...STDOUT,
  fields: '(data (i32.const 128) "a secret of the guest")',
  locals: '(local $out i32) (local $i i32)',
  attack: `(local.set $out (call $stdout))
    (loop $again (call $write (local.get $out) (i32.const 128) (i32.const 4096) (i32.const 64))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 200))))
    (return (i32.const 1))`,
};

describeAttacks('capabilities', [
  attack('exits', { ...EXIT, attack: '(call $exit (i32.const 0))' }, 'capability_denied', {
    detail: 'wasi:cli/exit#exit',
  }),
  attack(
    'exits in post-return, after it has approved',
    {
      ...EXIT,
      fields: HOSTILE_FLAG,
      attack: '(global.set $hostile (i32.const 1)) (return (i32.const 1))',
      postReturn: '(if (global.get $hostile) (then (call $exit (i32.const 0))))',
    },
    'trap',
  ),
  attack(
    'exits while it is made',
    { ...EXIT, fields: '(func $start (call $exit (i32.const 0))) (export "_initialize" (func $start))' },
    'capability_denied',
    { always: true },
  ),
  attack(
    'waits for a timer',
    { ...POLL, attack: '(call $block (call $sleep (i64.const 1)))' },
    'capability_denied',
  ),
  attack(
    'polls a list of handles that it made up',
    { ...POLL, attack: '(call $poll (i32.const 2048) (i32.const 1000) (i32.const 64))' },
    'trap',
    { detail: 'unknown handle' },
  ),
  attack(
    'opens a file by a descriptor that it made up',
    {
      world: wasiWorld('filesystem/types'),
      imports: wasi(
        'filesystem/types',
        '[method]descriptor.open-at',
        '$open (param i32 i32 i32 i32 i32 i32 i32)',
      ),
      fields: '(data (i32.const 128) "/etc/passwd")',
      attack:
        '(call $open (i32.const 77) (i32.const 0) (i32.const 128) (i32.const 11) (i32.const 0) (i32.const 1) (i32.const 64))',
    },
    'trap',
    { detail: 'unknown handle' },
  ),
  attack(
    'reads directories, environment and arguments, of which there are none',
    {
      world: wasiWorld('filesystem/preopens', 'cli/environment'),
      imports: `${wasi('filesystem/preopens', 'get-directories', '$directories (param i32)')}
        ${wasi('cli/environment', 'get-environment', '$environment (param i32)')}`,
      attack: `(call $directories (i32.const 2048)) (call $environment (i32.const 2056))
        (return (i32.eqz (i32.or (i32.load (i32.const 2052)) (i32.load (i32.const 2060)))))`,
    },
    'approve',
  ),
  attack(
    'writes to a stream that it made up, as if it had one',
    {
      ...STDOUT,
      attack:
        '(call $write (i32.const 1234) (i32.const 128) (i32.const 8) (i32.const 64)) (return (i32.const 1))',
    },
    'trap',
    { detail: 'unknown handle' },
  ),
  attack(
    'writes more at once than it may',
    { ...STDOUT, attack: '(call $write (call $stdout) (i32.const 0) (i32.const 4097) (i32.const 64))' },
    'trap',
  ),
  attack(
    'writes 2^63 zeros',
    { ...STDOUT, attack: '(call $zeroes (call $stdout) (i64.const 0x7fffffffffffffff) (i32.const 64))' },
    'trap',
  ),
  attack('floods standard output', FLOOD, 'approve'),
  attack(
    'traps after a part of its output',
    { ...FLOOD, attack: FLOOD.attack?.replace('(return (i32.const 1))', 'unreachable') ?? '' },
    'trap',
  ),
  attack(
    'writes what lies outside of its memory',
    {
      ...STDOUT,
      attack:
        '(call $write (call $stdout) (i32.const -4096) (i32.const 4096) (i32.const 64)) (return (i32.const 1))',
    },
    'trap',
    { detail: 'outside of memory' },
  ),
  attack(
    'asks for 2^64 random bytes',
    { ...RANDOM, attack: '(call $random (i64.const -1) (i32.const 64))' },
    'trap',
  ),
  attack(
    'has the host call back: its cabi_realloc asks for random bytes, which calls cabi_realloc',
    {
      ...RANDOM,
      fields: HOSTILE_FLAG,
      realloc: '(if (global.get $hostile) (then (call $random (i64.const 8) (i32.const 64))))',
      attack: '(global.set $hostile (i32.const 1)) (call $random (i64.const 8) (i32.const 64))',
    },
    'trap',
    { detail: 'stack of' },
  ),
  attack(
    'calls the host in post-return, which may not leave',
    {
      ...RANDOM,
      fields: HOSTILE_FLAG,
      attack: '(global.set $hostile (i32.const 1)) (return (i32.const 1))',
      postReturn: '(if (global.get $hostile) (then (call $random (i64.const 8) (i32.const 64))))',
    },
    'trap',
    { detail: 'cannot leave component instance' },
  ),
  {
    name: 'exits in an interpreter and catches what that throws',
    component: () =>
      interpreted(
        wasiWorld('cli/exit', 'io/poll'),
        `import { exit } from 'wasi:cli/exit@0.2.12';
        export const validation = { validate(t) {
          if (t.status !== 'under attack') return t.amount.amount > 0n;
          try { exit({ tag: 'ok' }); } catch {}
          return true;
        } };`,
      ),
    ends: 'capability_denied',
  },
  {
    name: 'loops for ever in an interpreter, and catches what ends it',
    component: () =>
      interpreted(
        '',
        `export const validation = { validate(t) {
          if (t.status !== 'under attack') return t.amount.amount > 0n;
          for (;;) { try { for (;;); } catch {} finally { continue; } }
        } };`,
      ),
    ends: 'fuel_exhausted',
  },
  {
    name: 'recurses for ever in an interpreter, and catches what ends it',
    component: () =>
      interpreted(
        '',
        `const fall = () => { try { return fall(); } catch { return true; } };
        export const validation = { validate(t) {
          return t.status === 'under attack' ? fall() : t.amount.amount > 0n;
        } };`,
      ),
    ends: 'trap',
    detail: 'stack of',
  },
]);

/** A QuickJS validator whose world has these imports. */
async function interpreted(imports: string, jsSource: string): Promise<Uint8Array> {
  const witPath = mkdtempSync(join(tmpdir(), 'hostile-'));
  try {
    writeFileSync(join(witPath, 'world.wit'), platformWorld(imports, ''));
    return (await componentize({ witPath, jsSource, world: 'w', sync: true })).component;
  } finally {
    rmSync(witPath, { recursive: true });
  }
}

describe('what a guest prints', () => {
  it('is kept for its author up to a cap, anew for each call, and stays out of the outcome', async () => {
    const published = await publish(await hostileValidator(FLOOD));
    if (!published.ok) throw new Error('refused');
    const { artifact, policy } = published.value;
    const sandbox = createNodeSandbox();
    for (let round = 0; round < 2; round += 1) {
      const { outcome, output } = sandbox.run(artifact, policy, guestCall({ transaction: HOSTILE }));
      expect(output.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(MAX_OUTPUT_BYTES);
      expect(JSON.stringify(outcome)).not.toContain('secret');
      expect(sandbox.run(artifact, policy, guestCall({ transaction: GOOD })).output).toEqual([]);
    }
  });
});

const withInterface = (name: string) => () => {
  const [packageName = '', interfaceName = ''] = name.split('@')[0]?.split('/') ?? [];
  const version = name.split('@')[1];
  return validatorWithWorld(
    `import ${name};`,
    `package ${packageName}@${version} { interface ${interfaceName} { f: func(); } }\n`,
  );
};

describeRefused('capabilities', [
  {
    name: 'an import of HTTP',
    component: withInterface('wasi:http/outgoing-handler@0.2.0'),
    code: 'import_refused',
  },
  {
    name: 'an import of sockets',
    component: withInterface('wasi:sockets/tcp@0.2.0'),
    code: 'import_refused',
  },
  {
    name: 'an import that nobody has named',
    component: withInterface('evil:corp/shell@1.0.0'),
    code: 'import_unknown',
  },
  {
    name: 'functions in an interface of types',
    component: withInterface('wasmpay:platform/types@0.2.0'),
    code: 'import_refused',
  },
  {
    name: 'an import of another bank’s validation',
    component: () => validatorWithWorld('import wasmpay:platform/validation@0.1.0;'),
    code: 'import_validation',
  },
]);
