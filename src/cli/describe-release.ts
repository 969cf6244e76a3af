// Releases, changes and outcomes as people read them: every action ends with what is true now.

import type { Release } from '../artifact/release.ts';
import type { Released } from '../publisher/releases/next-release.ts';
import type { Refusal } from '../publisher/refusal.ts';
import type { StageReport } from '../publisher/stages.ts';
import { describeRefusals, printJson, printProgress, printResult } from './terminal.ts';

/** `2026-11-23T09:00:00Z`. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** What gateways do from now on, in two to five lines. */
export function describeRelease(release: Release): string[] {
  const { number, bank, notAfterS, artifact, component, disabled } = release;
  return [
    `release    ${number} of ${bank}, valid until ${formatTime(notAfterS)}`,
    ...(disabled === undefined
      ? []
      : [`switch     OFF: every transaction gets ${describeAnswer(disabled.answer)}`]),
    ...(release.validator === undefined
      ? [`artifact   ${artifact}`, `component  ${component}`]
      : [
          'validator  none: the bank passes what other stages of a chain approve, and approves nothing by itself',
        ]),
    `fallback   ${release.fallback}${release.outage === undefined ? '' : '; approve during an outage of storage'}`,
  ];
}

export function describeAnswer(answer: string): string {
  return answer === 'refuse' ? '503 validator_unavailable' : 'deny';
}

/** The lines under a heading, the heading once. */
export function describeChanges(changes: readonly string[]): string[] {
  const lines = changes.length === 0 ? ['none'] : changes;
  return lines.map((line, index) => (index === 0 ? 'changes' : '').padEnd(11) + line);
}

/** What a person should know beyond the release that was made. */
export function describeWarnings({ release, previous, passedOver, spoilt }: Released): string[] {
  const { bank, disabled } = release;
  return [
    ...(spoilt === undefined
      ? []
      : [
          `found      ${spoilt}`,
          `note       that object is replaced; artifact and terms are of release ${previous?.number}, the newest that is believed`,
          '           if another key of yours signed it, disable again with that: gateways may not trust this one',
        ]),
    ...(passedOver === undefined
      ? []
      : [
          `note       release ${passedOver.number} was signed and not current: a publisher did not finish, or someone`,
          `           put release ${previous?.number} back. To end that: WASMPAY_MINIMUM_RELEASES=${bank}=${release.number}`,
        ]),
    ...(disabled === undefined
      ? []
      : [`note       the bank stays switched off until: wasmpay enable ${bank}`]),
  ];
}

/** Prints refusals; gives the exit code. `action` is the member that says in JSON that nothing was done. */
export function printRefused(asJson: boolean, action: string, refusals: readonly Refusal[]): number {
  if (asJson) printJson({ [action]: false, refusals });
  else printProgress(describeRefusals(refusals));
  return 1;
}

/** What a rollback undid, and that a second one undoes the first. */
export function describeRollback({ release, previous }: Released): string[] {
  if (previous === undefined || previous.artifact === release.artifact) return [];
  return [
    `instead of ${previous.artifact} of release ${previous.number}`,
    ...(previous.disabled === undefined
      ? [
          `note       a second rollback returns to what release ${previous.number} ran; ` +
            `further back: wasmpay rollback ${release.bank} --to N`,
        ]
      : []),
  ];
}

/** Prints a release that an action made, and `more` lines for people; gives the exit code. */
export function printReleased(
  asJson: boolean,
  action: string,
  released: Released,
  more: readonly string[] = [],
): number {
  const { release, previous } = released;
  if (asJson) {
    printJson({
      [action]: true,
      release,
      previous: previous?.number ?? null,
      passedOver: released.passedOver?.number ?? null,
      spoilt: released.spoilt ?? null,
    });
  } else printResult([...describeRelease(release), ...more, ...describeWarnings(released)].join('\n'));
  return 0;
}

export function printStage({ stage, summary, durationMs }: StageReport): void {
  printProgress(`${stage.padEnd(9)} ${`${durationMs.toFixed(0)} ms`.padStart(8)}  ${summary}`);
}
