"""What a valid transaction must keep to and JSON Schema cannot say.

Requests are changed so that they keep to it; what is invalid about a request stays invalid.
"""

import re

import schemathesis

# A batch's transactions, one a line.
LINES = "application/x-ndjson"

# core/bank.ts, BANK_ID.
BANK_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@schemathesis.hook
def map_case(context, case):
    if isinstance(case.body, dict):
        name_bank_of_path(case)
        write_integer(case.body.get("amount"))
    return case


@schemathesis.hook
def filter_case(context, case):
    """To Schemathesis a header that the document does not name makes a request invalid. HTTP says: ignore it (RFC 9110, 5.1)."""
    if any("schemathesis-unknown-property" in name.lower() for name in case.headers or {}):
        return False
    # Lines are text: what is none cannot be sent as a body of theirs.
    return case.media_type != LINES or isinstance(case.body, str)


@schemathesis.serializer(LINES)
def write_lines(context, value):
    return value.encode("utf-8", "surrogatepass")


def name_bank_of_path(case):
    """Two values that must agree: the bank in the path is the one in the body."""
    bank = (case.path_parameters or {}).get("bank")
    destination = case.body.get("destination")
    if is_bank_id(bank) and isinstance(destination, dict) and is_bank_id(destination.get("id")):
        destination["id"] = bank


def write_integer(amount):
    """To JSON Schema 10.0 is an integer. The gateway refuses it: an amount is written without a fraction."""
    if isinstance(amount, dict) and isinstance(amount.get("amount"), float) and amount["amount"].is_integer():
        amount["amount"] = int(amount["amount"])


def is_bank_id(value):
    return isinstance(value, str) and BANK_ID.fullmatch(value) is not None
