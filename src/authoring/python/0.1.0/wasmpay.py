# What a validator in Python imports, contract wasmpay:platform@0.1.0. Amounts are int, exact at every size.

from wit_world.imports.types import Bank, Currency, Transaction

__all__ = ["Bank", "Currency", "Transaction"]
