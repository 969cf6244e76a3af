# What the entry knows of contract wasmpay:platform@0.1.0.

SIGNATURE = "def validate(transaction: Transaction) -> bool"
ANSWER = "True or False"


def is_answer(answer):
    # A text or a number is no answer: Python would take "no" for true.
    return type(answer) is bool
