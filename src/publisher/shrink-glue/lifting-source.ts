// Functions of ours in every glue: what takes lists, strings and handles out of a guest's memory, and takes fuel for it
// first. The glue check knows them word for word (glue-intrinsics) and accepts no other way to lift.
//
// Prices are in fuel, of which the default limit gives 35 million to a call and 7 ns each may be spent. On Node 24 all of
// them spent on one list take 10 to 110 ms, on strings or copies 60: flags are the dearest. `host_call` of the meter pays
// for the call itself and a few values.

/** What `instantiate` calls the function that takes fuel: no label of WIT becomes a name with an underscore. */
export const CHARGE = '_charge';

/** Most live handles of one resource type of one component instance. The toolchains known keep fewer than twenty. */
const MAX_HANDLES = 1_024;
/** A string or list, however short: two objects, a call into the runtime, and the charge itself. */
const ITEM_FUEL = 256;
/** A byte that is copied, or decoded with the check of its encoding. */
const BYTE_FUEL = 2;
/** An element that is taken by itself, and each of its bytes. The dearest are flags: a byte becomes eight properties. */
const ELEMENT_FUEL = 512;
const ELEMENT_BYTE_FUEL = 128;
/** An element of a host's list that is written into guest memory. */
const HOST_ELEMENT_FUEL = 64;

/** Statements, to stand first in `instantiate`. Pointers and lengths come as wasm has them, signed. */
export const LIFTING_SOURCE = `
const _utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const _utf16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });
function _requireSpan(memory, start, bytes, alignment) {
  if (start % alignment !== 0 || start + bytes > memory.buffer.byteLength)
    throw new WebAssembly.RuntimeError('list or string outside of memory');
}
function _admitElements(memory, pointer, count, size, alignment) {
  const length = count >>> 0;
  _requireSpan(memory, pointer >>> 0, length * size, alignment);
  ${CHARGE}(${ITEM_FUEL} + length * (${ELEMENT_FUEL} + size * ${ELEMENT_BYTE_FUEL}));
  return length;
}
function _countElements(list) {
  ${CHARGE}(list.length * ${HOST_ELEMENT_FUEL});
  return list.length;
}
function _payElements(list) {
  _countElements(list);
  return list;
}
function _liftBytes(memory, pointer, count, size) {
  const start = pointer >>> 0;
  const bytes = (count >>> 0) * size;
  _requireSpan(memory, start, bytes, size);
  ${CHARGE}(${ITEM_FUEL} + bytes * ${BYTE_FUEL});
  return memory.buffer.slice(start, start + bytes);
}
function _decode(decoder, view) {
  try {
    return decoder.decode(view);
  } catch {
    throw new WebAssembly.RuntimeError('string is no UTF-8 or UTF-16');
  }
}
function _liftUtf8(memory, pointer, count) {
  const start = pointer >>> 0;
  const bytes = count >>> 0;
  _requireSpan(memory, start, bytes, 1);
  ${CHARGE}(${ITEM_FUEL} + bytes * ${BYTE_FUEL});
  return _decode(_utf8, new Uint8Array(memory.buffer, start, bytes));
}
function _liftUtf16(memory, pointer, count) {
  const start = pointer >>> 0;
  const bytes = (count >>> 0) * 2;
  _requireSpan(memory, start, bytes, 2);
  ${CHARGE}(${ITEM_FUEL} + bytes * ${BYTE_FUEL});
  return _decode(_utf16, new Uint8Array(memory.buffer, start, bytes));
}
function _copyUtf8(source, from, count, target, to) {
  const bytes = count >>> 0;
  _requireSpan(source, from >>> 0, bytes, 1);
  _requireSpan(target, to >>> 0, bytes, 1);
  ${CHARGE}(${ITEM_FUEL} + bytes * ${BYTE_FUEL + 1});
  const view = new Uint8Array(source.buffer, from >>> 0, bytes);
  _decode(_utf8, view);
  _wrote(to, bytes);
  new Uint8Array(target.buffer, to >>> 0, bytes).set(view);
}
function _lowerBytes(memory, pointer, bytes) {
  ${CHARGE}(${ITEM_FUEL} + bytes.length);
  _wrote(pointer, bytes.length);
  new Uint8Array(memory.buffer, pointer >>> 0, bytes.length).set(bytes);
}
function _requireHandle(table, handle) {
  if (table === undefined || !(handle > 0 && handle < table.length >> 1) || (table[handle << 1] & T_FLAG) !== 0)
    throw new WebAssembly.RuntimeError('unknown handle');
}
function _admitHandle(table) {
  if ((table[0] & ~T_FLAG) === 0 && table.length >> 1 > ${MAX_HANDLES})
    throw new WebAssembly.RuntimeError('more than ${MAX_HANDLES} handles');
}
function _repOf(table, handle) {
  _requireHandle(table, handle);
  return table[(handle << 1) + 1] & ~T_FLAG;
}
`;
