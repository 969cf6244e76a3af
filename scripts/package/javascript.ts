// The JavaScript of the package, file for file: the modules that the command runs, found from its first one on, without their
// types and with the names of the files that they name. Node runs TypeScript everywhere but below node_modules. Lines and
// columns stay what they are in the sources.

import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { parse, type Node } from 'acorn';

/** Folders of sources that are somebody else's to compile: authors' templates, and libraries for validators. */
export const TYPESCRIPT_DATA = [
  'src/authoring/assemblyscript/',
  'src/authoring/harness/',
  'src/authoring/typescript/',
  'templates/',
] as const;

/** A module of the package. */
export interface Module {
  /** Relative to the project, as the source has it: `src/cli/main.ts`. */
  readonly source: string;
  /** The same with its new name: `src/cli/main.js`. */
  readonly path: string;
  readonly code: string;
}

/**
 * `entries` and every module that they lead to: by an import, or by its name in a text, as scripts of children and of threads
 * are named. Throws for a relative name with nothing behind it.
 */
export async function collectModules(root: string, ...entries: string[]): Promise<readonly Module[]> {
  const modules = new Map<string, Module>();
  const found = [...entries];
  for (let source = found.pop(); source !== undefined; source = found.pop()) {
    if (modules.has(source)) continue;
    const { code, named } = makeModule(await readFile(join(root, source), 'utf8'), (name) =>
      findModule(root, source, name),
    );
    modules.set(source, { source, path: renamed(source), code });
    found.push(...named);
  }
  return [...modules.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** One source as JavaScript, and the modules that it names; `find` gives a name's file, undefined for what is no module. */
export function makeModule(
  text: string,
  find: (name: string) => string | undefined,
): { readonly code: string; readonly named: readonly string[] } {
  const stripped = stripTypeScriptTypes(text);
  const named: string[] = [];
  let code = '';
  let copied = 0;
  const program = parse(stripped, { ecmaVersion: 'latest', sourceType: 'module' });
  for (const { end, name } of namesIn(program).sort((a, b) => a.end - b.end)) {
    const file = find(name);
    if (file === undefined) continue;
    named.push(file);
    // Before the quotation mark.
    code += `${stripped.slice(copied, end - '.ts'.length - 1)}.js`;
    copied = end - 1;
  }
  return { code: code + stripped.slice(copied), named };
}

/** Every text in a module that ends as the name of a source does. Texts that are put together are none. */
function namesIn(node: Node): { readonly end: number; readonly name: string }[] {
  const { type, value, end } = node as Node & { value?: unknown };
  if (type === 'Literal')
    return typeof value === 'string' && value.endsWith('.ts') ? [{ end, name: value }] : [];
  return Object.values(node).flatMap((child: unknown) =>
    (Array.isArray(child) ? child : [child]).filter(isNode).flatMap(namesIn),
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/**
 * The module that `name` means in `source`: relative to it, as in an import and in `new URL(name, import.meta.url)`, or, where it
 * begins with `src/`, to the project.
 */
function findModule(root: string, source: string, name: string): string | undefined {
  const below = name.startsWith('src/') ? name : join(dirname(source), name).split(sep).join('/');
  if (TYPESCRIPT_DATA.some((folder) => below.startsWith(folder))) return undefined;
  if (existsSync(join(root, below))) return relative(root, join(root, below)).split(sep).join('/');
  if (/^(?:\.{1,2}|src)\//.test(name)) throw new Error(`${source} names ${name}, which is not there`);
  return undefined;
}

function renamed(source: string): string {
  return source.replace(/\.ts$/, '.js');
}
