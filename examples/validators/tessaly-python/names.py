# Names that Tessaly takes nothing of, however they are spelled: case, accents and spaces do not count.

import unicodedata

LISTED = ("Banca Ombra", "Crédit Fantôme")


def plain(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in parts if letter.isalnum())


# Made while the component is built, and no more after that.
PLAIN_LISTED = frozenset(map(plain, LISTED))


def is_listed(name: str) -> bool:
    return plain(name) in PLAIN_LISTED
