"""Bank account numbers, by the length that the named bank uses. An appeal or a sale gives its account out on purpose.

Lengths as printed on the banks' own slips, general knowledge seen 2026-11; there is no check digit and no IBAN.
"""

from collections.abc import Iterator

from gerbang.checks.identity_card import plausible
from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.model import Finding, Likelihood

ID = "bank-account"
TITLE = {"ms": "Nombor akaun bank", "en": "Bank account number"}
CATEGORY = "personal-data"
STARTS = {"personal-data": frozenset({"bank", "account-word"})}

CANDIDATE = compiled(r"\b\d(?:[ -]{0,2}\d){9,15}\b")
LENGTHS = {
    "maybank": {12}, "mbb": {12}, "cimb": {10, 14}, "public bank": {10}, "pbb": {10}, "rhb": {14},
    "hong leong": {11}, "hlb": {11}, "ambank": {13}, "bsn": {16}, "bank islam": {14}, "bimb": {14},
    "bank rakyat": {12}, "affin": {12}, "alliance": {15}, "muamalat": {14}, "agrobank": {16}, "hsbc": {12},
    "uob": {11}, "ocbc": {10}, "standard chartered": {12}, "mbsb": {16},
}  # fmt: skip
NEAR = 8  # words


def find(reading: Reading) -> Iterator[Finding]:
    if not reading.has_digits or not reading.hits("personal-data.bank", "personal-data.account-word"):
        return
    for tried, match in enumerate(CANDIDATE.finditer(reading.clean)):
        if tried >= MAX_FINDINGS:
            return
        start, end = match.span()
        likelihood = _likelihood(reading, start, end, match.group())
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.normal.original(start, end))


def _likelihood(reading: Reading, start: int, end: int, written: str) -> Likelihood | None:
    digits = "".join(char for char in written if char.isdigit())
    bank = reading.beside(start, end, ("personal-data.bank",), NEAR)
    account = reading.beside(start, end, ("personal-data.account-word",), NEAR)
    if bank is None and account is None:
        return None
    card = reading.beside(start, end, ("personal-data.identity-word",), 3, after=0)
    if len(digits) == 12 and plausible(digits) and card is not None:
        return None
    fits = bank is not None and len(digits) in LENGTHS.get(reading.text_of(bank), ())
    given_out = reading.beside(start, end, ("personal-data.own", "personal-data.sale", "personal-data.appeal"), 30)
    if given_out and not reading.beside(start, end, ("personal-data.somebody",), NEAR):
        return Likelihood.POSSIBLE
    if fits:
        return Likelihood.CERTAIN if account else Likelihood.LIKELY
    return Likelihood.LIKELY if bank and account else Likelihood.POSSIBLE
