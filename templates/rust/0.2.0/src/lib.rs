//! The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is broken gives the reason.
#![cfg_attr(not(test), no_std)]

use wasmpay::{Transaction, Verdict};

/// In cents: amounts are integers in the currency's minor unit.
const MOST: i64 = 10_000_00;

pub fn validate(transaction: &Transaction) -> Verdict {
    let amount = transaction.amount;
    // Codes are those of ISO 20022, or your own.
    if amount.name != "Euro" {
        return Verdict::deny("AM03", "takes euros only");
    }
    if amount.amount <= 0 {
        return Verdict::deny("AM12", "nothing to pay");
    }
    if amount.amount > MOST {
        return Verdict::deny("AM02", "above 10,000.00 EUR");
    }
    Verdict::Approve
}
