// SHA-256 over bytes, in the two forms that the project uses: hexadecimal in keys, `sha256:` in JSON.

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Lower-case hexadecimal digits of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += HEX[byte];
  return hex;
}

/** The SHA-256 digest of `bytes`, by the runtime's WebCrypto. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  return `sha256:${toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}`;
}

/** Whether `text` is a digest as this project writes it. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** The 64 hexadecimal digits of a digest: what storage keys carry. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The bytes of lower-case hexadecimal digits. */
export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
