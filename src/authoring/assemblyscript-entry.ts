// The module that ties an author's `validate` in AssemblyScript to the canonical ABI, one for each version of the
// contract; in world `validator-messenger` it has the export of messaging as well. The heap is wound back after each call: where the answer lies on it, once the host has read it.

import type { World } from './contract.ts';

/** A generated entry, and the real names of what it exports under plain ones: those of the ABI are no identifiers. */
export interface AssemblyScriptEntry {
  readonly source: string;
  readonly exports: ReadonlyMap<string, string>;
}

/**
 * The entry for a contract's version and a world, of the author's module (without `.ts`); undefined where the version is
 * not known.
 */
export function assemblyScriptEntry(
  version: string,
  module: string,
  world: World,
): AssemblyScriptEntry | undefined {
  const call = CALLS[version];
  if (call === undefined) return undefined;
  const isMessenger = world === 'validator-messenger';
  const exportName = `wasmpay:platform/validation@${version}#validate`;
  const source = [
    `import { ${call.types} } from 'wasmpay';`,
    "import { markHeap, reallocate, resetHeap } from 'wasmpay/abi';",
    `import { validate } from './${module}';`,
    ...call.functions,
    ...(isMessenger ? MESSAGING : []),
    'export { reallocate as cabi_realloc };',
    'markHeap();',
  ].join('\n');
  const exports = new Map([['wasmpay_validate', exportName]]);
  if (call.hasPostReturn) exports.set('wasmpay_return', `cabi_post_${exportName}`);
  if (isMessenger) {
    exports.set('wasmpay_handle_message', HANDLE_MESSAGE);
    exports.set('wasmpay_message_return', `cabi_post_${HANDLE_MESSAGE}`);
  }
  return { source, exports };
}

interface Call {
  readonly types: string;
  readonly functions: readonly string[];
  readonly hasPostReturn: boolean;
}

const CALLS: Readonly<Record<string, Call>> = {
  '0.1.0': {
    types: 'Transaction',
    functions: [
      'export function wasmpay_validate(transaction: Transaction): bool {',
      '  const approved: bool = validate(transaction);',
      '  resetHeap();',
      '  return approved;',
      '}',
    ],
    hasPostReturn: false,
  },
  '0.2.0': {
    types: 'Transaction, Verdict',
    functions: [
      'export function wasmpay_validate(transaction: Transaction): Verdict {',
      '  const verdict: Verdict = validate(transaction);',
      '  return verdict;',
      '}',
      'export function wasmpay_return(answer: usize): void {',
      '  resetHeap();',
      '}',
    ],
    hasPostReturn: true,
  },
};

const HANDLE_MESSAGE = 'wasmcloud:messaging/handler@0.2.0#handle-message';

/** A message flattens to seven values: subject, body, and whether there is a `reply-to`, and which. */
const MESSAGING = [
  "import { MessageResult } from 'wasmpay/messaging';",
  'export function wasmpay_handle_message(',
  '  subject: usize, subjectSize: usize, body: usize, bodySize: usize, replies: u32, reply: usize, replySize: usize,',
  '): MessageResult {',
  "  return MessageResult.refuse('not served: this platform asks validators by HTTP only');",
  '}',
  'export function wasmpay_message_return(answer: usize): void {',
  '  resetHeap();',
  '}',
];
