// The canonical ABI's side of the heap. Arguments and everything that a validator creates share AssemblyScript's
// stub heap, a bump allocator; it is wound back when a call ends, so that calls neither grow memory nor see each
// other. What a validator created before its first call (top-level constants) lies below the mark and stays.

/** Bytes of a block's header, which holds the block's size, in front of each pointer of the stub heap. */
const BLOCK_OVERHEAD: usize = sizeof<usize>();
/** Alignment of each pointer of the stub heap. The canonical ABI never asks for more than 8. */
const HEAP_ALIGNMENT: usize = 16;
/** Size that the stub heap gives an empty block. */
const EMPTY_BLOCK: usize = HEAP_ALIGNMENT - BLOCK_OVERHEAD;

let mark: usize = 0;

/** Keeps what is on the heap now. Called once, when the module starts. */
export function markHeap(): void {
  mark = heap.alloc(0);
}

/** Forgets every block made since `markHeap`: makes them one with the mark's block and shrinks that to nothing. */
export function resetHeap(): void {
  const end = heap.alloc(0) + EMPTY_BLOCK;
  store<usize>(mark - BLOCK_OVERHEAD, end - mark);
  heap.realloc(mark, 0);
}

/** `cabi_realloc` of the canonical ABI: new memory for the host to write arguments to. Traps when there is none. */
export function reallocate(oldPointer: usize, oldSize: usize, alignment: usize, newSize: usize): usize {
  if (alignment > HEAP_ALIGNMENT) unreachable();
  if (newSize == 0) return alignment;
  return oldSize == 0 ? heap.alloc(newSize) : heap.realloc(oldPointer, newSize);
}
