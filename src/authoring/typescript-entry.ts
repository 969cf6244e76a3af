// The module that stands between QuickJS and an author's `validation`, one for each version of the contract. An s64
// arrives as a double: what is no safe integer was rounded, and a rounded amount is never approved. What is neither of a
// contract's answers approves nothing either.

/** The entry's source for a contract's version, of the author's module; undefined where no version is known. */
export function typescriptEntry(version: string, source: string): string | undefined {
  const validate = VALIDATE[version];
  if (validate === undefined) return undefined;
  return `import { validation as guest } from ${JSON.stringify(`./${source}`)};
export const validation = {
  validate(transaction) {
${validate}
  },
};
`;
}

const VALIDATE: Readonly<Record<string, string>> = {
  '0.1.0': `    if (!Number.isSafeInteger(transaction.amount.amount)) return false;
    return guest.validate(transaction) === true;`,
  // Any other tag is a trap in QuickJS's own binding; so is a denial without its texts.
  '0.2.0': `    if (!Number.isSafeInteger(transaction.amount.amount)) {
      return { tag: 'deny', val: { code: 'AM12', message: 'more than 2^53 - 1 minor units' } };
    }
    const { tag, val } = guest.validate(transaction);
    return { tag, val };`,
};
