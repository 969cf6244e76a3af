# The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is broken gives the reason.

from wasmpay import Transaction, Verdict, approve, deny

# In cents: amounts are integers in the currency's minor unit.
MOST = 1_000_000


def validate(transaction: Transaction) -> Verdict:
    amount = transaction.amount
    # Codes are those of ISO 20022, or your own.
    if amount.name != "Euro":
        return deny("AM03", "takes euros only")
    if amount.amount <= 0:
        return deny("AM12", "nothing to pay")
    if amount.amount > MOST:
        return deny("AM02", "above 10,000.00 EUR")
    return approve()
