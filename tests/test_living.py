"""The world that follows its registers, activations and platform documents while the gate runs."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from gate_builders import office_settings
from gerbang import living as following
from gerbang.errors import RecordError, SettingsError
from gerbang.living import LivingWorld, giving_way
from gerbang.model import Actor
from gerbang.pipeline import hours_of
from gerbang.policy.own_days import own_hours
from gerbang.serving import grounds
from journal_builders import entries
from waiting import until

HEAD = "id,name,unit,office,service_group,groups,pattern\n"


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivingWorld]:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)
    settings = office_settings(tmp_path)
    settings.registers_folder.mkdir(parents=True)
    world = LivingWorld(settings)
    yield world
    world.close()


def test_a_bug_of_ours_is_said_and_the_next_change_is_taken(living: LivingWorld, tmp_path: Path) -> None:
    file = tmp_path / "state" / "registers" / "officers.csv"
    real, failures = following.load_registers, [ZeroDivisionError("a bug")]

    def once_broken(folder: Path) -> object:
        if failures:
            raise failures.pop()
        return real(folder)

    with pytest.MonkeyPatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(following, "load_registers", once_broken)
        living.start()
        file.write_text(HEAD + "aminah,Aminah,,hq,professional,,\n")
        until(lambda: not failures and any(entry["event"] == "fault-while-following" for entry in logs))
        assert all(entry["exc_info"] for entry in logs if entry["event"] == "fault-while-following")
        file.write_text(HEAD + "badrul,Badrul,,hq,professional,,\n")
        until(lambda: set(living.world.registers.officers) == {"badrul"})


DOCUMENT = """platform: warung
title: Warung
hosts: {app: [warung.example]}
surfaces: {api: {hosts: app, name: json.op}}
signatures:
  - {id: reply, activity: comment, surface: api, path: /balas, name: %s, texts: json.body}
"""
CASES = """platform: warung
cases:
  - name: a reply is read
    request: {url: "https://warung.example/balas", json: {op: reply, body: Selamat pagi}}
    expect: {activity: comment, texts: [Selamat pagi]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "rules" / "platforms"
    made.mkdir(parents=True)
    (made / "warung.yaml").write_text(DOCUMENT % "reply")
    (made / "warung.cases.yaml").write_text(CASES)
    return made


@pytest.fixture
def following_platforms(tmp_path: Path, folder: Path) -> LivingWorld:
    settings = office_settings(tmp_path, policies=[str(folder.parent)], offices=[], zones=[], sites=[])
    settings.registers_folder.mkdir(parents=True)
    return LivingWorld(settings)


def settled(living: LivingWorld, watch: str = "_documents") -> bool:
    """Whether a change is seen: by the second look, since nothing changes between the two."""
    looks = getattr(living, watch)
    looks.changed()
    return bool(looks.changed())


def test_documents_that_are_right_are_taken_once_they_stand_still(
    following_platforms: LivingWorld, folder: Path
) -> None:
    living, before = following_platforms, following_platforms.world
    assert not settled(living)
    written: list[str] = []
    living.before_platforms = lambda world: written.append(world.platforms.digest)
    (folder / "warung.yaml").write_text(DOCUMENT % "[reply, jawab]")
    assert not living._documents.changed(), "somebody may be writing still"
    assert living._documents.changed()
    living.take_platforms()
    assert written == [living.world.platforms.digest] != [before.platforms.digest]
    assert living.refused is None
    assert living.world.policy is before.policy
    assert not settled(living)


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("warung.yaml", "platform: warung\n  title: a\n", "warung.yaml:2:8: "),
        ("warung.yaml", DOCUMENT % "jawab", "warung.cases.yaml:3:5: a reply is read: "),
        ("warung.cases.yaml", CASES.replace("pagi]", "petang]"), "warung.cases.yaml:3:5: a reply is read: texts"),
        ("warung.cases.yaml", CASES.replace("warung\n", "kedai\n", 1), "warung.cases.yaml: these are cases of `kedai`"),
    ],
)
def test_documents_that_are_wrong_or_fail_a_case_change_nothing_and_say_where(
    following_platforms: LivingWorld, folder: Path, file: str, text: str, why: str
) -> None:
    living, before = following_platforms, following_platforms.world
    right = (folder / file).read_text()
    (folder / file).write_text(text)
    assert settled(living)
    with structlog.testing.capture_logs() as logs:
        living.take_platforms()
    (entry,) = logs
    assert (entry["event"], entry["in_force"]) == ("platforms-refused", before.platforms.digest)
    assert f"{folder}/{why}" in entry["error"]
    assert living.refused == entry["error"]
    assert living.world is before
    assert not settled(living), "said once"
    (folder / file).write_text(right)
    assert settled(living)
    living.take_platforms()
    assert living.refused is None
    assert living.world.platforms.digest == before.platforms.digest


