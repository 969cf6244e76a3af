// Constant expressions: initial values of globals, offsets of segments, items of element segments. They hold indices of
// globals and functions, which metering moves.

import type { ByteWriter } from '../../core/byte-writer.ts';
import type { CodeReader } from './code-reader.ts';
import { METER_GLOBALS } from '../../artifact/meter-abi.ts';
import { END, GLOBAL_GET, I32_CONST, I64_CONST, REF_FUNC } from './opcodes.ts';
import { ID_FD, PREFIX_FD } from './operators.ts';

/** Where indices go that a constant expression holds. */
export interface IndexMap {
  readonly globalCount: number;
  readonly functionCount: number;
  readonly referencedFunction: (index: number) => number;
}

/** Copies the constant expression at `reader`'s place, its `end` included. */
export function copyConstExpression(reader: CodeReader, map: IndexMap, out: ByteWriter): void {
  for (;;) {
    const id = reader.operator();
    if (id >= ID_FD) out.indexed(PREFIX_FD, id - ID_FD);
    else out.byte(id);
    switch (id) {
      case END:
        return;
      case GLOBAL_GET: {
        const index = reader.u32();
        if (index >= map.globalCount) throw reader.fault(`an unknown global ${index}`);
        out.u32(index + METER_GLOBALS.length);
        break;
      }
      case REF_FUNC:
        out.u32(map.referencedFunction(readFunctionIndex(reader, map)));
        break;
      case I32_CONST:
      case I64_CONST: {
        const start = reader.offset;
        const length = reader.signed(id === I32_CONST ? 5 : 10);
        out.copy(reader.bytes, start, start + length - 1);
        out.byte((reader.bytes[start + length - 1] ?? 0) & 0x7f);
        break;
      }
      default: {
        const start = reader.offset;
        reader.skipConstImmediates(id);
        out.copy(reader.bytes, start, reader.offset);
      }
    }
  }
}

/** Reads a function's index; refuses one that the module does not have. */
export function readFunctionIndex(reader: CodeReader, map: IndexMap): number {
  const index = reader.u32();
  if (index >= map.functionCount) throw reader.fault(`an unknown function ${index}`);
  return index;
}
