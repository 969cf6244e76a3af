// The lines of a batch's answer: for each item its index, and its decision or its problem.

import type { DecisionBody } from '../../core/decision.ts';
import { problemOf } from '../decide.ts';
import { composeProblem, type ProblemBody } from '../problem.ts';
import type { ItemResult } from './run-batch.ts';

/** One line: a decision as a single request gets it, or a problem, each with the item's place in the request, from 0. */
export type BatchLine =
  (DecisionBody & { readonly index: number }) | { readonly index: number; readonly problem: ProblemBody };

/** The line of an item, with the line feed after it. */
export function formatLine(
  index: number,
  result:
    Exclude<ItemResult, { kind: 'decided' }> | { readonly kind: 'decided'; readonly body: DecisionBody },
): string {
  if (result.kind === 'decided') return `{"index":${index},${JSON.stringify(result.body).slice(1)}\n`;
  return `{"index":${index},"problem":${JSON.stringify(composeProblem(problemOf(result)))}}\n`;
}
