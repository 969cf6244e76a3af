// Options that the commands on a validator's cases share.

import { readFile } from 'node:fs/promises';

import { parseCases, type Case } from '../../authoring/cases.ts';
import { WasmpayError } from '../../core/error.ts';
import type { GuestLimits } from '../../core/guest-limits.ts';
import type { Policy } from '../../publisher/policy.ts';
import { readPolicy } from '../options.ts';
import { parseLimits } from '../terms.ts';
import { shownPath } from './subject.ts';

/** For `parseOptions`. */
export const CASE_OPTIONS = {
  out: { type: 'string' },
  cases: { type: 'string' },
  limit: { type: 'string', multiple: true },
  policy: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** What they mean. Throws `usage`, `config_invalid`. */
export interface CaseSettings {
  readonly out: string | undefined;
  readonly cases: string | undefined;
  readonly limits: Partial<GuestLimits>;
  readonly policy: Policy;
  readonly asJson: boolean;
}

export async function readCaseSettings(
  options: Record<string, string | boolean | undefined>,
): Promise<CaseSettings> {
  return {
    out: options['out'] as string | undefined,
    cases: options['cases'] as string | undefined,
    limits: parseLimits((options['limit'] ?? []) as unknown as readonly string[]),
    policy: await readPolicy(options['policy'] as string | undefined),
    asJson: options['json'] === true,
  };
}

/** The cases at `path`. Throws `usage` where there is no such file, `cases_invalid`. */
export async function readCases(path: string): Promise<Case[]> {
  const shown = shownPath(path);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new WasmpayError(
      'usage',
      `there are no cases at ${shown} (${code}): write them there, or name the file with --cases`,
      { cause },
    );
  }
  return parseCases(text, shown);
}
