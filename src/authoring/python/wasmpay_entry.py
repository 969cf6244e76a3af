# The component's export: asks the author's `validate`, and lets no other answer out than the contract has. Runs once when a
# component is built, with the author's modules; what memory holds then is what every transaction meets.

import gc
import importlib
import sys

import wasmpay_contract
from wasmpay_source import MODULE


class Discard:
    """A component has no output: without this, print would be a trap."""

    encoding = "utf-8"

    def write(self, text):
        return len(text)

    def flush(self):
        pass


# Before the author's modules: a handler of logs keeps the stream that it was made with.
sys.stdout = sys.stderr = Discard()
try:
    check = getattr(importlib.import_module(MODULE), "validate", None)
    if not callable(check):
        raise ImportError("wasmpay: the contract asks for `" + wasmpay_contract.SIGNATURE + "`")
except BaseException:
    # The builder reads the traceback.
    sys.stderr = sys.__stderr__
    raise


class Validation:
    def validate(self, transaction):
        answer = check(transaction)
        if not wasmpay_contract.is_answer(answer):
            raise TypeError("validate answers " + wasmpay_contract.ANSWER)
        return answer


# No call has to look through what the imports left behind.
gc.collect()
gc.freeze()