def test_cases_are_tried_with_the_document_that_replaces_another_of_its_platform(
    following_platforms: LivingWorld, folder: Path
) -> None:
    living = following_platforms
    (folder / "zz-warung.yaml").write_text(DOCUMENT % "jawab")
    (folder / "zz-warung.cases.yaml").write_text(CASES.replace("op: reply", "op: jawab"))
    assert settled(living)
    living.take_platforms()
    assert living.refused is None
    assert len(living.world.platforms.documents) == 1


def test_documents_wait_for_a_journal_that_is_away(following_platforms: LivingWorld, folder: Path) -> None:
    living, before = following_platforms, following_platforms.world
    away = [RecordError("the journal is away")]

    def write_down(_: object) -> None:
        if away:
            raise away.pop()

    living.before_platforms = write_down
    (folder / "warung.yaml").write_text(DOCUMENT % "[reply, jawab]")
    assert settled(living)
    living.take_platforms()
    assert living.world is before
    assert living._documents.changed(), "tried again, though nothing changes"
    living.take_platforms()
    assert living.world.platforms.digest != before.platforms.digest


def test_lists_of_targets_are_followed_and_a_wrong_one_changes_nothing(
    following_platforms: LivingWorld, folder: Path
) -> None:
    living = following_platforms
    file = folder.parent / "targets" / "parties.csv"
    file.parent.mkdir()
    file.write_text("platform,target\nwarung,satu\n")
    until(living._lists.changed)
    living.take_targets()
    assert living.world.targets.names == {"parties"}
    file.write_text("platform,target\nsembang,satu\n")
    until(living._lists.changed)
    with structlog.testing.capture_logs() as logs:
        living.take_targets()
    assert logs[0]["error"].startswith(f"{file}:2: unknown platform `sembang`")
    assert living.world.targets.names == {"parties"}
    file.unlink()
    until(living._lists.changed)
    living.take_targets()
    assert living.world.targets.names == frozenset()


@pytest.mark.parametrize("what", ["gone", "empty", "no-folder"])
def test_documents_that_are_gone_with_their_folder_stay_in_force_until_they_are_back(
    following_platforms: LivingWorld, folder: Path, what: str
) -> None:
    """As where a disk is away: what they list would pass unseen."""
    living, before = following_platforms, following_platforms.world
    away = folder.parent.with_name("away")
    (folder if what == "gone" else folder.parent).rename(away)
    if what == "empty":
        folder.mkdir(parents=True)
    if what == "no-folder":
        with pytest.raises(SettingsError):
            living._documents.changed()
    else:
        assert settled(living)
        living.take_platforms()
        assert living.refused is not None
    assert living.world is before
    if what == "empty":
        folder.rmdir()
        folder.parent.rmdir()
    away.rename(folder if what == "gone" else folder.parent)
    assert settled(living)
    living.take_platforms()
    assert living.refused is None
    assert living.world.platforms.digest == before.platforms.digest


def test_a_folder_that_cannot_be_looked_into_is_said_once_and_changes_nothing(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)
    settings = office_settings(tmp_path, policies=[str(folder.parent)], offices=[], zones=[], sites=[])
    settings.registers_folder.mkdir(parents=True)
    (folder.parent / "targets").mkdir()
    (folder.parent / "targets" / "parties.csv").write_text("platform,target\nwarung,satu\n")
    living = LivingWorld(settings)
    before, asked = living.world, []
    listdir = os.listdir

    def refused(path: Path) -> list[str]:
        asked.append(path)
        raise PermissionError(13, "Permission denied")

    with pytest.MonkeyPatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(os, "listdir", refused)
        living.start()
        until(lambda: len(asked) > 8)
        assert living.refused is not None
        patched.setattr(os, "listdir", listdir)
        until(lambda: living.refused is None)
    living.close()
    told = [entry["event"] for entry in logs]
    assert told == [*["documents-out-of-reach"] * 3, "calendars-taken", "platforms-taken"]
    assert [entry["of"] for entry in logs[:3]] == ["targets", "calendars", "platforms"]
    assert all("permission denied" in entry["error"] for entry in logs[:3])
    assert living.world.targets == before.targets
    assert living.world.platforms.digest == before.platforms.digest


