// Copies an operator from a reader to a writer, its immediates in their shortest form. For operators whose immediates
// mean the same after metering: all but those that name locals, globals, functions or labels.

import type { ByteWriter } from '../../core/byte-writer.ts';
import type { CodeReader } from './code-reader.ts';
import { IMMEDIATE_CODE as IMMEDIATE, IMMEDIATE_OF } from './operator-tables.ts';
import { ID_FC, ID_FD, PREFIX_FC, PREFIX_FD } from './operators.ts';

/** Writes operator `id`, whose immediates `reader` stands in front of, and reads over them. */
export function copyOperator(reader: CodeReader, id: number, out: ByteWriter): void {
  if (id < ID_FC) out.byte(id);
  else if (id < ID_FD) out.indexed(PREFIX_FC, id - ID_FC);
  else out.indexed(PREFIX_FD, id - ID_FD);
  copyImmediates(reader, IMMEDIATE_OF[id] ?? 0, out);
}

function copyImmediates(reader: CodeReader, kind: number, out: ByteWriter): void {
  switch (kind) {
    case IMMEDIATE.none:
      return;
    case IMMEDIATE.memarg:
    case IMMEDIATE['memarg+lane']:
      out.u32(reader.alignment());
      out.u32(reader.u32());
      if (kind === IMMEDIATE['memarg+lane']) out.byte(reader.byte());
      return;
    case IMMEDIATE.i32:
    case IMMEDIATE.i64: {
      const start = reader.offset;
      const length = reader.signed(kind === IMMEDIATE.i32 ? 5 : 10);
      out.copy(reader.bytes, start, start + length - 1);
      out.byte((reader.bytes[start + length - 1] ?? 0) & 0x7f);
      return;
    }
    case IMMEDIATE.f32:
    case IMMEDIATE.f64:
    case IMMEDIATE.v128:
    case IMMEDIATE.shuffle:
    case IMMEDIATE.lane:
    case IMMEDIATE.reftype: {
      const start = reader.offset;
      reader.skipImmediates(kind);
      out.copy(reader.bytes, start, reader.offset);
      return;
    }
    case IMMEDIATE.types:
      out.byte(1);
      out.byte(reader.selectType());
      return;
    case IMMEDIATE.memory:
      reader.memoryIndex();
      out.byte(0);
      return;
    case IMMEDIATE['memory+memory']:
      reader.memoryIndex();
      reader.memoryIndex();
      out.pair(0, 0);
      return;
    case IMMEDIATE['data+memory']:
      out.u32(reader.u32());
      reader.memoryIndex();
      out.byte(0);
      return;
    case IMMEDIATE['elem+table']:
    case IMMEDIATE['table+table']:
      out.u32(reader.u32());
      out.u32(reader.u32());
      return;
    default:
      out.u32(reader.u32());
  }
}
