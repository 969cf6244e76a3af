//! What a validator in Rust uses: `use wasmpay::{Transaction, Verdict};`. Plain data, so that a validator's own unit tests
//! run on any machine; the canonical ABI is in the entry that the build adds.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::borrow::Cow;

/// One end of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bank<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// The country as the processor wrote it. ISO 3166 alpha-3 (`USA`, `GBR`) by custom; nothing checks it.
    pub country: &'a str,
    /// The account's currency, ISO 4217 by custom.
    pub currency: &'a str,
}

/// A sum of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency<'a> {
    pub name: &'a str,
    pub symbol: &'a str,
    /// In the currency's minor unit (cents, pence). May be zero or negative.
    pub amount: i64,
}

/// One payment, as `POST /v1/validate` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction<'a> {
    pub id: &'a str,
    pub origin: Bank<'a>,
    pub destination: Bank<'a>,
    pub amount: Currency<'a>,
    pub status: &'a str,
}

/// What a validator of contract 0.2.0 answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Deny(Denial),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// An ISO 20022 status reason code or one of your own: 1 to 35 visible ASCII characters that begin with an upper-case
    /// letter or a digit.
    pub code: Cow<'static, str>,
    /// For people: one line of at most 512 bytes, or nothing.
    pub message: Cow<'static, str>,
}

impl Verdict {
    /// `Verdict::deny("AM02", "above 10,000.00 EUR")`; texts may be made for the occasion: `format!(…)`.
    pub fn deny(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Verdict::Deny(Denial { code: code.into(), message: message.into() })
    }
}