def test_a_list_that_names_a_platform_which_comes_later_is_taken_then(
    following_platforms: LivingWorld, folder: Path
) -> None:
    living = following_platforms
    file = folder.parent / "targets" / "parties.csv"
    file.parent.mkdir()
    file.write_text("platform,target\nsembang,satu\n")
    living.take_targets()
    assert living.world.targets.names == frozenset()
    document = (DOCUMENT % "reply").replace("warung", "sembang")
    (folder / "sembang.yaml").write_text(document)
    assert settled(living)
    living.take_platforms()
    assert living.world.targets.names == {"parties"}


def test_while_a_change_is_taken_the_loop_waits_for_half_a_millisecond_at_most() -> None:
    """And afterwards, or after a fault, as long as before."""
    before, seen = sys.getswitchinterval(), []

    def take() -> None:
        with giving_way():
            seen.append(sys.getswitchinterval())
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        take()
    assert seen == [pytest.approx(0.0005)]
    assert sys.getswitchinterval() == before


# ---------------------------------------------------------------- calendars

DAY_OFF = """calendar: ours
overrides:
  - {date: 2026-11-25, offices: [hq], kind: %s, ms: Cuti peristiwa, en: Occasional holiday, source: notice of the day}
"""
CALENDAR_CASES = """cases:
  - name: the day is off
    office: {name: hq, state: %s}
    at: 2026-11-25T10:00
    expect: {regime: rest-day}
"""
WEDNESDAY = datetime(2026, 11, 25, 2, tzinfo=UTC)


@pytest.fixture
def with_calendars(tmp_path: Path) -> LivingWorld:
    (tmp_path / "ours" / "calendars").mkdir(parents=True)
    settings = office_settings(tmp_path, policies=["bundled", str(tmp_path / "ours")])
    settings.registers_folder.mkdir(parents=True)
    return LivingWorld(settings)


def at_hq(living: LivingWorld) -> str:
    return living.world.calendar.hours(living.world.offices["hq"], WEDNESDAY).regime


def test_a_day_off_that_is_announced_is_taken_by_a_running_gate(with_calendars: LivingWorld, tmp_path: Path) -> None:
    living, before = with_calendars, with_calendars.world
    assert at_hq(living) == "office-hours"
    assert not settled(living, "_calendars")
    written: list[str] = []
    living.before_calendars = lambda world: written.append(world.calendar.digest)
    file = tmp_path / "ours" / "calendars" / "ours.yaml"
    file.write_text(DAY_OFF % "add")
    (file.parent / "ours.cases.yaml").write_text(CALENDAR_CASES % "PJY")
    assert not living._calendars.changed(), "somebody may be writing still"
    assert living._calendars.changed()
    living.take_calendars()
    assert at_hq(living) == "rest-day"
    assert written == [living.world.calendar.digest] != [before.calendar.digest]
    assert living.world.offices["hq"] == before.offices["hq"]
    assert living.world.policy is before.policy
    file.write_text("# the same\n" + DAY_OFF % "add")
    assert settled(living, "_calendars")
    living.take_calendars()
    assert (len(written), living.refused) == (1, None), "what says the same is no other calendar"
    file.unlink()
    assert settled(living, "_calendars")
    living.take_calendars()
    assert at_hq(living) == "office-hours"


@pytest.mark.parametrize(
    ("text", "cases", "why"),
    [
        (DAY_OFF % "ad", None, "ours.yaml:3:45: unknown kind `ad`"),
        ("calendar: [\n", None, "ours.yaml:2:1: "),
        (DAY_OFF % "add", CALENDAR_CASES % "JHR" + "  - {name: b, at: 1", "ours.cases.yaml"),
        (DAY_OFF % "add", (CALENDAR_CASES % "PJY").replace("rest-day", "break"), "ours.cases.yaml:2: the day is off: "),
        (DAY_OFF % "add", CALENDAR_CASES % "XXX", "unknown state `XXX`"),
        ("calendar: ours\nstates: []\n", None, "ours.yaml"),
    ],
)
def test_a_calendar_that_is_wrong_or_fails_a_case_changes_nothing(
    with_calendars: LivingWorld, tmp_path: Path, text: str, cases: str | None, why: str
) -> None:
    living, before = with_calendars, with_calendars.world
    file = tmp_path / "ours" / "calendars" / "ours.yaml"
    file.write_text(text)
    if cases is not None:
        file.with_name("ours.cases.yaml").write_text(cases)
    assert settled(living, "_calendars")
    with structlog.testing.capture_logs() as logs:
        living.take_calendars()
    (entry,) = logs
    assert (entry["event"], entry["in_force"]) == ("calendars-refused", before.calendar.digest)
    assert why in entry["error"]
    assert living.refused == entry["error"]
    assert living.world is before
    assert not settled(living, "_calendars"), "said once"
    file.write_text(DAY_OFF % "add")
    file.with_name("ours.cases.yaml").unlink(missing_ok=True)
    assert settled(living, "_calendars")
    living.take_calendars()
    assert living.refused is None
    assert at_hq(living) == "rest-day"


