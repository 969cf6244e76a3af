# What the entry knows of contract wasmpay:platform@0.2.0.

from wit_world.imports.types import Denial, Verdict_Approve, Verdict_Deny

SIGNATURE = "def validate(transaction: Transaction) -> Verdict"
ANSWER = "approve() or deny(code, message)"


def is_answer(answer):
    if type(answer) is Verdict_Approve:
        return True
    if type(answer) is not Verdict_Deny or type(answer.value) is not Denial:
        return False
    return type(answer.value.code) is str and type(answer.value.message) is str
