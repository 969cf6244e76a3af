// Signs a processor's record: the token under `processors/<processor>/current` and `processors/<processor>/records/<number>`.

import { MAX_PROCESSOR_BYTES } from '../core/limits.ts';
import type { ProcessorRecord } from './processor.ts';
import { decodeProcessor, encodeProcessor } from './processor-payload.ts';
import type { SigningKey } from './release-keys.ts';
import { signToken, type TokenKind } from './signed-token.ts';

/** Processors' records among the signed tokens. */
export const PROCESSOR_TOKEN: TokenKind = {
  typ: 'wasmpay-processor+jws',
  noun: 'processor record',
  errorCode: 'processor_invalid',
  maxBytes: MAX_PROCESSOR_BYTES,
};

/**
 * The token of `record`: ASCII bytes. Throws `processor_invalid` for what no gateway would take, `key_invalid` where the
 * signature is not the public key's.
 */
export async function signProcessor(
  record: ProcessorRecord,
  signingKey: SigningKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const payload = encodeProcessor(record);
  decodeProcessor(payload);
  return signToken(PROCESSOR_TOKEN, payload, signingKey);
}
