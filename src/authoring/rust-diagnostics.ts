// What rustc says and which files it read, as the author is told. Nothing of a file that is not the author's is repeated:
// a diagnostic can quote what it stumbled over.

/** rustc's JSON, as far as it is used here. */
interface Diagnostic {
  readonly message: string;
  readonly code: { readonly code: string } | null;
  readonly level: string;
  readonly spans: readonly Span[];
}

interface Span {
  readonly file_name: string;
  readonly line_start: number;
  readonly column_start: number;
  readonly is_primary: boolean;
  readonly label: string | null;
}

export interface Diagnostics {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  /** What was no JSON: a crash, the linker. */
  readonly rest: string;
}

/** Reads rustc's standard error. `own` are the files whose text may be quoted. */
export function readDiagnostics(stderr: string, own: ReadonlySet<string>): Diagnostics {
  const faults: string[] = [];
  const warnings: string[] = [];
  const rest: string[] = [];
  for (const line of stderr.split('\n')) {
    const diagnostic = parse(line);
    if (diagnostic === undefined) {
      if (line !== '') rest.push(line);
      continue;
    }
    const text = describe(diagnostic, own);
    if (text === undefined) continue;
    (diagnostic.level === 'warning' ? warnings : faults).push(text);
  }
  return { faults, warnings, rest: rest.join('\n') };
}

function parse(line: string): Diagnostic | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as Partial<Diagnostic>;
    return typeof value.message === 'string' && Array.isArray(value.spans)
      ? (value as Diagnostic)
      : undefined;
  } catch {
    return undefined;
  }
}

function describe({ message, code, level, spans }: Diagnostic, own: ReadonlySet<string>): string | undefined {
  const foreign = spans.find(({ file_name: file }) => !own.has(file) && !file.startsWith('/rust/'));
  if (foreign !== undefined) return outside(foreign.file_name);
  const primary = spans.find((span) => span.is_primary && own.has(span.file_name));
  if (primary === undefined) {
    // `aborting due to 2 previous errors`, `1 warning emitted`.
    return /^aborting due to|warnings? emitted|^For more information/.test(message) ? undefined : message;
  }
  const label = primary.label === null || primary.label === '' ? '' : ` (${primary.label})`;
  const prefix = code === null ? level : code.code;
  return `${primary.file_name}:${primary.line_start}:${primary.column_start}: ${prefix}: ${message}${label}`;
}

/** What a crate was made of, from the dep-info that rustc writes: files read, and variables of the environment. */
export function readDependencies(depInfo: string): { files: string[]; variables: string[] } {
  const files = new Set<string>();
  const variables: string[] = [];
  for (const line of depInfo.split('\n')) {
    const variable = /^# env-dep:([^=]*)/.exec(line)?.[1];
    if (variable !== undefined) variables.push(variable);
    // Each file has a line of its own, without what it depends on.
    else if (!line.startsWith('#') && line.endsWith(':')) files.add(line.slice(0, -1).replaceAll('\\ ', ' '));
  }
  return { files: [...files], variables };
}

/** The fault for a file that is not the author's. */
export function outside(file: string): string {
  return `reads ${file}, which is none of the validator's source files: a component is made of those only`;
}

/** Characters between the parts of a Rust token sequence. */
const GAP = String.raw`(?:\s|/\*[^]*?\*/|//[^\n]*\n)*`;

/**
 * Every way to make rustc read another file or a variable, by name. For machines without confinement: a compiler that is
 * told to read a file can quote it in a message before anything can look which one it was.
 */
const READERS = new RegExp(
  [
    String.raw`\b(?:include_str|include_bytes|option_env)\b`,
    String.raw`\b(?:include|env)${GAP}(?:!|as\b)`,
    String.raw`\bpath${GAP}=`,
    String.raw`\$\w+${GAP}!`,
  ].join('|'),
  'g',
);

/** Faults of a source text that may not be compiled without confinement. */
export function findReaders(path: string, text: string): string[] {
  return [...text.matchAll(READERS)].map(({ index, 0: found }) => {
    const lines = text.slice(0, index).split('\n');
    const word = /\w+/.exec(found)?.[0] ?? '';
    return `${path}:${lines.length}:${(lines.at(-1) ?? '').length + 1}: ${word} could read files of this machine: it is built only where bubblewrap (bwrap) confines the compiler`;
  });
}
