// Where the counter is looked at, and which small functions go without. None of this changes what is charged, only how
// much may run after the counter went below zero.
//
// A frame is 160 bytes at least, so the default stack of 256 KiB has at most 1,638 counted ones, and 12 that are not. What
// can run after exhaustion is that many times UNCHECKED_FUEL, 3.4 million, and one leaf's UNCHECKED_LEAF_FUEL: 10 % of
// the default fuel. It is charged all the same.

/**
 * Most fuel that one frame may charge between two checks. What runs after exhaustion is at most this much for each frame
 * on the stack (a frame that goes on after a call has not looked since). 2,048 is about 250 operators, so that checks
 * beyond those of entries and loops are rare in real code.
 */
export const UNCHECKED_FUEL = 2048;

/** The same for functions that call nothing: there is one such frame at a time. */
export const UNCHECKED_LEAF_FUEL = 8192;

/**
 * A function that calls nothing, has no loop and holds at most this much fuel charges but does not check. A caller
 * counts each of its calls as this much unchecked fuel.
 */
export const UNCHECKED_CALL_FUEL = 96;

/**
 * A function takes nothing off the depth where its frame, and those of all that it can call, are at most this large on
 * their deepest way, bytes (call-plan). Such a function calls only such functions, so there is one such way at a time, at
 * the stack's end: it is of the 64 KiB that the host keeps beyond what it grants (sandbox/engine-proof).
 */
export const UNCOUNTED_STACK_BYTES = 2048;

/**
 * What a frame has besides its slots, bytes: return address, frame pointer, type marker, instance, feedback vector,
 * tiering budget and alignment in V8 (x64), and the most values that inserted code keeps on the operand stack (4).
 */
export const FRAME_BASE_BYTES = 96;

/** What a frame has more where it is handed the fuel counter, bytes: it as an argument and as a result, on the stack. */
export const HANDED_FUEL_BYTES = 16;

/**
 * Most fuel that one pass through a region may pay for operators that it skips. More of it makes fewer charges, so
 * shorter and faster code, and fuel that says less about the work.
 */
export const SKIPPED_FUEL = 120;
