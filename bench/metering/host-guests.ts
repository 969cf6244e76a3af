// The worst guests that call their host, as components: through jco's glue and the production sandbox's imports.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';

import { contractWit, VALIDATE_EXPORT } from '../../test/fixtures/components.ts';

const WASI_VERSION = '0.2.12';
const WASI_WIT = join(
  import.meta.dirname,
  `../../node_modules/@bytecodealliance/jco/lib/wit/builtin/${WASI_VERSION}`,
);

/** A validator that does one host call for ever. */
export interface HostGuest {
  readonly name: string;
  /** WASI interfaces that it imports, `io/streams`. */
  readonly interfaces: readonly string[];
  /** Core imports, in text. */
  readonly imports: string;
  /** What runs once, in front of the loop. */
  readonly before?: string;
  readonly body: string;
}

const STREAM_IMPORTS = `
  (import "wasi:cli/stdout@${WASI_VERSION}" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[method]output-stream.write" (func $write-soon (param i32 i32 i32 i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[method]output-stream.check-write" (func $check (param i32 i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
  (import "wasi:io/streams@${WASI_VERSION}" "[resource-drop]output-stream" (func $drop-stream (param i32)))`;
const STREAMS = ['cli/stdout', 'io/streams', 'io/poll', 'io/error'];
const RANDOM_IMPORTS = `
  (import "wasi:random/random@${WASI_VERSION}" "get-random-bytes" (func $bytes (param i64 i32)))
  (import "wasi:random/random@${WASI_VERSION}" "get-random-u64" (func $u64 (result i64)))`;
const CLOCK_IMPORTS = `
  (import "wasi:clocks/monotonic-clock@${WASI_VERSION}" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/wall-clock@${WASI_VERSION}" "now" (func $wall (param i32)))`;
const CLOCKS = ['clocks/monotonic-clock', 'clocks/wall-clock', 'io/poll'];

const streams = (name: string, body: string, before = '(local.set $s (call $stdout))'): HostGuest => ({
  name,
  interfaces: STREAMS,
  imports: STREAM_IMPORTS,
  before,
  body,
});
const random = (name: string, body: string): HostGuest => ({
  name,
  interfaces: ['random/random'],
  imports: RANDOM_IMPORTS,
  body,
});
const clocks = (name: string, body: string): HostGuest => ({
  name,
  interfaces: CLOCKS,
  imports: CLOCK_IMPORTS,
  body,
});

export const HOST_GUESTS: readonly HostGuest[] = [
  streams(
    'stdout write of 4,096 bytes',
    '(call $write (local.get $s) (i32.const 8192) (i32.const 4096) (i32.const 0))',
  ),
  streams(
    'stdout write of 1 byte',
    '(call $write-soon (local.get $s) (i32.const 8192) (i32.const 1) (i32.const 0))',
  ),
  streams(
    'stdout write of nothing',
    '(call $write (local.get $s) (i32.const 8192) (i32.const 0) (i32.const 0))',
  ),
  streams('stdout zeroes, 4,096', '(call $zeroes (local.get $s) (i64.const 4096) (i32.const 0))'),
  streams('check-write', '(call $check (local.get $s) (i32.const 0))'),
  streams('get-stdout and drop', '(call $drop-stream (call $stdout))', ''),
  streams('get-stdout, kept', '(drop (call $stdout))', ''),
  streams('subscribe, kept', '(drop (call $subscribe (local.get $s)))'),
  random('random bytes, 64 KiB', '(call $bytes (i64.const 65536) (i32.const 0))'),
  random('random bytes, 1', '(call $bytes (i64.const 1) (i32.const 0))'),
  random('random bytes, 0', '(call $bytes (i64.const 0) (i32.const 0))'),
  random('random u64', '(drop (call $u64))'),
  clocks('monotonic clock', '(drop (call $monotonic))'),
  clocks('wall clock', '(call $wall (i32.const 0))'),
  {
    name: 'poll of 2 million handles',
    interfaces: STREAMS,
    imports: `${STREAM_IMPORTS}
      (import "wasi:io/poll@${WASI_VERSION}" "poll" (func $poll (param i32 i32 i32)))`,
    before: `(local.set $s (call $subscribe (call $stdout)))
      (i32.store (i32.const 65536) (local.get $s))
      (local.set $i (i32.const 4))
      (loop $double
        (memory.copy (i32.add (i32.const 65536) (local.get $i)) (i32.const 65536) (local.get $i))
        (local.set $i (i32.shl (local.get $i) (i32.const 1)))
        (br_if $double (i32.lt_u (local.get $i) (i32.const 0x800000))))`,
    body: '(call $poll (i32.const 65536) (i32.const 2000000) (i32.const 0))',
  },
  streams(
    'stdout write of 15 MiB',
    '(call $write (local.get $s) (i32.const 65536) (i32.const 0xf00000) (i32.const 0))',
  ),
  random('random bytes, 15 MiB', '(call $bytes (i64.const 0xf00000) (i32.const 0))'),
];

/** The component of a guest. */
export async function buildHostGuest({
  interfaces,
  imports,
  before = '',
  body,
}: HostGuest): Promise<Uint8Array> {
  const binary = await parse(`(module ${imports}
    (memory (export "memory") 256)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
    (func (export "${VALIDATE_EXPORT}") (param i32) (result i32)
      (local $s i32) (local $i i32)
      ${before}
      (loop $again ${body} (br $again)) unreachable))`);
  const contract = contractWit().replace(
    /^package (wasmpay[^;]+);([^]*?)(?=^package )/m,
    'package $1 {$2}\n',
  );
  const wanted = interfaces.map((name) => `import wasi:${name}@${WASI_VERSION};`).join(' ');
  const witSource = `package test:w;\nworld w { ${wanted} export wasmpay:platform/validation@0.1.0; }\n${contract}${wasiWit()}`;
  return componentNew(await componentEmbed({ binary, witSource, world: 'w' }));
}

/** WASI as nested packages, without its worlds, which need packages that no guest may import. */
function wasiWit(): string {
  return ['io', 'clocks', 'random', 'cli', 'filesystem']
    .map((name) => {
      const text = readFileSync(join(WASI_WIT, `wasi-${name}`, 'package.wit'), 'utf8');
      const [, header = '', body = ''] = /^(package [^;]+);([^]*)$/.exec(text) ?? [];
      return `${header} {${body.replace(/^world [^]*?^\}/gm, '')}}\n`;
    })
    .join('');
}
