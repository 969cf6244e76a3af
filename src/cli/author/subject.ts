// What an author's command works on: a validator's folder, which is built where something changed, or a component that is
// there already.

import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

import {
  buildValidator,
  OUT_FOLDER,
  readDescriptor,
  type BuiltValidator,
} from '../../authoring/build-validator.ts';
import type { Compilers } from '../../authoring/toolchain.ts';
import { WasmpayError } from '../../core/error.ts';
import { readComponentFile } from '../options.ts';
import { printProgress } from '../terminal.ts';

export interface Subject {
  /** For people: the folder's name, or the file's without `.wasm`. */
  readonly name: string;
  readonly component: Uint8Array<ArrayBuffer>;
  readonly componentPath: string;
  /** Where its cases are, unless an option says it. */
  readonly casesPath: string;
  /** Absent for a component that was given as a file. */
  readonly built?: BuiltValidator;
}

/**
 * Opens `argument`, the working directory unless told. Throws `usage` where there is no such thing, and what building
 * throws. Says on standard error what takes its time, unless `quiet`.
 */
export async function openSubject(
  argument: string | undefined,
  { out, quiet, compilers }: { out?: string | undefined; quiet: boolean; compilers?: Compilers },
): Promise<Subject> {
  const path = resolve(argument ?? '.');
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new WasmpayError('usage', `${argument} is neither a folder nor a component: there is no such file`);
  if (!found.isDirectory()) {
    const component = await readComponentFile(path);
    return {
      name: basename(path, '.wasm'),
      component,
      componentPath: path,
      casesPath: join(dirname(path), 'cases.json'),
    };
  }
  const { language, contract } = await readDescriptor(path);
  if (!quiet) printProgress(`building   ${basename(path)} (${language.title}, ${contract}) …`);
  const built = await buildValidator({
    directory: path,
    outDirectory: resolve(out ?? join(path, OUT_FOLDER)),
    ...(compilers !== undefined && { compilers }),
  });
  const { name, component, componentPath } = built;
  return { name, component, componentPath, casesPath: join(path, 'cases.json'), built };
}

/** A path as people at this working directory type it. */
export function shownPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') || below === '' ? path : below;
}
