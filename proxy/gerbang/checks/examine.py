"""Texts in, findings out: every check over every text, in time linear in the text."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from types import ModuleType

from gerbang.checks import (
    bank_account,
    classification_label,
    file_reference,
    identity_card,
    internal_handling,
    personal_attack,
    personal_list,
    personal_number,
    phone,
    schedule_document,
)
from gerbang.checks.lexicon import LexiconDocument
from gerbang.checks.normalise import NormalForms, normal_form
from gerbang.checks.reading import Lexicons, Reading, compile_lexicons
from gerbang.errors import DocumentError, DocumentErrors, Place
from gerbang.model import Finding, Text

CHECKS: tuple[ModuleType, ...] = (
    classification_label,
    schedule_document,
    file_reference,
    internal_handling,
    identity_card,
    personal_number,
    phone,
    bank_account,
    personal_list,
    personal_attack,
)


# A paper's label may stand in one text and the paper in another: these read all texts of an activity as one as well.
OF_PAPERS: tuple[ModuleType, ...] = (classification_label, schedule_document, file_reference, internal_handling)
PAPERS = "official-information"

# Vocabularies of which nothing is asked where a text holds no number.
BESIDE_NUMBERS = frozenset({"personal-data"})


@dataclass(frozen=True)
class Checks:
    """All checks with their vocabularies, and the digest that names both."""

    lexicons: Lexicons
    combined: tuple[str, ...]  # vocabularies whose combinations are findings
    digest: str
    told: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Each check that finds, with its category and the digest of its vocabulary (empty for what is program)."""


def compile_checks(lexicons: Sequence[LexiconDocument]) -> Checks:
    """The checks with these vocabularies. `DocumentErrors` where one lacks a group that its check starts from."""
    starters: dict[str, frozenset[str]] = {}
    for check in CHECKS:
        for lexicon, groups in check.STARTS.items():
            starters[lexicon] = starters.get(lexicon, frozenset()) | groups
    errors = []
    names: set[str] = set()
    for document in lexicons:
        if document.lexicon in names:
            errors.append(
                DocumentError(f"a second vocabulary is called `{document.lexicon}`", place=Place(document.file))
            )
        names.add(document.lexicon)
        missing = sorted(starters.get(document.lexicon, frozenset()) - set(document.groups))
        errors.extend(
            DocumentError(
                f"the group `{group}` is missing",
                place=Place(document.file),
                hint=f"the checks that use `{document.lexicon}` start from it; it may be an empty list",
            )
            for group in missing
        )
    if errors:
        raise DocumentErrors(errors)
    ordered = sorted(lexicons, key=lambda document: document.lexicon)
    canonical = json.dumps(
        {
            "checks": [check.ID for check in CHECKS],
            "lexicons": [document.model_dump(mode="json", exclude={"file"}) for document in ordered],
        },
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return Checks(
        compile_lexicons(ordered, starters, BESIDE_NUMBERS),
        tuple(document.lexicon for document in ordered if document.findings),
        sha256(b"gerbang-checks/1\n" + canonical.encode()).hexdigest(),
        {str(check.ID): (str(check.CATEGORY), "") for check in CHECKS}
        | {one.lexicon: (one.category, _digest(one)) for one in ordered if one.findings},
    )


def _digest(document: LexiconDocument) -> str:
    said = document.model_dump_json(exclude={"file"})
    return sha256(b"gerbang-lexicon/1\n" + said.encode()).hexdigest()[:16]


def examine(texts: Sequence[Text], checks: Checks, forms: NormalForms | None = None) -> tuple[Finding, ...]:
    """What the checks find, in order; offsets are those of each text as it was written.

    `forms` takes the texts' normal forms, for who needs them as well.
    """
    forms = NormalForms() if forms is None else forms
    found: list[Finding] = []
    paper = False
    for number, text in enumerate(texts):
        reading = Reading(forms[text.value], checks.lexicons)
        here = [finding for check in CHECKS for finding in check.find(reading)]
        here += [one for lexicon in checks.combined if lexicon in reading.found for one in reading.together(lexicon)]
        here.sort(key=_place)
        found += here if number == 0 else [replace(finding, text=number) for finding in here]
        paper = paper or PAPERS in reading.found or reading.has_series
    return _with_joined(found, texts, checks) if paper and len(texts) > 1 else tuple(found)


def _with_joined(found: Sequence[Finding], texts: Sequence[Text], checks: Checks) -> tuple[Finding, ...]:
    """With what is found of a paper when the texts are read as one; the stronger finding of a place stands."""
    starts = list(accumulate((len(text.value) + 1 for text in texts[:-1]), initial=0))
    reading = Reading(normal_form("\n".join(text.value for text in texts)), checks.lexicons)
    best = {(one.text, one.start, one.end, one.check): one for one in found}
    for finding in (finding for check in OF_PAPERS for finding in check.find(reading)):
        number = bisect_right(starts, finding.start) - 1
        start, length = finding.start - starts[number], len(texts[number].value)
        end = min(finding.end - starts[number], length)
        if start < end:
            key = number, start, end, finding.check
            if key not in best or best[key].likelihood < finding.likelihood:
                best[key] = replace(finding, text=number, start=start, end=end)
    return tuple(sorted(best.values(), key=lambda one: (one.text, *_place(one))))


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.start, finding.end, finding.check


MASKED = "•"
SHOWN = 24  # characters of context either side


def mask(value: str, start: int, end: int) -> str:
    """An excerpt that tells where and how long, and never what.

    What was found is dots, one a character up to twelve; letters and digits of its surroundings that it also holds
    as a run are dots too, so that a number written twice is hidden twice.

    >>> mask("IC saya 900214-14-5678 ya", 8, 22)
    'IC saya •••••••••••• ya'
    """
    secret = value[start:end]
    before = value[max(0, start - SHOWN) : start]
    after = value[end : end + SHOWN]
    head = "…" if start > SHOWN else ""
    tail = "…" if end + SHOWN < len(value) else ""
    shown = (_hidden(before, secret), MASKED * min(len(secret), 12), _hidden(after, secret))
    return f"{head}{''.join(shown)}{tail}"


def _hidden(context: str, secret: str) -> str:
    """The context, with a dot for every character in a run of three or more that the secret holds as well."""
    folded, known = context.lower(), secret.lower()
    if len(folded) != len(context):
        return MASKED * len(context)
    runs = {known[at : at + 3] for at in range(min(len(known), 4000) - 2)} or {known}
    length = min(3, len(known)) or 1
    dark = [False] * len(context)
    for at in range(len(folded) - length + 1):
        if folded[at : at + length] in runs:
            dark[at : at + length] = [True] * length
    return "".join(MASKED if hide else char for hide, char in zip(dark, context, strict=True))
