// What componentize-py says when the author's modules do not run: Python's traceback, made one fault with its place.

/** How CPython inside sees the folders that it is given: ours is the first. */
const AUTHORS_FOLDER = '/1/';
const FRAME = /^\s*File "(?<file>[^"]+)", line (?<line>\d+)/;

/** Longest message, characters: an author's exception may say anything. */
const MAX_MESSAGE_LENGTH = 2000;

/**
 * `validator.py:3:1: NameError: …`, the innermost place of the author's; undefined where the output is no traceback of
 * modules. `source` is where a fault without a place is told.
 */
export function readPythonFault(stderr: string, source: string): string | undefined {
  const [traceback = ''] = stderr.split(/\n\s*\nCaused by:/, 1);
  const lines = traceback.split('\n');
  const start = lines.findIndex((line) => line.includes('Traceback (most recent call last)'));
  // The tool's own traceback is the first, around what it says of the modules.
  const inner = lines.findLastIndex((line) => line.includes('Traceback (most recent call last)'));
  const isModules =
    inner > start || lines.some((line) => FRAME.exec(line)?.groups?.['file']?.startsWith('/0/'));
  if (!isModules) return undefined;
  let place = `${source}:1:1`;
  let last = inner;
  for (let index = inner; index < lines.length; index += 1) {
    const { file, line = '1' } = FRAME.exec(lines[index] ?? '')?.groups ?? {};
    if (file === undefined) continue;
    last = index;
    if (file.startsWith(AUTHORS_FOLDER)) place = `${file.slice(AUTHORS_FOLDER.length)}:${line}:1`;
  }
  // Below the innermost place: the line itself and marks under it, indented, then what was raised.
  const message = lines
    .slice(last + 1)
    .filter((_, index, all) => all.slice(0, index + 1).some((before) => /^\S/.test(before)))
    .join('\n ')
    .trim();
  return `${place}: ${message.replace(/^ImportError: wasmpay: /, '').slice(0, MAX_MESSAGE_LENGTH)}`;
}
