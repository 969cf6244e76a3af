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
