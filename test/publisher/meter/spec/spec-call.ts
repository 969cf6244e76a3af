// Calls a wasm function with the bit patterns that a specification test gives and reads the bits that come back, without
// their passing through JavaScript numbers, which keep no NaN payload and no vectors: a small module of our own makes
// the call.

import { ByteWriter } from '../../../../src/core/byte-writer.ts';

/** A value of wast2json: bits in decimal, vectors lane by lane. */
export interface SpecValue {
  readonly type: string;
  readonly lane_type?: string;
  readonly value?: string | readonly string[];
}

const CODES: Record<string, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};
const STORES: Record<string, readonly number[]> = {
  i32: [0x36, 2, 0],
  i64: [0x37, 3, 0],
  f32: [0x38, 2, 0],
  f64: [0x39, 3, 0],
  v128: [0xfd, 0x0b, 4, 0],
};
/** Bytes of a result's place in the caller's memory. */
const SLOT_BYTES = 16;

/** What a call gave: the bits of each result, 16 bytes a slot, and what references it returned. */
export interface SpecResults {
  readonly bits: DataView;
  readonly references: readonly unknown[];
}

/** The host value that stands for `ref.extern n`. */
export function externOf(text: string): object {
  let value = EXTERNS.get(text);
  if (value === undefined) EXTERNS.set(text, (value = { extern: text }));
  return value;
}

const EXTERNS = new Map<string, object>();

/** Calls `callee` with `args`; `results` says which types come back. Traps are thrown as they are. */
export function callWithBits(
  callee: unknown,
  args: readonly SpecValue[],
  results: readonly SpecValue[],
): SpecResults {
  const references = args.filter(({ type }) => isReference(type));
  const module = new WebAssembly.Module(callerModule(args, results) as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(module, { callee: { it: callee as WebAssembly.ImportValue } });
  const passed = references.map(({ value }) => (value === 'null' ? null : externOf(String(value))));
  const returned: unknown = (exports['run'] as (...values: unknown[]) => unknown)(...passed);
  return {
    bits: new DataView((exports['memory'] as WebAssembly.Memory).buffer),
    references: Array.isArray(returned) ? returned : [returned],
  };
}

/** Whether the bits at a slot are what a test expects. */
export function equalsExpected(
  expected: SpecValue,
  at: number,
  { bits, references }: SpecResults,
  reference: number,
) {
  const base = at * SLOT_BYTES;
  if (isReference(expected.type)) {
    const got = references[reference];
    if (expected.value === undefined) return got !== null;
    return expected.value === 'null' ? got === null : got === externOf(String(expected.value));
  }
  const [lane, values] =
    expected.type === 'v128'
      ? [expected.lane_type ?? 'i8', expected.value as readonly string[]]
      : [expected.type, [String(expected.value)]];
  const width = widthOf(lane);
  return values.every((value, index) => {
    const got = readUnsigned(bits, base + index * width, width);
    if (value.startsWith('nan:')) return isNan(got, width, value);
    return got === BigInt.asUintN(width * 8, BigInt(value));
  });
}

/** A text of all result bits, to compare one run with another. */
export function describeBits(results: readonly SpecValue[], { bits }: SpecResults): string {
  return results
    .map(
      (_, at) =>
        `${bits.getBigUint64(at * SLOT_BYTES + 8, true).toString(16)}:${bits.getBigUint64(at * SLOT_BYTES, true).toString(16)}`,
    )
    .join(' ');
}

export function isReference(type: string): boolean {
  return type === 'externref' || type === 'funcref';
}

function isNan(got: bigint, width: number, kind: string): boolean {
  const quiet = width === 4 ? 0x7fc00000n : 0x7ff8000000000000n;
  const magnitude = BigInt.asUintN(width * 8 - 1, got);
  return kind === 'nan:canonical' ? magnitude === quiet : (magnitude & quiet) === quiet;
}

function widthOf(lane: string): number {
  return { i8: 1, i16: 2, i32: 4, f32: 4, i64: 8, f64: 8 }[lane] ?? 8;
}

function readUnsigned(bits: DataView, at: number, width: number): bigint {
  let value = 0n;
  for (let byte = width - 1; byte >= 0; byte -= 1) value = value * 256n + BigInt(bits.getUint8(at + byte));
  return value;
}

function callerModule(args: readonly SpecValue[], results: readonly SpecValue[]): Uint8Array {
  const out = new ByteWriter();
  out.copy(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  const references = args.filter(({ type }) => isReference(type));
  const returned = results.filter(({ type }) => isReference(type));
  section(out, 1, (to) => {
    to.u32(2);
    writeType(to, args, results);
    writeType(to, references, returned);
  });
  section(out, 2, (to) => {
    to.u32(1);
    to.ascii('callee');
    to.ascii('it');
    to.pair(0, 0);
  });
  section(out, 3, (to) => to.pair(1, 1));
  section(out, 5, (to) => {
    to.u32(1);
    to.pair(0, 1);
  });
  section(out, 7, (to) => {
    to.u32(2);
    to.ascii('run');
    to.pair(0, 1);
    to.ascii('memory');
    to.pair(2, 0);
  });
  section(out, 10, (to) => {
    to.u32(1);
    const body = new ByteWriter();
    writeBody(body, args, results, references.length);
    to.u32(body.offset);
    to.copy(body.bytes, 0, body.offset);
  });
  return out.written();
}

function writeBody(
  body: ByteWriter,
  args: readonly SpecValue[],
  results: readonly SpecValue[],
  parameters: number,
) {
  body.u32(results.length);
  for (const { type } of results) body.pair(1, CODES[type] ?? 0);
  let reference = 0;
  for (const arg of args) {
    if (isReference(arg.type)) {
      body.indexed(0x20, reference);
      reference += 1;
    } else {
      writeConstant(body, arg);
    }
  }
  body.indexed(0x10, 0);
  for (let at = results.length - 1; at >= 0; at -= 1) body.indexed(0x21, parameters + at);
  for (const [at, { type }] of results.entries()) {
    if (isReference(type)) continue;
    body.byte(0x41);
    body.signed(at * SLOT_BYTES);
    body.indexed(0x20, parameters + at);
    for (const byte of STORES[type] ?? []) body.byte(byte);
  }
  for (const [at, { type }] of results.entries()) if (isReference(type)) body.indexed(0x20, parameters + at);
  body.byte(0x0b);
}

function writeType(to: ByteWriter, params: readonly SpecValue[], results: readonly SpecValue[]): void {
  to.byte(0x60);
  for (const types of [params, results]) {
    to.u32(types.length);
    for (const { type } of types) to.byte(CODES[type] ?? 0);
  }
}

// Integers as i64.const would need 64-bit LEB: a float constant holds any bits, and reinterpreting gives them back.
function writeConstant(body: ByteWriter, { type, lane_type: lane, value }: SpecValue): void {
  const values = Array.isArray(value) ? (value as string[]) : [String(value)];
  const width = widthOf(type === 'v128' ? (lane ?? 'i8') : type);
  if (type === 'v128') body.pair(0xfd, 0x0c);
  else body.byte(width === 4 ? 0x43 : 0x44);
  for (const text of values) {
    let rest = BigInt.asUintN(width * 8, BigInt(text));
    for (let byte = 0; byte < width; byte += 1) {
      body.byte(Number(rest & 0xffn));
      rest >>= 8n;
    }
  }
  if (type === 'i32') body.byte(0xbc);
  if (type === 'i64') body.byte(0xbd);
}

function section(out: ByteWriter, id: number, write: (to: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  out.byte(id);
  out.u32(content.offset);
  out.copy(content.bytes, 0, content.offset);
}
