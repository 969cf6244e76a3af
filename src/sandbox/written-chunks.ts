// Which parts of a guest's memories may differ from how they were: what its core modules marked (publisher's metering)
// and what the host itself wrote for it. Chunks are of all memories together: one that was written in one memory counts as
// written in all. It may tell too much, never too little.

import { MARK_REACH_BYTES, MARKED_CHUNK_BYTES } from '../artifact/meter-abi.ts';

/** What was written since {@link WrittenChunks.clear}. */
export interface WrittenChunks {
  /** Takes a core module's memory of marks. */
  add(marks: WebAssembly.Memory): void;
  /** The host's own marks, a byte for each chunk: glue sets them where it writes. */
  readonly hostMarks: Uint8Array;
  /** Spans of bytes, start and end in turns, growing and apart, that cover what was written below `sizeBytes`. */
  spans(sizeBytes: number): readonly number[];
  /** Forgets what was written below `sizeBytes`. */
  clear(sizeBytes: number): void;
}

/** Chunks that a word of marks tells of, a byte each. Words are little-endian, as WebAssembly's memory is. */
const CHUNKS_A_WORD = 4;
/** As large as a module's memory of marks. */
const MARKS_BYTES = 64 * 1024;

export function createWrittenChunks(): WrittenChunks {
  const hostMarks = new Uint8Array(MARKS_BYTES);
  const marks = [new Uint32Array(hostMarks.buffer)];

  return {
    hostMarks,
    add(memory) {
      marks.push(new Uint32Array(memory.buffer));
    },
    spans(sizeBytes) {
      const words = wordsFor(sizeBytes);
      const spans: number[] = [];
      for (let word = 0; word < words; word += 1) {
        let bytes = 0;
        for (const each of marks) bytes |= each[word] ?? 0;
        for (let chunk = word * CHUNKS_A_WORD; bytes !== 0; chunk += 1, bytes >>>= 8) {
          if ((bytes & 0xff) !== 0) addChunk(spans, chunk, sizeBytes);
        }
      }
      return spans;
    },
    clear(sizeBytes) {
      for (const each of marks) each.fill(0, 0, wordsFor(sizeBytes));
    },
  };
}

function wordsFor(sizeBytes: number): number {
  return Math.ceil(sizeBytes / (MARKED_CHUNK_BYTES * CHUNKS_A_WORD));
}

/** Adds a chunk and what a mark of it stands for to the last span, where they meet. */
function addChunk(spans: number[], chunk: number, sizeBytes: number): void {
  const start = chunk * MARKED_CHUNK_BYTES;
  const end = Math.min(start + MARKED_CHUNK_BYTES + MARK_REACH_BYTES, sizeBytes);
  const lastEnd = spans.at(-1);
  if (lastEnd !== undefined && start <= lastEnd) spans[spans.length - 1] = end;
  else spans.push(start, end);
}
