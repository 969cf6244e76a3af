# What Tessaly set for this release: a rule that looks up rates would need a network, and answer otherwise tomorrow.

# Millionths of a euro's cent for one minor unit.
RATES = {"CHF": 1_070_000, "CZK": 41_000, "EUR": 1_000_000, "PLN": 235_000}

# 250,000.00 EUR, in the same measure.
CEILING = 25_000_000 * 1_000_000

# Swiss francs go in steps of five rappen.
STEPS = {"CHF": 5}

REGION = frozenset({"AUT", "CHE", "CZE", "DEU", "POL", "SVK"})
