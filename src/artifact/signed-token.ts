// What releases and processor records have in common: a compact JWS (RFC 7515) with `alg` Ed25519 (RFC 9864), a `typ` of
// its own for each kind, so that no token of the same key can pass for another kind (RFC 8725, 3.11), and the key's
// thumbprint as `kid`. The signing key may be anywhere: it is asked for one signature, and what it answers is checked
// before anyone can store it. A token that is read comes from an untrusted bucket.

import { base64url, compactVerify, type CompactJWSHeaderParameters } from 'jose';

import { WasmpayError, type ErrorCode } from '../core/error.ts';
import type { SigningKey, TrustedKeys } from './release-keys.ts';

/** A kind of signed statement. */
export interface TokenKind {
  /** `typ` of the JWS header. */
  readonly typ: string;
  /** What messages call it. */
  readonly noun: string;
  /** Code of what is thrown about one. */
  readonly errorCode: ErrorCode;
  /** Largest token, bytes. */
  readonly maxBytes: number;
}

/** A payload with a good signature of a trusted key. */
export interface SignedPayload {
  readonly payload: Uint8Array;
  readonly keyId: string;
}

/** Bytes of an Ed25519 signature (RFC 8032, 5.1.6). */
const SIGNATURE_BYTES = 64;

/**
 * The token of `payload`: ASCII bytes. Throws `key_invalid` where the signature is not the public key's, and the kind's
 * code where it is larger than such a token may be.
 */
export async function signToken(
  kind: TokenKind,
  payload: Uint8Array<ArrayBuffer>,
  signingKey: SigningKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = { alg: 'Ed25519', typ: kind.typ, kid: signingKey.keyId };
  const input = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(payload)}`;
  const bytes = new TextEncoder().encode(input);
  const signature = new Uint8Array(await signingKey.sign(bytes));
  const { publicKey } = signingKey;
  const isGood =
    signature.length === SIGNATURE_BYTES &&
    (await crypto.subtle.verify('Ed25519', publicKey, signature, bytes));
  if (!isGood) {
    throw new WasmpayError(
      'key_invalid',
      `the signing key gave no signature that ${signingKey.keyId} verifies; nothing was stored`,
    );
  }
  const token = new TextEncoder().encode(`${input}.${base64url.encode(signature)}`);
  if (token.length > kind.maxBytes) throw invalid(kind, `is larger than ${kind.maxBytes} bytes`);
  return token;
}

/** RFC 7515, 3.1 and 2: three parts in base64url without padding. */
const COMPACT_FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Checks a token's kind and signature; nothing in its payload is looked at. Throws the kind's code. */
export async function verifyToken(
  kind: TokenKind,
  token: Uint8Array,
  trustedKeys: TrustedKeys,
): Promise<SignedPayload> {
  if (token.length > kind.maxBytes) throw invalid(kind, `is larger than ${kind.maxBytes} bytes`);
  // The library takes padding and other alphabets as well: a token has one form.
  if (!COMPACT_FORM.test(new TextDecoder('latin1').decode(token)))
    throw invalid(kind, 'is no compact token of three parts');
  const keyFor = (header: CompactJWSHeaderParameters): CryptoKey => {
    if (header.typ !== kind.typ) throw invalid(kind, 'is another kind of token');
    const key = header.kid === undefined ? undefined : trustedKeys.get(header.kid);
    if (key === undefined) throw invalid(kind, 'is signed by a key that is not trusted');
    return key;
  };
  const { payload, protectedHeader } = await compactVerify(token, keyFor, { algorithms: ['Ed25519'] }).catch(
    (cause: unknown) => {
      throw cause instanceof WasmpayError ? cause : invalid(kind, 'has no valid signature', cause);
    },
  );
  return { payload, keyId: String(protectedHeader.kid) };
}

function invalid(kind: TokenKind, problem: string, cause?: unknown): WasmpayError {
  return new WasmpayError(kind.errorCode, `${kind.noun} ${problem}`, { cause });
}
