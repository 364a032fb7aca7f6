"""Telephone numbers of people. A number that its owner gives out is no leak; that of somebody else may be.

Validity is asked of phonenumbers (region MY). Government, toll-free and short numbers are public.
"""

from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumberType

from gerbang.checks.identity_card import numbers as identity_numbers
from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.model import Finding, Likelihood

ID = "phone"
TITLE = {"ms": "Nombor telefon seseorang", "en": "Somebody's telephone number"}
CATEGORY = "personal-data"
STARTS = {"personal-data": frozenset({"phone-word", "somebody", "person"})}

CANDIDATE = compiled(r"(?:\+|00)?(?:60[ .\-]?)?(?:\(0?\d{1,3}\)|0?1\d|0[3-9]\d?)[ .\-]?\d(?:[ .\-]?\d){5,8}\b")
GOVERNMENT = ("+6038000", "+6038888", "+60388", "+60387", "+60386")  # Putrajaya's exchanges
NEAR = 8  # words


def numbers(reading: Reading) -> list[tuple[int, int, str, bool]]:
    """The valid numbers: where in the clean text, in E.164 form, and whether mobile."""
    found = reading.memory.get("phones")
    if found is None:
        found = reading.memory["phones"] = _numbers(reading) if reading.has_digits else []
    return list(found)


def _numbers(reading: Reading) -> list[tuple[int, int, str, bool]]:
    cards = identity_numbers(reading)
    found: list[tuple[int, int, str, bool]] = []
    for tried, match in enumerate(CANDIDATE.finditer(reading.clean)):
        if tried >= MAX_FINDINGS:
            break
        start, end = match.span()
        if start and reading.clean[start - 1].isdigit():
            continue  # the tail of a longer number
        if any(card.start < end and start < card.end for card in cards):
            continue
        written = match.group()
        try:
            number = phonenumbers.parse(f"+{written}" if written.startswith("60") else written, "MY")
        except phonenumbers.NumberParseException:
            continue
        if number.country_code != 60 or not phonenumbers.is_valid_number(number):
            continue
        kind = phonenumbers.number_type(number)
        plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if kind in (PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST) or plain.startswith(GOVERNMENT):
            continue
        found.append((start, end, plain, kind == PhoneNumberType.MOBILE))
    return found


def find(reading: Reading) -> Iterator[Finding]:
    for start, end, _, mobile in numbers(reading):
        likelihood = _likelihood(reading, start, end, mobile)
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.normal.original(start, end))


def _likelihood(reading: Reading, start: int, end: int, mobile: bool) -> Likelihood | None:
    somebodys = reading.beside(start, end, ("personal-data.somebody",), NEAR)
    if not mobile:
        return Likelihood.POSSIBLE if somebodys else None
    if reading.beside(start, end, ("personal-data.own", "personal-data.sale"), NEAR) and not somebodys:
        return Likelihood.POSSIBLE
    return Likelihood.LIKELY if somebodys else Likelihood.POSSIBLE
