//! The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.
#![cfg_attr(not(test), no_std)]

use wasmpay::Transaction;

/// In cents: amounts are integers in the currency's minor unit.
const MOST: i64 = 10_000_00;

pub fn validate(transaction: &Transaction) -> bool {
    let amount = transaction.amount;
    amount.name == "Euro" && amount.amount > 0 && amount.amount <= MOST
}
