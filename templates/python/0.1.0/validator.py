# The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.

from wasmpay import Transaction

# In cents: amounts are integers in the currency's minor unit.
MOST = 1_000_000


def validate(transaction: Transaction) -> bool:
    amount = transaction.amount
    return amount.name == "Euro" and 0 < amount.amount <= MOST
