// Reading an answer's body from a store that may send too much, too slowly, or stop half-way. What is larger than its
// bound is refused before it is held: by the length that was declared, then by counting.

/** An answer that did not come, did not come whole, or is none of S3. Says nothing of what was asked. */
export class BrokenAnswer extends Error {
  override readonly name = 'BrokenAnswer';
}

/** What a body may be and how long it may take. */
export interface BodyBounds {
  /** Most bytes to hold. */
  readonly maxBytes: number;
  /** The length that the answer declares, where it declares one: a body that ends before it has broken off. */
  readonly declaredBytes?: number;
  /** Longest silence between two chunks, milliseconds. */
  readonly stallTimeoutMs: number;
  /** Longest time for the whole body, milliseconds: a byte now and then is never silence. */
  readonly timeoutMs: number;
}

/** Memory for a body whose length is not declared, at first; it doubles, so that tiny chunks cost no more than large. */
const FIRST_BYTES = 16 * 1024;

/**
 * The whole of `body`; undefined, and the rest cancelled, where it is larger than `maxBytes`. Throws
 * {@link BrokenAnswer} for a body that stalls, is too slow, fails, or is not as long as declared.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  bounds: BodyBounds,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { maxBytes, declaredBytes } = bounds;
  const reader = (body ?? new Blob([]).stream()).getReader();
  const expired = Promise.withResolvers<never>();
  expired.promise.catch(() => undefined);
  const expire = (message: string) => expired.reject(new BrokenAnswer(message));
  const whole = setTimeout(() => expire('the body came too slowly'), bounds.timeoutMs);
  let stall: ReturnType<typeof setTimeout> | undefined;
  let isComplete = false;
  try {
    if (declaredBytes !== undefined && declaredBytes > maxBytes) return undefined;
    let bytes = new Uint8Array(declaredBytes ?? Math.min(FIRST_BYTES, maxBytes));
    let length = 0;
    for (;;) {
      clearTimeout(stall);
      stall = setTimeout(() => expire('the body stalled'), bounds.stallTimeoutMs);
      const { done, value } = await Promise.race([reader.read(), expired.promise]);
      if (done) break;
      const needed = length + value.length;
      if (declaredBytes !== undefined && needed > declaredBytes)
        throw new BrokenAnswer('the body is too long');
      if (needed > maxBytes) return undefined;
      if (needed > bytes.length) {
        const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, bytes.length * 2)));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(value, length);
      length = needed;
    }
    if (declaredBytes !== undefined && length < declaredBytes) throw new BrokenAnswer('the body broke off');
    isComplete = true;
    return length === bytes.length ? bytes : bytes.slice(0, length);
  } catch (cause) {
    throw cause instanceof BrokenAnswer ? cause : new BrokenAnswer('the body broke off', { cause });
  } finally {
    clearTimeout(whole);
    clearTimeout(stall);
    // Not awaited: what hangs while it is read may hang while it is cancelled.
    if (!isComplete) reader.cancel().catch(() => undefined);
  }
}
