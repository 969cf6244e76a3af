// Icamer's rule: a positive amount between or within the USA and the United Kingdom, by the two banks' countries.

import { Text, Transaction } from 'wasmpay';

export function validate(transaction: Transaction): bool {
  return (
    transaction.amount.amount > 0 &&
    isServed(transaction.origin.country) &&
    isServed(transaction.destination.country)
  );
}

function isServed(country: Text): bool {
  return country.is('USA') || country.is('GBR');
}
