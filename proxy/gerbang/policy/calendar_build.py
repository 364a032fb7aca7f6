"""The yearly holiday file, made from the `holidays` library: a list to review and keep, never asked at run time.

The file depends on the year, on the day of its making (which dates were past, and so certain) and on the version of the
library. A later version may say otherwise of the past; the shipped file changes only by a reviewed commit.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

# The library's subdivisions by the codes of `policies/calendars/malaysia.yaml`.
SUBDIVISIONS = {
    "JHR": "01",
    "KDH": "02",
    "KTN": "03",
    "MLK": "04",
    "NSN": "05",
    "PHG": "06",
    "PNG": "07",
    "PRK": "08",
    "PLS": "09",
    "SGR": "10",
    "TRG": "11",
    "SBH": "12",
    "SWK": "13",
    "KUL": "14",
    "LBN": "15",
    "PJY": "16",
}

# Marked as subject to change in the yearly official list (Jadual Hari Kelepasan Am), or counted from such a day;
# the library has them as certain up to 2027.
SUBJECT_TO_CHANGE = (
    "Awal Ramadan",
    "Hari Nuzul Al-Quran",
    "Hari Raya Puasa",
    "Hari Arafah",
    "Hari Raya Qurban",
    "Hari Deepavali",
)

# The last year with an official list, and what the library gives without a mark of its own for the years after it.
LISTED_UNTIL = 2027
UNMARKED = ("Hari Thaipusam",)

# The library's own marks, in Malay and in English.
IN_LIEU = "Cuti "
ESTIMATES = {" (anggaran)": "", " (estimated)": "", ", estimated)": ")"}

FIRST_YEAR, LAST_YEAR = 1964, 2077

UNKNOWABLE = (
    "occasional holidays (cuti peristiwa) that a state declares for itself, such as Kedah's for Thaipusam",
    "election days, royal installation and mourning days, extra days for Hari Raya or a sporting win",
    "days in lieu of Awal Muharam, Good Friday, Kaamatan, Hari Hol Johor and most rulers' birthdays",
    "days for civil servants only, and part of the day off",
)

# What has to be seen to beside the file.
BESIDES = (
    "the dates of Ramadan: add a season to `profiles` in a calendar file, or the Ramadan patterns keep ordinary hours",
    "whether a day without a mark is certain: the library marks not all that it estimates; compare the official list",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A holiday of the library's, with the states that keep it."""

    day: date
    ms: str
    en: str
    in_lieu: bool
    estimated: bool
    states: tuple[str, ...]


def listed_holidays(year: int, known_on: date) -> tuple[Listed, ...]:
    """All public holidays of a year by date. Raises `ValueError` where the library has none or contradicts itself."""
    import holidays  # takes its time, and only this function needs it

    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"no holidays are known for {year}")
    rows: dict[tuple[date, str, str, bool, bool], list[str]] = defaultdict(list)
    for code, subdivision in SUBDIVISIONS.items():
        malay = holidays.country_holidays("MY", subdiv=subdivision, years=year, language="ms_MY")
        english = holidays.country_holidays("MY", subdiv=subdivision, years=year, language="en_US")
        itself = holidays.country_holidays("MY", subdiv=subdivision, years=year, language="ms_MY", observed=False)
        for day in malay:
            if day.year != year:
                continue
            names = {_certain(name): name for name in malay.get_list(day)}
            own = {_certain(name) for name in itself.get_list(day)}
            translated = {name: _english(name, english) for name in names}
            if set(translated.values()) != {_certain(name) for name in english.get_list(day)}:
                raise ValueError(f"the holiday names of {day} in {code} do not translate: {', '.join(names)}")
            for name, given in names.items():
                words = (*SUBJECT_TO_CHANGE, *(UNMARKED if year > LISTED_UNTIL else ()))
                moves = day > known_on and any(word in name for word in words)
                rows[day, name, translated[name], name not in own, moves or name != given].append(code)
    return tuple(Listed(*key, states=tuple(codes)) for key, codes in sorted(rows.items()))


def holiday_file(year: int, known_on: date) -> str:
    """The calendar file of one year, the same text for the same arguments and version of the library."""
    rows = listed_holidays(year, known_on)
    lines = [
        f"# Public holidays of Malaysia in {year}, by state. Written by a command; do not edit:",
        f"#   gerbang calendar build --year {year} --known-on {known_on}",
        "# What is wrong or missing here is put right in overrides.yaml, with its source.",
        "#",
        "# `in_lieu`: a working day off for a holiday on a day off. `estimated`: subject to change when this was made.",
        "# Not in this file, because no library can know it:",
        *(f"# - {line}" for line in UNKNOWABLE),
        f"calendar: holidays-{year}",
        f"made_with: holidays {version('holidays')}",
        f"known_on: {known_on}",
        "complete_for:",
        f"  - {{year: {year}, states: [{', '.join(SUBDIVISIONS)}]}}",
        "holidays:",
        *(_row(row) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _row(row: Listed) -> str:
    parts = [
        f"date: {row.day}",
        f"states: [{', '.join(row.states)}]",
        f"ms: {json.dumps(row.ms, ensure_ascii=False)}",
        f"en: {json.dumps(row.en, ensure_ascii=False)}",
        *(["in_lieu: true"] if row.in_lieu else []),
        *(["estimated: true"] if row.estimated else []),
    ]
    return f"  - {{{', '.join(parts)}}}"


def _certain(name: str) -> str:
    """A holiday's name without the mark of an estimate."""
    for mark, instead in ESTIMATES.items():
        if name.endswith(mark):
            return name.removesuffix(mark) + instead
    return name


def _english(name: str, english: "HolidayBase") -> str:
    """The library's English for one of its Malay names."""
    translated = english.tr(name)
    if translated == name and name.startswith(IN_LIEU):
        return str(english.tr(f"{IN_LIEU}%s") % english.tr(name.removeprefix(IN_LIEU)))
    return str(translated)
