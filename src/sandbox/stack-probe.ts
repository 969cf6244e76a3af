// A core module that uses up a stack: what engine-proof runs. Written here byte by byte, for neither a gateway nor a
// worker has anything to assemble it with.

/** Stack that a frame of the probe takes at least, bytes: its locals, none of which can be left out or moved. */
const FRAME_BYTES = 1024;
const LOCALS = FRAME_BYTES / 8;

// Source of the numbers: WebAssembly Core Specification 2.0, chapter 5, "Binary Format".
const PREAMBLE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION = { type: 1, function: 3, memory: 5, export: 7, code: 10 } as const;
const [FUNCTION_TYPE, FUNCTION_EXPORT, I32, I64, NO_RESULT] = [0x60, 0, 0x7f, 0x7e, 0x40] as const;
const [IF, END, RETURN, CALL, LOCAL_GET, LOCAL_SET] = [0x04, 0x0b, 0x0f, 0x10, 0x20, 0x21] as const;
const [I64_LOAD, ALIGN_8, I32_CONST, I64_CONST] = [0x29, 3, 0x41, 0x42] as const;
const [I32_LE_S, I32_SUB, I64_ADD] = [0x4c, 0x6b, 0x7c] as const;

/**
 * The probe. Its export `down(bytes)` calls itself until its frames have taken that many bytes, and gives a sum. Each
 * frame loads its locals from memory in front of the call, which could change memory, and adds them up behind it: so they
 * wait on the stack, in every tier of a compiler.
 */
export const STACK_PROBE: Uint8Array<ArrayBuffer> = createProbe();

/** What the probe exports. */
export interface StackProbe {
  readonly down: (bytes: number) => bigint;
}

function createProbe(): Uint8Array<ArrayBuffer> {
  const locals = Array.from({ length: LOCALS }, (_, index) => index);
  const load = (index: number): number[] => [
    I32_CONST,
    0,
    I64_LOAD,
    ALIGN_8,
    ...leb128(index * 8),
    LOCAL_SET,
    ...leb128(index + 1),
  ];
  const add = (index: number): number[] => [LOCAL_GET, ...leb128(index + 1), I64_ADD];
  const atEnd = [LOCAL_GET, 0, I32_CONST, 0, I32_LE_S, IF, NO_RESULT, I64_CONST, 0, RETURN, END];
  // The constant is signed: bit 6 of its last byte is clear.
  const down = [LOCAL_GET, 0, I32_CONST, ...leb128(FRAME_BYTES), I32_SUB, CALL, 0];
  const declared = [1, ...leb128(LOCALS), I64];
  const body = [declared, atEnd, locals.flatMap(load), down, locals.flatMap(add), [END]].flat();
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(SECTION.type, [1, FUNCTION_TYPE, 1, I32, 1, I64]),
    ...section(SECTION.function, [1, 0]),
    ...section(SECTION.memory, [1, 1, 1, 1]),
    ...section(SECTION.export, [1, 4, ...new TextEncoder().encode('down'), FUNCTION_EXPORT, 0]),
    ...section(SECTION.code, [1, ...leb128(body.length), ...body]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

/** An unsigned number. */
function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
