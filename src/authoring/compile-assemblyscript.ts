// A process of its own (see toolchain.ts): AssemblyScript in, component out. Reads a request as JSON on standard
// input, answers with JSON on standard output. Reads author's files below the request's directory only.

import { realpath, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import { main } from 'assemblyscript/asc';
import { Transform } from 'assemblyscript/transform';
import { READY_ARGUMENT } from './ready-compilers.ts';

/** What to compile. Paths are absolute, `source` is relative to `directory`. */
export interface CompileRequest {
  readonly directory: string;
  readonly source: string;
  readonly libraryDirectory: string;
  readonly witSource: string;
  readonly world: string;
  /** The module that ties `validate` to the ABI (see assemblyscript-entry). */
  readonly entry: string;
  /** Its exports, and the names that the contract asks for: `wasmpay:platform/validation@0.1.0#validate`. */
  readonly exports: readonly (readonly [plain: string, name: string])[];
  readonly output: string;
}

/** What became of it. `faults` are the author's, `failure` is the toolchain's. */
export interface CompileResponse {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  readonly failure?: string;
}

/** Where the entry stands: beside the author's source, in memory only. */
const ENTRY = 'wasmpay-entry';
/** asc looks for `import 'wasmpay'` in each node_modules folder on the way up; the first look finds ours. */
const LIBRARY_FILE = /(?:^|\/)node_modules\/wasmpay\/([a-z-]+\.ts)$/;

const ASC_OPTIONS = [
  '--outFile=core.wasm',
  // A bump allocator, which abi.ts winds back.
  '--runtime=stub',
  // A failed assertion or a throw is a trap, not a call to the host.
  '--use=abort=',
  '--optimizeLevel=3',
  '--shrinkLevel=1',
  '--noColors',
];

/** Diagnostic categories of asc: PEDANTIC 0, INFO 1, WARNING 2, ERROR 3. */
const ERROR_CATEGORY = 3;

if (process.argv.includes(READY_ARGUMENT)) await warmUp();
const request = JSON.parse(await text(process.stdin)) as CompileRequest;
process.stdout.write(JSON.stringify(await compile(request)));

/** Compiles something, so that V8 has compiled the compiler. */
async function warmUp(): Promise<void> {
  const source =
    'export function warm(text: string, number: i64): string { return text + number.toString(); }';
  await main(['warm.ts', ...ASC_OPTIONS], {
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    readFile: (name) => (name === 'warm.ts' ? source : null),
    writeFile: () => undefined,
    listFiles: () => null,
  });
}

async function compile(request: CompileRequest): Promise<CompileResponse> {
  const root = await realpath(request.directory);
  const sources = new Map<string, string>([[`${ENTRY}.ts`, request.entry]]);
  const faults: string[] = [];
  const warnings: string[] = [];
  let core: Uint8Array | undefined;

  class NameExports extends Transform {
    // Set by asc, and missing in its types.
    declare readonly binaryen: { getExportInfo(reference: number): { readonly value: string } };

    afterCompile(module: Parameters<NonNullable<Transform['afterCompile']>>[0]): void {
      for (const [plain, name] of request.exports) {
        const { value } = this.binaryen.getExportInfo(module.getExport(plain));
        module.removeExport(plain);
        module.addFunctionExport(value, name);
      }
    }
  }

  const result = await main([`${ENTRY}.ts`, ...ASC_OPTIONS], {
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    readFile: async (name, baseDirectory) => {
      const library = LIBRARY_FILE.exec(name.replaceAll('\\', '/'))?.[1];
      if (library !== undefined) return await readText(join(request.libraryDirectory, library));
      const own = sources.get(name);
      if (own !== undefined) return own;
      if (!name.endsWith('.ts')) return null;
      const source = await readInside(root, resolve(root, baseDirectory, name));
      if (source !== null) sources.set(name, source);
      return source;
    },
    writeFile: (name, contents) => {
      if (name === 'core.wasm' && typeof contents !== 'string') core = contents;
    },
    listFiles: () => null,
    transforms: [NameExports as unknown as Transform],
    reportDiagnostic: ({ code, category, message, range }) => {
      const prefix = category === ERROR_CATEGORY ? 'TS' : 'AS';
      const where = range === null ? request.source : locate(range.source.normalizedPath, range.start);
      (category === ERROR_CATEGORY ? faults : warnings).push(`${where}: ${prefix}${code}: ${message}`);
    },
  });
  if (faults.length > 0) return { faults, warnings };
  if (result.error !== null || core === undefined) {
    return { faults, warnings, failure: result.error?.message ?? 'asc wrote nothing' };
  }
  try {
    const { witSource, world } = request;
    const embedded = await componentEmbed({ binary: core, witSource, world, stringEncoding: 'utf8' });
    await writeFile(request.output, await componentNew(embedded));
  } catch (error) {
    return { faults, warnings, failure: error instanceof Error ? error.message : String(error) };
  }
  return { faults, warnings };

  /** `file:line:column` of an offset. A fault in the entry is one of the author's exports: it has no line there. */
  function locate(path: string, offset: number): string {
    const source = sources.get(path);
    if (path === `${ENTRY}.ts`) return `${request.source}:1:1`;
    if (source === undefined) return path;
    const lines = source.slice(0, offset).split('\n');
    return `${path}:${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
  }
}

async function readInside(root: string, path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return null;
  const below = relative(root, real);
  return below.startsWith('..') || isAbsolute(below) ? null : await readText(real);
}

async function readText(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(() => null);
}
