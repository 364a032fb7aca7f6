"""`gerbang platforms learn`: a signature and its cases from a browser's recording."""

from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli.output import console
from gerbang.cli.platforms.entries import entries_of
from gerbang.cli.platforms.recordings import day_of, exchanged
from gerbang.cli.slot import now
from gerbang.errors import DocumentError, Place, SettingsError, one_of, reason
from gerbang.loading import CASES, cases_beside, read_document
from gerbang.model import PUBLISHING, Kind
from gerbang.recognition.document import parse_platform
from gerbang.recognition.drafting import Known, Wish
from gerbang.recognition.learn import Lesson, learn

KINDS = (*sorted(str(kind) for kind in PUBLISHING), "message", "react", "follow", "profile", "vote", "delete")


def learn_from(
    file: Annotated[Path, typer.Argument(help="The recording: a HAR 1.2 file with its content, or JSON lines.")],
    marker: Annotated[str, typer.Option(help="The text that was posted in it, as it was typed.")],
    platform: Annotated[str | None, typer.Option(help="A name for a new platform; else one after its host.")] = None,
    activity: Annotated[str | None, typer.Option(help="What was done, such as `comment`; else a guess.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder of policies, into whose `platforms/` they are written; else printed.")
    ] = None,
) -> None:
    """Find where a text was posted in a browser's recording, and make of it a signature with its cases.

    What is printed or written passes `platforms test`. It holds no cookie, token or id of the recording.
    """
    if activity is not None and activity not in KINDS:
        raise SettingsError(f"unknown activity `{activity}`", hint=one_of(KINDS, activity))
    if platform is not None:
        _checked_name(platform)
    day = day_of(file) or now().date().isoformat()
    wish = Wish(marker, day, platform, Kind(activity) if activity else None)
    known = [
        Known(entry.document, read_document(entry.file), read_document(beside) if beside else "")
        for entry in entries_of()
        for beside in (cases_beside(entry.file),)
    ]
    recording = list(exchanged(file))
    try:
        lesson = learn(recording, wish, known)
    except DocumentError as error:
        if error.place is None:
            raise DocumentError(error.what, place=Place(str(file)), hint=error.hint) from None
        raise
    for note in lesson.notes:
        _say(f"# {note}")
    if out is None:
        _print(lesson)
    else:
        _write(lesson, out)


def _checked_name(platform: str) -> None:
    empty = f"platform: {platform}\ntitle: a\nsurfaces: {{}}\nsignatures: []\n"
    try:
        parse_platform(empty, "")
    except DocumentError:
        hint = "use small letters, digits and hyphens"
        raise SettingsError(f"`{platform}` is no name for a platform", hint=hint) from None


def _print(lesson: Lesson) -> None:
    document, cases = lesson.pieces
    where = "add to" if lesson.known else "write as"
    _say(f"\n# {where} platforms/{lesson.platform}.yaml")
    _say(document.rstrip())
    _say(f"\n# {where} platforms/{lesson.platform}{CASES}")
    _say(cases.rstrip())


def _write(lesson: Lesson, out: Path) -> None:
    folder = out / "platforms"
    files = {folder / f"{lesson.platform}.yaml": lesson.document, folder / f"{lesson.platform}{CASES}": lesson.cases}
    for target in files:
        if target.exists() and not typer.confirm(f"{target} is there already; write over it?"):
            raise typer.Abort
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, text in files.items():
            target.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"`{folder}` cannot be written: {reason(error)}") from None
    for target in files:
        _say(f"written: {target}")
    _say(f"then: gerbang platforms test {out}")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
