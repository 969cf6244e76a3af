//! Halden's rule: payments run in corridors, from one country to another, each with a most of its own.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod corridors;

use alloc::format;
use corridors::{CORRIDORS, Corridor};
use wasmpay::{Transaction, Verdict};

pub fn validate(transaction: &Transaction) -> Verdict {
    let Transaction { origin, destination, amount, .. } = transaction;
    let Some(Corridor { most, .. }) =
        CORRIDORS.iter().find(|corridor| corridor.from == origin.country && corridor.to == destination.country)
    else {
        return Verdict::deny("AG01", "no corridor between these countries");
    };
    if origin.currency != destination.currency {
        return Verdict::deny("AC11", "the two accounts have different currencies");
    }
    match amount.amount {
        0 => Verdict::deny("AM01", ""),
        ..0 => Verdict::deny("AM12", "an amount below zero"),
        sum if most.is_some_and(|most| sum > most) => {
            Verdict::deny("AM14", describe_most(most.unwrap_or_default()))
        }
        _ => Verdict::Approve,
    }
}

/// `above 50000.00 in this corridor`: the bank's own figure, nothing of the transaction.
fn describe_most(most: i64) -> alloc::string::String {
    format!("above {}.{:02} in this corridor", most / 100, most % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_most_reads_like_money() {
        assert_eq!(describe_most(5_000_007), "above 50000.07 in this corridor");
    }
}
