// Functions of ours in every glue: what writes into a guest's memory, and tells the host where. The glue check knows them
// word for word (glue-intrinsics) and accepts no other way to write, so the host knows every byte that glue may have
// changed.
//
// jco's own ask the memory for its buffer at each write, which takes longer than the write; ours keep a view of the last
// memory. A memory that grew has another buffer, and the view of the old one is empty.

import { MARK_SPAN_BYTES, MARKED_CHUNK_BYTES, MARKED_CHUNK_SHIFT } from '../../artifact/meter-abi.ts';

/**
 * What `instantiate` calls the host's marks, a byte for each chunk that was written to: no label of WIT becomes a name
 * with an underscore. An array and no function: there are forty writes to a transaction.
 */
export const MARKS = '_marks';

/** The methods of DataView that write numbers. None has more bytes than a mark stands for. */
const NUMBERS: readonly string[] = [
  'setInt8',
  'setUint8',
  'setInt16',
  'setUint16',
  'setInt32',
  'setUint32',
  'setBigInt64',
  'setBigUint64',
  'setFloat32',
  'setFloat64',
];

/** The name of our function for a method of DataView; undefined for any other. */
export function writerOf(method: string): string | undefined {
  return NUMBERS.includes(method) ? `_${method}` : undefined;
}

const WRITERS = NUMBERS.map(
  (method) => `
function _${method}(memory, address, value) {
  ${MARKS}[address >>> ${MARKED_CHUNK_SHIFT}] = 1;
  _viewOf(memory).${method}(address, value, true);
}`,
);

/** Statements, to stand in `instantiate` behind those of lifting. Addresses come as wasm has them, signed. */
export const LOWERING_SOURCE = `
const _UTF8_ENCODER = new TextEncoder();
let _memory;
let _bytes = new Uint8Array(0);
let _view = new DataView(new ArrayBuffer(0));
function _wrote(address, bytes) {
  const first = address >>> ${MARKED_CHUNK_SHIFT};
  if (bytes <= ${MARK_SPAN_BYTES}) ${MARKS}[first] = 1;
  else ${MARKS}.fill(1, first, first + Math.ceil(bytes / ${MARKED_CHUNK_BYTES}) + 1);
}
function _turnTo(memory) {
  if (_memory === memory && _bytes.length !== 0) return;
  _memory = memory;
  _bytes = new Uint8Array(memory.buffer);
  _view = new DataView(memory.buffer);
}
function _viewOf(memory) {
  _turnTo(memory);
  return _view;
}
function _utf8Length(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else {
      bytes += 2;
      if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
    }
  }
  return bytes;
}
function _lowerUtf8(text, allocate, memory) {
  if (typeof text !== 'string') throw new TypeError('expected a string');
  if (text.length === 0) return { ptr: 1, len: 0 };
  const bytes = _utf8Length(text);
  const pointer = allocate(0, 0, 1, bytes);
  const start = pointer >>> 0;
  _requireSpan(memory, start, bytes, 1);
  _wrote(pointer, bytes);
  _turnTo(memory);
  if (bytes === text.length && bytes < 64) for (let i = 0; i < bytes; i++) _bytes[start + i] = text.charCodeAt(i);
  else _UTF8_ENCODER.encodeInto(text, _bytes.subarray(start, start + bytes));
  return { ptr: pointer, len: bytes };
}
function _lowerUtf16(text, allocate, memory) {
  if (typeof text !== 'string') throw new TypeError('expected a string');
  if (text.length === 0) return { ptr: 2, len: 0 };
  const bytes = text.length * 2;
  const pointer = allocate(0, 0, 2, bytes);
  const start = pointer >>> 0;
  _requireSpan(memory, start, bytes, 2);
  _wrote(pointer, bytes);
  _turnTo(memory);
  for (let i = 0; i < text.length; i++) _view.setUint16(start + i * 2, text.charCodeAt(i), true);
  return { ptr: pointer, len: text.length };
}
${WRITERS.join('')}
`;
