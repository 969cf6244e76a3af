// `Idempotency-Key` for a route: reads the header, and puts what the route does behind it. For routes that answer one
// request with one body.

import { keepAlive, type GatewayContext } from './context.ts';
import type { Idempotency, IdempotentAnswer } from './idempotency.ts';
import { IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY_FORM, parseIdempotencyKey } from './idempotency-key.ts';
import type { Inquiry, Received, Refused } from './reception.ts';

/** The header of an answer that was given before. */
export const REPLAYED_HEADER = 'idempotency-replayed';

/** The key of a request; undefined where it has none, or what is wrong with it. */
export type KeyReading = { readonly kind: 'key'; readonly key: string | undefined } | Refused;

export interface IdempotentAnswers {
  /** To be read once it is proven who asks, and what was sent. */
  readKey(c: GatewayContext): KeyReading;
  /**
   * `work`'s answer to what was received, or the one that was kept under `key`. `operation` tells routes apart; of an
   * answer what `bodyToKeep` gives is kept, and is what must be sent.
   */
  answer<A>(
    c: GatewayContext,
    inquiry: Inquiry,
    received: Received,
    key: string,
    operation: string,
    work: () => Promise<A>,
    bodyToKeep: (answer: A) => string | undefined,
  ): Promise<IdempotentAnswer<A>>;
}

/** `idempotency`: undefined where this gateway keeps nothing, and refuses who relies on it. */
export function createIdempotentAnswers(idempotency: Idempotency | undefined): IdempotentAnswers {
  return {
    readKey(c) {
      const header = c.req.raw.headers.get(IDEMPOTENCY_HEADER);
      if (header === null) return NO_KEY;
      if (idempotency === undefined) return UNSUPPORTED;
      const key = parseIdempotencyKey(header);
      return key === undefined ? MALFORMED : { kind: 'key', key };
    },
    async answer(c, inquiry, { caller, bank, text }, key, operation, work, bodyToKeep) {
      if (idempotency === undefined) return UNSUPPORTED;
      const { processor } = caller;
      const answered = await idempotency.answer(
        { processor, key, operation, address: bank ?? '', body: text },
        {
          deadline: inquiry.deadline,
          waitUntil: (work) => keepAlive(c, work),
          setLate: (problem) => void (inquiry.late = problem),
        },
        work,
        bodyToKeep,
      );
      if (answered.kind === 'replayed') c.get('trace').idempotency = 'replayed';
      else if (answered.kind === 'own' && answered.isKept) c.get('trace').idempotency = 'kept';
      return answered;
    },
  };
}

const NO_KEY: KeyReading = { kind: 'key', key: undefined };

const UNSUPPORTED: Refused = { kind: 'problem', problem: { code: 'idempotency_unsupported' } };

const MALFORMED: Refused = {
  kind: 'problem',
  problem: { code: 'invalid_idempotency_key', details: { detail: IDEMPOTENCY_KEY_FORM } },
};
