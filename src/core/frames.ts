// How two processes of ours hand each other a value and some bytes: one line of JSON, which ends with the lengths of
// the blobs that follow it. The reader trusts nothing.

/** A message between processes. */
export interface Message {
  readonly value: unknown;
  readonly blobs: readonly Uint8Array[];
}

const NEWLINE = 0x0a;

export function encodeMessage({ value, blobs }: Message): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(
    `${JSON.stringify({ value, lengths: blobs.map((blob) => blob.length) })}\n`,
  );
  const message = new Uint8Array(blobs.reduce((total, blob) => total + blob.length, head.length));
  message.set(head);
  let offset = head.length;
  for (const blob of blobs) {
    message.set(blob, offset);
    offset += blob.length;
  }
  return message;
}

/** Reads a whole message; undefined where the bytes are none. Blobs are copies. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) return undefined;
  try {
    const head = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end)),
    ) as unknown;
    const { value, lengths } = head as { value: unknown; lengths: unknown };
    if (!Array.isArray(lengths)) return undefined;
    const blobs: Uint8Array[] = [];
    let offset = end + 1;
    for (const length of lengths as unknown[]) {
      if (!Number.isSafeInteger(length) || Number(length) < 0 || offset + Number(length) > bytes.length)
        return undefined;
      blobs.push(bytes.slice(offset, offset + Number(length)));
      offset += Number(length);
    }
    return offset === bytes.length ? { value, blobs } : undefined;
  } catch {
    return undefined;
  }
}
