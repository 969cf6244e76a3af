// Where things are in the bucket. Source: design, "Storage".

/** The component as submitted. `digest` is 64 hexadecimal digits. */
export const componentKey = (digestHex: string): string => `components/${digestHex}.wasm`;

/** Manifest, glue and core modules in one object. */
export const artifactKey = (digestHex: string): string => `artifacts/${digestHex}`;

/** A bank's current release; the only object that changes. */
export const currentReleaseKey = (slug: string): string => `banks/${slug}/current`;

/** One release of a bank, kept for ever. */
export const releaseKey = (slug: string, number: number): string => `banks/${slug}/releases/${number}`;

/** A processor's current record: whom the gateway lets in. */
export const currentProcessorKey = (processor: string): string => `processors/${processor}/current`;

/** One record of a processor, kept for ever. */
export const processorRecordKey = (processor: string, number: number): string =>
  `processors/${processor}/records/${number}`;
