// What may be in the package, and what must be.

import { TYPESCRIPT_DATA } from './javascript.ts';

/** The only files that belong there. `dist` has the folders of the project. */
const ALLOWED: readonly RegExp[] = [
  /^(?:package\.json|npm-shrinkwrap\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^bin\/wasmpay\.js$/,
  /^docs\/[\w-]+\.(?:md|svg)$/,
  /^dist\/package\.json$/,
  /^dist\/src\/(?:artifact|authoring|cli|core|entry|gateway|publisher|sandbox|store)\/(?:[\w-]+\/)*[\w-]+\.(?:js|json)$/,
  /^dist\/src\/authoring\/(?:assemblyscript|c|go|harness|python|rust|typescript)\/[\w./-]+$/,
  /^dist\/(?:schemas|templates|wit)\/[\w./-]+$/,
];

/** Without one of these it would be another package. */
const REQUIRED: readonly string[] = [
  'package.json',
  'npm-shrinkwrap.json',
  'README.md',
  'LICENSE',
  'bin/wasmpay.js',
  'dist/package.json',
  'dist/src/cli/author/compiled-code.js',
  'dist/src/cli/main.js',
  'dist/src/entry/node.js',
  'dist/src/publisher/workshop/wit-child.js',
  'dist/src/publisher/workshop/transpile-child.js',
  'dist/src/sandbox/node/trial-child.js',
  'dist/src/sandbox/node/cases-child.js',
  'dist/schemas/cases.schema.json',
  'dist/schemas/releases.schema.json',
];

/** What is wrong with the list of a package's files; empty where nothing is. */
export function judgeFiles(files: readonly string[]): readonly string[] {
  const faults = REQUIRED.filter((file) => !files.includes(file)).map((file) => `${file} is missing`);
  for (const file of files) {
    const isData = TYPESCRIPT_DATA.some((folder) => file.startsWith(`dist/${folder}`));
    if (!ALLOWED.some((pattern) => pattern.test(file))) faults.push(`${file} does not belong there`);
    // Node runs none below node_modules.
    else if (file.endsWith('.ts') && !isData) faults.push(`${file} is TypeScript that nobody compiles`);
    else if (/(?:^|\/)(?:tests?|bench|examples|[\w.-]+\.test\.\w+)(?:\/|$)/.test(file))
      faults.push(`${file} is for development`);
  }
  return faults;
}
