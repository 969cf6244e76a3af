from dataclasses import dataclass

@dataclass
class Bank:
    id: str
    name: str
    country: str
    currency: str

@dataclass
class Currency:
    name: str
    symbol: str
    amount: int
    """In the currency's minor unit."""

@dataclass
class Transaction:
    id: str
    origin: Bank
    destination: Bank
    amount: Currency
    status: str

class Verdict: ...

def approve() -> Verdict: ...
def deny(code: str, message: str = "") -> Verdict:
    """A code of ISO 20022 (AM04, AC06) or your own; a message of one line, at most 512 bytes."""
