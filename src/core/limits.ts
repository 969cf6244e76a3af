// Every bound of the data plane in one place: its unit (in the name), the reason for the number, and where it
// is enforced. Tests meet each one under, at and over.

/**
 * Largest request body, bytes. A transaction of longest strings is under 10 KiB; 64 KiB leaves room for members
 * that a processor adds for itself. Enforced while reading the body (gateway/read-body).
 */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Largest body of a batch, bytes: a thousand transactions of 1 KiB, twice what one usually takes. It is held whole while
 * its items are answered, since a signature covers all of it. Enforced while reading the body (gateway/read-body).
 */
export const MAX_BATCH_BYTES = 1024 * 1024;

/** Most transactions of a batch: what its deadline lets most validators answer. Enforced by gateway/batch. */
export const MAX_BATCH_ITEMS = 1_000;

/** Most banks that a batch asks, those of all stages of a chain together: each may be a cold one. Likewise. */
export const MAX_BATCH_BANKS = 50;

/**
 * Most transactions of a batch in one call of a sandbox, for their fuel does not count what the host does for each (10 to
 * 20 microseconds): with this many the host adds less than a dear call takes. Likewise.
 */
export const MAX_CALLS_TOGETHER = 128;

/**
 * Deepest nesting of arrays and objects in a body, levels. The contract needs 2; unknown members may nest, and a
 * recursive parser must not reach the stack's end. Enforced by core/json.
 */
export const MAX_JSON_DEPTH = 16;

/**
 * Longest string of a transaction, UTF-8 bytes. Ids, names and codes are far shorter (ISO 20022 Max140Text); what
 * crosses into a guest is bounded by it. Enforced by core/parse-transaction.
 */
export const MAX_STRING_BYTES = 1024;

/**
 * Longest code of a validator's denial, characters: ISO 20022's Max35Text, which is what a bank's own code gets
 * (`StatusReasonInformation/Reason/Proprietary`). Enforced by core/denial.
 */
export const MAX_REASON_CODE_LENGTH = 35;

/**
 * Longest message of a validator's denial, UTF-8 bytes: a sentence or two for people, in any script; ISO 20022 has lines
 * of 105 characters for it (`AdditionalInformation`). Enforced by core/denial.
 */
export const MAX_REASON_MESSAGE_BYTES = 512;

/**
 * Largest component that the publisher takes, bytes. A StarlingMonkey component is 12 MB, Python's 18 MB; a
 * worker's code may be 64 MiB. Enforced before parsing (publisher/inspect).
 */
export const MAX_COMPONENT_BYTES = 32 * 1024 * 1024;

/**
 * Largest artifact, bytes. Worker Loader takes 64 MiB of code; the glue and headers come on top of the component's
 * modules. Enforced by the publisher (bundle) and, before the bytes are read into memory, by the gateway.
 */
export const MAX_ARTIFACT_BYTES = 48 * 1024 * 1024;

/** Most core modules in one artifact. jco makes 9 of a QuickJS component, 20 of a composed one. Publisher, gateway. */
export const MAX_CORE_MODULES = 64;

/** Largest release token, bytes: a JWS of about 1 KiB; grants grow it. Enforced before verifying (artifact/release). */
export const MAX_RELEASE_BYTES = 16 * 1024;

/**
 * Most banks that a processor may be limited to, by name; one that asks about more is allowed all. With longest names
 * they take 44 KiB of a token. Enforced by artifact/processor-payload.
 */
export const MAX_PROCESSOR_BANKS = 500;

/** Most API keys, and most public keys, of one processor: two are in use while one is being rotated. Likewise. */
export const MAX_PROCESSOR_KEYS = 16;

/** Longest name of a processor, characters. Likewise. */
export const MAX_PROCESSOR_NAME_LENGTH = 120;

/** Largest token of a processor's record, bytes. Enforced before verifying (artifact/processor). */
export const MAX_PROCESSOR_BYTES = 64 * 1024;
