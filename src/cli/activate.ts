// `wasmpay activate BANK ARTIFACT`: a publication that waits becomes the bank's next release.

import { isDigest, type Digest } from '../artifact/digest.ts';
import { WasmpayError } from '../core/error.ts';
import { activateCandidate } from '../publisher/releases/activate.ts';
import { printRefused, printStage } from './describe-release.ts';
import { completeFixes } from './next-command.ts';
import { parseOptions, readPolicy } from './options.ts';
import { printPublication, TRIAL_SCRIPT } from './publish.ts';
import { DESK_OPTIONS, openDesk } from './target.ts';
import { parseTerms, TERM_OPTIONS } from './terms.ts';

const USAGE = `wasmpay activate BANK ARTIFACT [TARGET] [the options it was published with] [--accept-imports] [--json]
  Releases what "wasmpay publish --no-activate" prepared, or what was held for its imports. The bucket is not believed:
  the artifact is made again from its component and must be ARTIFACT, and fallback, outage and limits are the ones of
  this command; where the waiting publication says otherwise, nothing is released.`;

/** The command for main.ts. */
export const activateCommand = { usage: USAGE, run: runActivate };

async function runActivate(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK', 'ARTIFACT'], { ...DESK_OPTIONS, ...TERM_OPTIONS });
  const [bankId, artifact] = parsed.arguments.map(String);
  const { options } = parsed;
  const asJson = options['json'] === true;
  const activated = await activateCandidate({
    ...(await openDesk(options)),
    ...parseTerms(options),
    bankId: String(bankId),
    artifact: parseDigest(String(artifact)),
    policy: await readPolicy(options['policy'] as string | undefined),
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
    ...(!asJson && { onStage: printStage }),
  });
  if (!activated.ok) return printRefused(asJson, 'activated', completeFixes(activated.refusals, args));
  return printPublication(asJson, 'activated', activated.value);
}

function parseDigest(text: string): Digest {
  const digest = text.startsWith('sha256:') ? text : `sha256:${text}`;
  if (isDigest(digest)) return digest;
  throw new WasmpayError(
    'usage',
    'ARTIFACT is sha256: and 64 hexadecimal digits, as "wasmpay publish" printed it',
  );
}