def test_a_calendar_without_the_state_of_an_office_or_a_pattern_of_an_officer_is_refused(
    with_calendars: LivingWorld, tmp_path: Path
) -> None:
    living, before = with_calendars, with_calendars.world
    (tmp_path / "ours" / "calendars" / "malaysia.yaml").write_text("calendar: malaysia\nstates: {}\n")
    assert settled(living, "_calendars")
    living.take_calendars()
    assert living.world is before
    assert living.refused is not None


def test_a_calendar_waits_for_a_journal_that_is_away(with_calendars: LivingWorld, tmp_path: Path) -> None:
    living, before = with_calendars, with_calendars.world
    away = [RecordError("the journal is away")]

    def write_down(_: object) -> None:
        if away:
            raise away.pop()

    living.before_calendars = write_down
    (tmp_path / "ours" / "calendars" / "ours.yaml").write_text(DAY_OFF % "add")
    assert settled(living, "_calendars")
    living.take_calendars()
    assert (living.world, living.refused) == (before, "the journal is away")
    assert living._calendars.changed(), "tried again, though nothing changes"
    living.take_calendars()
    assert (at_hq(living), living.refused) == ("rest-day", None)


def test_a_calendar_folder_that_is_gone_takes_no_day_off_away(with_calendars: LivingWorld, tmp_path: Path) -> None:
    living = with_calendars
    folder = tmp_path / "ours" / "calendars"
    (folder / "ours.yaml").write_text(DAY_OFF % "add")
    assert settled(living, "_calendars")
    living.take_calendars()
    folder.rename(folder.with_name("away"))
    assert settled(living, "_calendars")
    living.take_calendars()
    assert at_hq(living) == "rest-day"
    assert "is gone" in (living.refused or "")


def test_a_gate_at_work_takes_a_day_off_and_an_officer_s_own_and_writes_down_the_calendar(tmp_path: Path) -> None:
    """As `serve` has it: by its own looks, with a line of the journal."""
    (tmp_path / "ours" / "calendars").mkdir(parents=True)
    settings = office_settings(tmp_path, policies=["bundled", str(tmp_path / "ours")])
    settings.registers_folder.mkdir(parents=True)
    (settings.registers_folder / "officers.csv").write_text(HEAD + "aminah,Aminah,,hq,professional,,\n")
    with grounds(settings, None) as found:
        living = found.world
        officer = living.world.registers.officers["aminah"]
        actor = Actor(living.world.zones[0], "10.0.0.1", officer)
        own = settings.registers_folder / "own-days.csv"
        draft = own.with_suffix(".new")
        draft.write_text("officer,kind,from,until,reference,by\naminah,leave,2026-11-26,,C 1,devi\n")
        draft.rename(own)
        (tmp_path / "ours" / "calendars" / "ours.yaml").write_text(DAY_OFF % "add")
        until(lambda: hours_of(actor, living.world, WEDNESDAY + timedelta(days=1)).fact == "leave")
        until(lambda: hours_of(actor, living.world, WEDNESDAY).regime == "rest-day")
        digest = living.world.calendar.digest
    activated = [one for one in entries(settings.journal_folder) if one["kind"] == "policy-activated"]
    assert [one["body"]["basis"]["calendar"] == digest for one in activated] == [False, True]


def test_own_days_are_laid_out_when_they_are_taken_and_not_at_the_first_request(
    with_calendars: LivingWorld, tmp_path: Path
) -> None:
    registers = tmp_path / "state" / "registers"
    registers.mkdir(parents=True, exist_ok=True)
    (registers / "officers.csv").write_text("id,name,office\naminah,Aminah binti Contoh,hq\nfarid,Farid bin Misal,\n")
    (registers / "own-days.csv").write_text(
        "officer,kind,from,until,reference,by\naminah,leave,2026-11-25,,C 1,devi\nfarid,leave,2026-11-25,,C 2,devi\n"
    )
    with_calendars.refresh()
    world = with_calendars.world
    own = world.registers.own_days["aminah"]
    laid_out = own.made
    assert laid_out is not None
    found = own_hours(own, world.calendar, world.offices, world.offices["hq"], None, WEDNESDAY)
    assert (found.regime, found.fact) == ("outside-hours", "leave")
    assert own.made is laid_out
    assert world.registers.own_days["farid"].made is None, "whose office is the zone's, which nobody knows yet"
