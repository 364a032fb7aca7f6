"""Identity card numbers (MyKad): date of birth, place code, serial.

There is no check digit, so a date that exists, a place code of the National Registration Department and the words
around it tell one from a parcel's number. Place codes as in python-stdnum 2.2 and the department's table, seen 2026-11.

>>> plausible("900214145678"), plausible("900230145678"), plausible("900214005678")
(True, False, False)
"""

from collections.abc import Iterator
from typing import NamedTuple

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.model import Finding, Likelihood

ID = "identity-card"
TITLE = {"ms": "Nombor kad pengenalan", "en": "Identity card number"}
CATEGORY = "personal-data"
STARTS = {"personal-data": frozenset({"identity-word", "person", "parcel", "bank", "account-word"})}

NUMBER = compiled(r"(?:\b|[A-Za-z_])(\d{6}([-./ ]{1,3}|)\d{2}([-./ ]{1,3}|)\d{4})(?:\b|[A-Za-z_])")
SPREAD = compiled(r"(?:\b|[A-Za-z_])(\d(?:[ .\-_/,]{1,3}\d){11})\b")
NO_PLACE = frozenset(f"{code:02}" for code in (0, *range(17, 21), 69, 70, 73, 80, 81, *range(94, 98)))
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
NEAR = 6  # words


def plausible(digits: str) -> bool:
    """Whether twelve digits could be an identity card's. A future date is one of the last century."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    if not 1 <= month <= 12 or not 1 <= day <= DAYS[month - 1] or digits[6:8] in NO_PLACE or digits[8:] == "0000":
        return False
    # 1900 was no leap year, 2000 was; every other year shares its leap with the same year of the other century.
    return not (month == 2 and day == 29 and year % 4)


class Number(NamedTuple):
    """A plausible number: where in the clean text, its digits, whether in the card's own grouping."""

    start: int
    end: int
    digits: str
    grouped: bool


def numbers(reading: Reading) -> list[Number]:
    """The plausible numbers of a text, in order, at most a few hundred."""
    found = reading.memory.get("identity-cards")
    if found is None:
        found = reading.memory["identity-cards"] = _numbers(reading) if reading.has_digits else []
    return list(found)


def _numbers(reading: Reading) -> list[Number]:
    found: dict[int, Number] = {}
    for pattern in (NUMBER, SPREAD):
        for match in pattern.finditer(reading.clean):
            if len(found) >= 4 * MAX_FINDINGS:
                break
            start, end = match.span(1)
            digits = "".join(char for char in match.group(1) if char.isdigit())
            if plausible(digits) and start not in found:
                grouped = pattern is NUMBER and bool(match.group(2)) and bool(match.group(3))
                found[start] = Number(start, end, digits, grouped)
    return [found[start] for start in sorted(found)]


def find(reading: Reading) -> Iterator[Finding]:
    found = numbers(reading)
    several = len({number.digits for number in found}) > 2
    for number in found[:MAX_FINDINGS]:
        likelihood = _likelihood(reading, number, several)
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.normal.original(number.start, number.end))


def _likelihood(reading: Reading, number: Number, several: bool) -> Likelihood | None:
    if reading.beside(number.start, number.end, ("personal-data.identity-word",), NEAR, after=3):
        return Likelihood.CERTAIN
    if number.grouped:
        return Likelihood.LIKELY
    if reading.beside(
        number.start, number.end, ("personal-data.parcel", "personal-data.bank", "personal-data.account-word"), NEAR
    ):
        return None
    if several or reading.beside(number.start, number.end, ("personal-data.person",), NEAR):
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE
