"""One officer's month in the terminal: weeks as rows, each day with its hours, a bar, and what it is."""

from collections.abc import Sequence
from datetime import date

from rich.box import SQUARE
from rich.table import Table
from rich.text import Text

from gerbang.answers.reasons import hours_told
from gerbang.answers.words import Language
from gerbang.model import Hours, Regime
from gerbang.policy.stretches import OWN, Piece, is_estimated, is_own

# The bar shows 06:00 to 21:00, an hour and a half a mark: flexible hours and breaks begin with one.
BAR = range(6 * 60, 21 * 60, 90)
MARKS = {
    Regime.OFFICE_HOURS: ("█", "green"),
    Regime.FLEXIBLE: ("▒", "yellow"),
    Regime.BREAK: ("░", "cyan"),
    Regime.OUTSIDE_HOURS: ("·", "dim"),
    Regime.REST_DAY: ("-", "dim"),
    Regime.UNKNOWN: ("?", "red"),
}
WORKED = frozenset({Regime.OFFICE_HOURS, Regime.BREAK, Regime.FLEXIBLE, Regime.UNKNOWN})
# Characters of a day: seven of them and their borders fit into 80 columns.
_CELL = 10


def notes(pieces: Sequence[Piece]) -> list[str]:
    """What the day is, a word or a name each."""
    found: dict[str, None] = {}
    for one in pieces:
        arguments = one.hours.arguments
        if "elsewhere" in arguments:
            found["at " + arguments["elsewhere"] if arguments["elsewhere"] else "elsewhere"] = None
        match one.hours.fact:
            case "holiday":
                found[arguments.get("name_en") or arguments.get("name", "holiday")] = None
            case "weekly-rest":
                found["day off"] = None
            case "no-data":
                found[f"no data: {arguments['missing']}"] = None
            case "clocked-in" | "hours-served" | "before-clock-in":
                found[f"in {arguments['in']}"] = None
            case "clocked-out":
                found[f"out {arguments['out']}"] = None
            case fact if fact in OWN and fact != "off-shift":
                found[fact] = None
    return list(found)


def described(pieces: Sequence[Piece]) -> str:
    """All of a day's pieces that are not plainly off, a line each, with what they rest on."""
    shown = [one for one in pieces if one.hours.regime in WORKED or one.hours.fact in OWN]
    return "\n".join(f"{one} ({one.hours.fact})" for one in shown)


def told(hours: Hours) -> str:
    """An answer at one moment, in a sentence."""
    until = f"; changes {hours.until:%Y-%m-%d %H:%M}" if hours.until else ""
    return f"{hours.local:%Y-%m-%d %H:%M}: {hours_told(hours, Language.EN)}{until}"


def drawn(title: str, days: Sequence[tuple[date, tuple[Piece, ...]]]) -> Table:
    grid = Table(title=title, title_justify="left", box=SQUARE, padding=0, show_lines=True, header_style="bold")
    for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        grid.add_column(name, width=_CELL, no_wrap=True)
    week: list[Text] = [Text()] * days[0][0].weekday()
    for day, pieces in days:
        week.append(_cell(day, pieces))
        if len(week) == 7:
            grid.add_row(*week)
            week = []
    if week:
        grid.add_row(*week, *([Text()] * (7 - len(week))))
    return grid


def legend() -> Text:
    line = Text("06:00 to 21:00, an hour and a half a mark:")
    for regime, (mark, style) in MARKS.items():
        line.append(" ").append(mark, style=style).append(f" {regime}")
    return line.append("\n* the officer's own day   ~ a date that may still move")


def _cell(day: date, pieces: Sequence[Piece]) -> Text:
    cell = Text(f"{day.day:2}", style="bold")
    cell.append((" *" if is_own(pieces) else "") + (" ~" if is_estimated(pieces) else ""))
    worked = [one for one in pieces if one.hours.regime in WORKED]
    cell.append(f"\n{_span(worked)}\n", style="not bold")
    for minute in BAR:
        found = next((one for one in reversed(pieces) if one.start.hour * 60 + one.start.minute <= minute), pieces[0])
        mark, style = MARKS[found.hours.regime]
        cell.append(mark, style=f"not bold {style}")
    for note in notes(pieces)[:2]:
        cell.append("\n" + (note if len(note) <= _CELL else note[: _CELL - 1] + "…"), style="not bold italic")
    return cell


def _span(worked: Sequence[Piece]) -> str:
    if not worked:
        return ""
    first, last = worked[0].start, worked[-1].end
    end = "24:00" if last.date() > first.date() else f"{last:%H:%M}"
    return f"{first:%H:%M}-{end}".replace(":", "")
