//! The corridors, as data.

pub struct Corridor {
    /// ISO 3166 alpha-3.
    pub from: &'static str,
    pub to: &'static str,
    /// The most that one payment may have, in the minor unit of the accounts' currency; none at home.
    pub most: Option<i64>,
}

const fn corridor(from: &'static str, to: &'static str, most: Option<i64>) -> Corridor {
    Corridor { from, to, most }
}

pub const CORRIDORS: [Corridor; 5] = [
    corridor("CHE", "CHE", None),
    corridor("CHE", "DEU", Some(50_000_00)),
    corridor("CHE", "AUT", Some(50_000_00)),
    corridor("DEU", "CHE", Some(25_000_00)),
    corridor("AUT", "CHE", Some(25_000_00)),
];
