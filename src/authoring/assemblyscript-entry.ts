// The module that ties an author's `validate` in AssemblyScript to the canonical ABI, one for each version of the
// contract. The heap is wound back after each call: where the answer lies on it, once the host has read it.

/** A generated entry, and the real names of what it exports under plain ones: those of the ABI are no identifiers. */
export interface AssemblyScriptEntry {
  readonly source: string;
  readonly exports: ReadonlyMap<string, string>;
}

/** The entry for a contract's version, of the author's module (without `.ts`); undefined where no version is known. */
export function assemblyScriptEntry(version: string, module: string): AssemblyScriptEntry | undefined {
  const call = CALLS[version];
  if (call === undefined) return undefined;
  const exportName = `wasmpay:platform/validation@${version}#validate`;
  const source = [
    `import { ${call.types} } from 'wasmpay';`,
    "import { markHeap, reallocate, resetHeap } from 'wasmpay/abi';",
    `import { validate } from './${module}';`,
    ...call.functions,
    'export { reallocate as cabi_realloc };',
    'markHeap();',
  ].join('\n');
  const exports = new Map([['wasmpay_validate', exportName]]);
  if (call.hasPostReturn) exports.set('wasmpay_return', `cabi_post_${exportName}`);
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
