// A processor's record: the signed, numbered, expiring statement "who holds one of these keys is processor P, and may ask
// about these banks at this rate". The same JWS as a release's, with a `typ` of its own. No secret is in it: of an API
// key its digest, of a signing key the public half.

/** An API key as the gateway knows it. Times are seconds since the Unix epoch. */
export interface ApiKeyEntry {
  readonly id: string;
  /** SHA-256 of the key's text, 64 hexadecimal digits. The key is 256 random bits: one round of a fast hash is enough. */
  readonly sha256: string;
  readonly createdS: number;
  /** From then on it is refused; absent: until it is revoked. */
  readonly notAfterS?: number;
}

/** An Ed25519 key that requests may be signed with. */
export interface PublicKeyEntry {
  /** RFC 7638 thumbprint. */
  readonly id: string;
  /** The public key in base64url, as `x` of its JSON Web Key (RFC 8037). */
  readonly x: string;
  readonly createdS: number;
  readonly notAfterS?: number;
}

/** One record. Times are seconds since the Unix epoch, as in RFC 7519. */
export interface ProcessorRecord {
  /** The deployment that it holds for. */
  readonly audience: string;
  /** Its slug: the name in keys, in storage and in logs. */
  readonly processor: string;
  /** 1, 2, 3 …; only grows. */
  readonly number: number;
  /** What people call it. */
  readonly name: string;
  /** Slugs of the banks that it may ask about. */
  readonly banks: 'all' | readonly string[];
  /** Name of the rate tier; what it allows is the gateway's configuration. */
  readonly tier: string;
  /** Without any key, and without public keys, the processor is shut out. */
  readonly apiKeys: readonly ApiKeyEntry[];
  readonly publicKeys: readonly PublicKeyEntry[];
  readonly notBeforeS: number;
  readonly notAfterS: number;
}

/** A record whose signature, audience, processor and validity were checked. */
export interface VerifiedProcessor extends ProcessorRecord {
  /** The publisher's key that signed it. */
  readonly keyId: string;
}

/** Whether a processor may ask about the bank with this slug. */
export function mayAskAbout({ banks }: Pick<ProcessorRecord, 'banks'>, slug: string): boolean {
  return banks === 'all' || banks.includes(slug);
}

const TIER = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** Whether `text` can be the name of a rate tier. */
export function isTierName(text: string): boolean {
  return TIER.test(text);
}
