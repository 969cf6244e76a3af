# Tessaly's rule: pending payments out of its region, from no name on its list, worth at most 250,000.00 euros.

from names import is_listed
from rates import CEILING, RATES, REGION, STEPS
from wasmpay import Transaction, Verdict, approve, deny


def validate(transaction: Transaction) -> Verdict:
    origin, destination, amount = transaction.origin, transaction.destination, transaction.amount.amount
    if transaction.status != "pending":
        return deny("TESSALY-STATUS", "takes pending payments only")
    if amount <= 0:
        return deny("AM12", "nothing to pay")
    if origin.country not in REGION:
        return deny("RR04", f"takes payments of {len(REGION)} countries")
    if is_listed(origin.name):
        return deny("AG01", "takes no payments of this bank")
    rate = RATES.get(destination.currency)
    if rate is None:
        return deny("AM03", "takes " + ", ".join(sorted(RATES)))
    if amount % STEPS.get(destination.currency, 1) != 0:
        return deny("AM12", "in whole steps of the currency only")
    # Tessaly's own houses have no ceiling. An int has no largest value: nothing overflows.
    if not origin.id.startswith("tessaly-") and amount * rate > CEILING:
        return deny("AM02", "above 250,000.00 EUR")
    return approve()
