// What a validator in AssemblyScript imports: `import { Transaction } from 'wasmpay'`.

export { Bank, Currency, Transaction } from './transaction';
export { Text } from './text';
export { Verdict } from './verdict';
