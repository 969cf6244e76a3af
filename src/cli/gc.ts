// `wasmpay gc`: what in the store no release refers to any more.

import { WasmpayError } from '../core/error.ts';
import { collectGarbage, type Collection } from '../publisher/releases/collect-garbage.ts';
import { formatTime } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { openSource, SOURCE_OPTIONS } from './target.ts';
import { parseDays } from './terms.ts';
import { formatBytes, printJson, printProgress, printResult } from './terminal.ts';

const USAGE = `wasmpay gc --older-than-days N [--delete] [TARGET] [--json]
  Lists artifacts, components and waiting publications that neither a current release nor one of the last N days refers
  to, and notes in the store since when. With --delete it deletes those that were noted N days ago or earlier and have
  been unused since: so the first run never deletes, and a publisher at work loses nothing. Releases stay for ever.`;

/** The command for main.ts. */
export const gcCommand = { usage: USAGE, run: runGc };

async function runGc(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, [], {
    ...SOURCE_OPTIONS,
    'older-than-days': { type: 'string' },
    delete: { type: 'boolean', default: false },
  });
  const olderThanDays = parseDays(
    parsed.options['older-than-days'] as string | undefined,
    '--older-than-days',
  );
  if (olderThanDays === undefined)
    throw new WasmpayError('usage', '--older-than-days N says how long something must have been unused');
  const asJson = parsed.options['json'] === true;
  const collection = await collectGarbage(await openSource(parsed.options), {
    olderThanDays,
    clock: () => Date.now(),
    remove: parsed.options['delete'] === true,
    ...(!asJson && { onDelete: (key: string) => printProgress(`deleted  ${key}`) }),
  });
  if (asJson) printJson(collection);
  else printResult(describeCollection(collection));
  return 0;
}

function describeCollection({ garbage, deleted }: Collection): string {
  const left = garbage.filter(({ key }) => !deleted.includes(key));
  const lines = left.map(({ key, sizeBytes, unreferencedSinceS, isDue }) =>
    [
      isDue ? 'due    ' : 'unused ',
      `since ${formatTime(unreferencedSinceS)}`,
      formatBytes(sizeBytes).padStart(10),
      key,
    ].join('  '),
  );
  const freed = garbage.filter(({ key }) => deleted.includes(key));
  const sum = (objects: Collection['garbage']): string =>
    formatBytes(objects.reduce((total, { sizeBytes }) => total + sizeBytes, 0));
  const total = `${deleted.length} deleted (${sum(freed)}), ${left.length} unused left (${sum(left)})`;
  return [...lines, total].join('\n');
}
