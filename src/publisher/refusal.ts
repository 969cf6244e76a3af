// Why the publisher does not take a component. A refusal is data: it names the fault, its place and the way out,
// and carries a code that scripts and agents can rely on.

/** Stable codes of refused components. */
export type RefusalCode =
  | 'not_wasm'
  | 'core_module'
  | 'truncated'
  | 'malformed'
  | 'too_large'
  | 'too_many_modules'
  | 'unsupported_feature'
  | 'no_validation_export'
  | 'validation_shape'
  | 'import_unknown'
  | 'import_refused'
  | 'import_inert_strict'
  | 'import_validation'
  | 'export_not_allowed'
  | 'interface_versions'
  | 'unsafe_name'
  | 'transpile_failed'
  | 'glue_rejected'
  | 'trial_failed'
  | 'bank_id_invalid'
  | 'slug_taken'
  | 'imports_grew'
  | 'fallback_approves'
  | 'bank_unknown'
  | 'release_unknown'
  | 'release_superseded'
  | 'release_expired'
  | 'not_disabled'
  | 'artifact_unusable'
  | 'component_missing'
  | 'candidate_unknown'
  | 'candidate_differs'
  | 'cases_failed'
  | 'processor_id_invalid'
  | 'processor_unknown'
  | 'processor_exists'
  | 'processor_superseded'
  | 'processor_expired'
  | 'processor_key_unknown'
  | 'processor_key_exists'
  | 'processor_keys_full';

/** One fault of a component. */
export interface Refusal {
  readonly code: RefusalCode;
  /** What is wrong, one sentence. Guest-chosen text in it is quoted with JSON escapes and cut to 120 characters. */
  readonly message: string;
  /** Where: a byte offset, an import's name, a path of nested components. */
  readonly where: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
}

/** A stage's result: its value, or every fault it found. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusals: readonly Refusal[] };

/** Guest-chosen text made safe for a terminal, a log and a message: JSON escapes, at most 120 characters. */
export function quote(text: string): string {
  const cut = text.length > 120 ? `${text.slice(0, 117)}...` : text;
  return JSON.stringify(cut).replace(/[\u007f-\u{10ffff}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
