# What a validator in Python imports, contract wasmpay:platform@0.2.0. Amounts are int, exact at every size.

from wit_world.imports.types import Bank, Currency, Denial, Transaction, Verdict, Verdict_Approve, Verdict_Deny

__all__ = ["Bank", "Currency", "Transaction", "Verdict", "approve", "deny"]


def approve():
    return Verdict_Approve()


def deny(code, message=""):
    return Verdict_Deny(Denial(code, message))
