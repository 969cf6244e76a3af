// Reads the canonical definitions of a component. They carry no names, but lifted functions fill the function
// index space, and a definition that is misread would shift it. Threads and garbage collection are refused.
// Source: component-model, design/mvp/Binary.md, "Canonical Definitions"; compared with wasmparser 0.257.

import type { BinaryReader } from '../core/binary-reader.ts';
import type { Collector, Definition } from './component-definitions.ts';
import { readResult } from './component-types.ts';
import { readCoreValueType } from './core-module-binary.ts';

/**
 * Definitions with which a guest makes handles of its own, which glue numbers in tables: resource.new, stream.new,
 * future.new, error-context.new, waitable-set.new.
 */
const MAKES_HANDLES: ReadonlySet<number> = new Set([0x02, 0x0e, 0x15, 0x1c, 0x1f]);

/** Reads one canonical definition. Only `lift` defines a component-level function. */
export function readCanon(reader: BinaryReader, collector: Collector): Definition | undefined {
  const opcode = reader.byte();
  if (MAKES_HANDLES.has(opcode)) collector.makesHandles = true;
  switch (opcode) {
    case 0x00: {
      expectFunction(reader);
      reader.u32();
      readOptions(reader, collector);
      return { op: 'lift', type: reader.u32() };
    }
    case 0x01:
      expectFunction(reader);
      reader.u32();
      readOptions(reader, collector);
      return undefined;
    // resource.new, .drop, .rep; new and drop-readable, drop-writable of streams and futures: one type index.
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x0e:
    case 0x13:
    case 0x14:
    case 0x15:
    case 0x1a:
    case 0x1b:
      reader.u32();
      return undefined;
    // task.cancel, subtask.drop, error-context.drop, waitable-set.new, .drop, waitable.join, backpressure.
    case 0x05:
    case 0x0d:
    case 0x1e:
    case 0x1f:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
      return undefined;
    // subtask.cancel
    case 0x06:
      readFlag(reader);
      return undefined;
    // thread.yield
    case 0x0c:
      readCancellable(reader);
      return undefined;
    case 0x09:
      readResult(reader);
      readOptions(reader, collector);
      return undefined;
    // context.get, .set
    case 0x0a:
    case 0x0b:
      readCoreValueType(reader);
      reader.u32();
      return undefined;
    // read and write of streams and futures
    case 0x0f:
    case 0x10:
    case 0x16:
    case 0x17:
      reader.u32();
      readOptions(reader, collector);
      return undefined;
    // cancel-read and cancel-write of streams and futures
    case 0x11:
    case 0x12:
    case 0x18:
    case 0x19:
      reader.u32();
      readFlag(reader);
      return undefined;
    // error-context.new, .debug-message
    case 0x1c:
    case 0x1d:
      readOptions(reader, collector);
      return undefined;
    // waitable-set.wait, .poll
    case 0x20:
    case 0x21:
      readCancellable(reader);
      reader.u32();
      return undefined;
    default:
      throw reader.unsupported(`a canonical definition 0x${opcode.toString(16).padStart(2, '0')}`);
  }
}

function expectFunction(reader: BinaryReader): void {
  if (reader.byte() !== 0x00) throw reader.fault('a canonical definition of unknown sort');
}

function readFlag(reader: BinaryReader): void {
  if (reader.byte() > 0x01) throw reader.fault('a flag that is neither 0 nor 1');
}

// wasmparser 0.259 takes only 0 where 0.257 took a flag (component-model#716).
function readCancellable(reader: BinaryReader): void {
  if (reader.byte() !== 0x00) throw reader.unsupported('a cancellable wait');
}

function readOptions(reader: BinaryReader, collector: Collector): void {
  collector.list(reader, () => {
    const option = reader.byte();
    switch (option) {
      case 0x00:
      case 0x01:
      case 0x02:
      case 0x06:
        return;
      case 0x03:
      case 0x04:
      case 0x05:
      case 0x07:
        reader.u32();
        return;
      default:
        throw reader.unsupported(`a canonical option 0x${option.toString(16).padStart(2, '0')}`);
    }
  });
}
