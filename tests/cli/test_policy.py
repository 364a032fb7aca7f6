"""`gerbang policy`: what it prints, and the status with which it ends."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gerbang import trying
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.errors import GerbangError
from gerbang.journal.reader import read

OWN = """\
policy: ours
title: {ms: Kami, en: Ours}
clauses:
  K1: {text: {ms: satu, en: one}, cites: {federal: "Pekeliling 1/2026"}}
  K2: {text: {ms: dua, en: two}, none: {ms: belum, en: no check sees it yet}}
rules:
  - id: no-votes
    clause: K1
    title: {ms: Tiada undian, en: No votes}
    when: {activity: vote}
    effect: block
"""
CASES = """\
- name: a vote is stopped
  at: 2026-11-24T20:00+08:00
  act: {platform: x, activity: vote}
  expect: {effect: block, rules: [no-votes]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "policies" / "ours"
    own.mkdir(parents=True)
    (own / "policy.yaml").write_text(OWN)
    (own / "policy.cases.yaml").write_text(CASES)
    return own.parent


# Functions of their arguments: read once for all tests of this file.
REMEMBERED = {name: cache(getattr(trying, name)) for name in ("parse_lexicon", "parse_calendar", "parse_policy")}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `gerbang.toml` of this machine is read, and nothing may be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name, remembered in REMEMBERED.items():
        monkeypatch.setattr(trying, name, remembered)
    configuration.choose(None)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", *arguments])
    if isinstance(result.exception, GerbangError):
        return 2, str(result.exception)  # `main` prints it so and ends with 2
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def printed(*arguments: str) -> Any:
    status, output = run(*arguments, "--json")
    assert status == 0, output
    return json.loads(output)


def test_the_bundled_policies_are_right_and_do_what_their_cases_say(tmp_path: Path) -> None:
    status, output = run("check")
    assert status == 0
    assert "malaysia-public-service" in output
    status, output = run("test")
    assert status == 0
    assert output.strip().endswith("hold, 0 do not")
    assert list(tmp_path.iterdir()) == []


def test_check_lists_clauses_without_rules_and_their_reasons(folder: Path) -> None:
    status, output = run("check", str(folder))
    assert status == 0
    assert "ours: clause K2 has no rule: no check sees it yet" in output
    (document,) = printed("check", str(folder))["documents"]
    assert (document["policy"], document["rules"], document["without_rules"], document["cases"]) == (
        "ours",
        1,
        ["K2"],
        1,
    )


def test_check_notes_words_that_nothing_answers_to(folder: Path) -> None:
    text = OWN.replace("{activity: vote}", "{activity: vote, platform: friendster, finding: {check: mind-reading}}")
    (folder / "ours" / "policy.yaml").write_text(text)
    notes = "\n".join(printed("check", str(folder))["notes"])
    assert "policy.yaml:7:5: rule `no-votes` asks for the check `mind-reading`, which does not exist" in notes
    assert "names the platform `friendster`, which is not known here" in notes


def test_a_legal_regime_that_no_clause_cites_is_noted(tmp_path: Path) -> None:
    """A typing mistake would leave every decision of the office without its law."""
    offices = "".join(
        f'[[offices]]\nname = "{name}"\nstate = "PJY"\nlegal_regime = "{regime}"\n'
        for name, regime in (("hq", "federal"), ("cawangan", "federel"))
    )
    (tmp_path / "gerbang.toml").write_text(offices)
    configuration.choose(tmp_path / "gerbang.toml")
    notes = "\n".join(printed("check")["notes"])
    assert "no clause cites a law for `federel`, the regime of office `cawangan`; did you mean `federal`?" in notes
    assert "`hq`" not in notes


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_wrong_policy_is_told_with_its_place(folder: Path, command: str) -> None:
    (folder / "ours" / "policy.yaml").write_text(OWN.replace("effect: block", "effect: blok"))
    (folder / "ours" / "policy.cases.yaml").write_text(CASES)
    status, output = run(command, str(folder))
    assert status == 2
    assert "policy.yaml:11:13: unknown effect `blok`; did you mean `block`?" in output


@pytest.mark.parametrize("command", ["check", "test"])
def test_wrong_cases_are_told_with_their_place(folder: Path, command: str) -> None:
    (folder / "ours" / "policy.cases.yaml").write_text(CASES.replace("vote}", "votes}"))
    status, output = run(command, str(folder))
    assert status == 2
    assert "policy.cases.yaml:3:32: unknown activity `votes`; did you mean `vote`?" in output


def test_a_case_that_does_not_hold_is_status_one(folder: Path) -> None:
    (folder / "ours" / "policy.cases.yaml").write_text(CASES.replace("effect: block", "effect: coach"))
    status, output = run("test", str(folder))
    assert status == 1
    assert "policy.cases.yaml:1: a vote is stopped" in output
    assert "expected the effect `coach`, got `block` (by `no-votes`)" in output
    assert "1 cases, 0 hold, 1 do not" in output
    status, output = run("test", str(folder), "--json")
    assert status == 1
    assert json.loads(output)["failed"][0]["line"] == 1


def test_a_rule_that_no_case_meets_is_noted(folder: Path) -> None:
    (folder / "ours" / "policy.cases.yaml").write_text(
        CASES.replace("vote}", "follow}").replace("{effect: block, rules: [no-votes]}", "{effect: allow}")
    )
    status, output = run("test", str(folder))
    assert status == 0
    assert "note: no case of ours meets no-votes" in output


def test_a_folder_that_refers_to_a_shipped_policy_is_tried_with_it(folder: Path) -> None:
    rule = """
  - id: our-counter
    clause: malaysia-public-service/R3
    title: {ms: Kaunter, en: Counter}
    when: {regime: office-hours, activity: view, office: hq}
    effect: record
    overrides:
      rule: malaysia-public-service/viewing-in-office-hours
      reason: the counter answers the public all day
      authority: Ketua Jabatan, 1 November 2026
"""
    (folder / "ours" / "policy.yaml").write_text(OWN + rule)
    case = """\
- name: a visit at the counter
  at: 2026-11-24T10:15+08:00
  act: {platform: x, activity: view}
  expect: {effect: record, rules: [our-counter], exempt: [malaysia-public-service/viewing-in-office-hours]}
"""
    (folder / "ours" / "policy.cases.yaml").write_text(case)
    status, output = run("test", str(folder))
    assert (status, output.strip().splitlines()[-1]) == (0, "1 cases, 1 hold, 0 do not")


def test_a_stricter_document_beside_another_does_not_make_its_cases_wrong(folder: Path) -> None:
    strict = OWN.replace("policy: ours", "policy: strict").replace("activity: vote", "activity: participating")
    (folder / "strict.yaml").write_text(strict)
    (folder / "ours" / "policy.cases.yaml").write_text(
        CASES
        + CASES.replace("a vote is stopped", "a follow is not")
        .replace("vote}", "follow}")
        .replace("block, rules: [no-votes]", "allow")
    )
    status, output = run("test", str(folder))
    assert (status, output.strip().splitlines()[-1]) == (0, "2 cases, 2 hold, 0 do not")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check", "nowhere"], "the folder `nowhere` does not exist"),
        (["check", "."], "there is no policy here"),
        (["explain", "--platform", "x", "--activity", "pst"], "unknown activity `pst`; did you mean `post`?"),
        (
            ["explain", "--platform", "x", "--activity", "post", "--officer", "P-1"],
            "no officer `P-1` is in the register",
        ),
        (["explain", "--platform", "x", "--activity", "post", "--zone", "q"], "unknown zone `q`"),
        (["explain", "--platform", "x", "--activity", "post", "--office", "q"], "unknown office `q`"),
        (["explain", "--platform", "x", "--activity", "post", "--device", "q"], "unknown device `q`"),
        (["explain", "--platform", "x", "--activity", "post", "--gap", "q"], "unknown gap `q`"),
        (["explain", "--platform", "x", "--activity", "post", "--time", "noon"], "`noon` is no time; write it like"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str], expected: str) -> None:
    status, output = run(*arguments)
    assert status == 2
    assert expected in output
    assert list(tmp_path.iterdir()) == []


POST = ["explain", "--platform", "x", "--activity", "post", "--time", "2026-11-24T10:15"]


def test_explain_tells_regime_rules_exemptions_effect_and_law() -> None:
    status, output = run(*POST, "--text", "undi parti contoh pada pilihan raya ini")
    assert status == 0
    assert "regime    office-hours, because of core-hours" in output
    assert "finding   political, likely, by political: undi parti" in output
    assert "effect    block, by malaysia-public-service/personal-participation-in-office-hours" in output
    assert "not exempt: remedial is false, not true" in " ".join(output.split())
    assert "cites     R6: Regulation 21, P.U.(A) 395/1993 (21(1) for the management groups" in output


def test_explain_in_json_has_every_rule_and_its_reasons() -> None:
    told = printed(*POST, "--account", "official")
    assert (told["regime"], told["effect"], told["account"]) == ("office-hours", "record", "official")
    rules = {rule["rule"].partition("/")[2]: rule for rule in told["rules"]}
    assert rules["official-post-attestation"]["outcome"] == "observed"
    hours = rules["personal-participation-in-office-hours"]
    assert hours["outcome"] == "no-match"
    assert [reason["key"] for reason in hours["reasons"] if not reason["holds"]] == ["account"]
    assert {citation["clause"] for citation in told["citations"]} == {"R1", "R9", "R12"}


def test_explain_shows_what_was_sent_in_an_earlier_step() -> None:
    night = ("explain", "--platform", "x", "--activity", "post", "--time", "2026-11-24T20:00", "--media")
    status, output = run(*night, "--text", "Jemput datang", "--earlier", "Siap kau, aku belasah kau nanti")
    assert status == 0
    assert "act       post on x as personal account, with what was sent earlier (EARLIER)" in output
    assert "by personal-attack, sent earlier: belasah kau" in output or "sent earlier: Siap kau" in output
    told = printed(*night, "--earlier", "Poster")
    assert (told["sent_earlier"], told["gaps"], told["findings"]) == (["EARLIER"], [], [])
    assert printed(*night)["sent_earlier"] == []


def test_explain_takes_people_and_places_from_settings_and_registers(tmp_path: Path) -> None:
    (tmp_path / "registers").mkdir()
    (tmp_path / "registers" / "officers.csv").write_text(
        "id,name,unit,office,service_group,groups,pattern\nP-9,Contoh,Unit,kota-bharu,support,official-social-media,\n"
    )
    (tmp_path / "gerbang.toml").write_text(
        'state = "."\n[[offices]]\nname = "hq"\nstate = "PJY"\n[[offices]]\nname = "kota-bharu"\nstate = "KTN"\n'
        'legal_regime = "state"\n[[zones]]\nname = "lobi"\nnetworks = ["10.2.0.0/16"]\noffice = "hq"\n'
        'sign_in = "htpasswd"\nhtpasswd = "htpasswd"\n'
    )
    configuration.choose(None)
    view = ["explain", "--platform", "x", "--activity", "view", "--time", "2026-11-22T10:15"]
    stranger = printed(*view)
    assert (stranger["zone"], stranger["regime"], stranger["effect"]) == ("lobi", "rest-day", "allow")
    officer = printed(*view, "--officer", "P-9")
    assert (stranger["known_by"], officer["known_by"]) == (None, "htpasswd")
    assert "P-9 (support, official-social-media), known by htpasswd, in zone lobi" in run(*view, "--officer", "P-9")[1]
    assert (officer["office"], officer["regime"]) == ("kota-bharu", "office-hours")
    rules = {rule["rule"].partition("/")[2]: rule["outcome"] for rule in officer["rules"]}
    assert rules["viewing-in-office-hours"] == "exempted"
    assert officer["citations"][0]["law"] == "INSTRUMEN-NEGERI"


def test_explain_says_where_a_recipient_is_protected() -> None:
    status, output = run(*POST, "--host", "aduan.sprm.gov.my")
    assert status == 0
    assert "to a protected recipient: neither judged nor recorded" in output


def test_what_was_found_cannot_move_the_cursor() -> None:
    _, output = run(*POST, "--text", "undi\x1b[2J parti contoh pada pilihan raya")
    assert "\x1b" not in output


# ---------------------------------------------------------------- coverage

OFFICES = """
[[offices]]
name = "putrajaya"
state = "PJY"
pattern = "flexi-ramadan"

[[offices]]
name = "cyberjaya"
state = "PJY"
pattern = "flexi-ramadan"

[[offices]]
name = "alor-setar"
state = "KDH"
pattern = "fixed"
"""


@pytest.fixture
def offices(folder: Path, tmp_path: Path) -> Path:
    rest = f'policies = ["bundled", "{folder}"]\n' + OFFICES
    (tmp_path / "gerbang.toml").write_text(rest)
    configuration.choose(None)
    return folder


def test_coverage_tells_what_a_year_holds(offices: Path) -> None:
    assert offices.is_dir()
    told = printed("coverage", "--year", "2027")
    assert [(one["offices"], one["state"], one["pattern"]) for one in told["offices"]] == [
        (["putrajaya", "cyberjaya"], "PJY", "flexi-ramadan"),
        (["alor-setar"], "KDH", "fixed"),
    ]
    first = told["offices"][0]
    assert first["working_days"] + sum(first["days"][kind] for kind in ("weekly-rest", "holiday")) == 365
    assert sum(first["minutes"].values()) == 365 * 1440
    assert first["picture"][1][:10] == "Hoooo--Hpp"  # 1 to 10 February: Territory Day, New Year on a weekend, Ramadan
    assert "2027-03-10" in first["estimated"]
    assert [one["date"] for one in told["in_doubt"]] == ["2027-06-08"]
    assert {"clause": "ours/K2", "reason": "no check sees it yet"} in told["clauses"]
    assert told["gaps"] == []


def test_coverage_is_drawn_for_a_terminal(offices: Path) -> None:
    assert offices.is_dir()
    status, output = run("coverage", "--year", "2027", "--office", "alor-setar")
    assert status == 0
    assert "alor-setar, KDH, fixed\n" in output
    assert "\nFeb o o o o - - H e o o o - - " in output
    assert "estimated: 2027-03-10 Hari Raya Puasa (KDH)" in output
    assert "clause `ours/K2` has no rule: no check sees it yet" in output
    assert "putrajaya" not in output


def test_coverage_says_what_a_year_lacks_and_which_rules_are_idle(offices: Path) -> None:
    file = offices / "ours" / "policy.yaml"
    file.write_text(OWN.replace("activity: vote}", "activity: vote, office: seberang}"))
    status, output = run("coverage", "--year", "2029")
    assert status == 0
    assert "gap: no list of holidays of 2029 for any state; make the list by `gerbang calendar build" in output
    assert "gap: the profile `ramadan` has no dates in 2029, and `flexi-ramadan` would change with it" in output
    assert "rule `ours/no-votes` is never decisive: there is no office `seberang`" in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--year", "2027", "--office", "alorsetar"), "unknown office `alorsetar`; did you mean `alor-setar`?"),
        (("--year", "12"), "greater than or equal to 1900"),
        (("--year", "soon"), "--year"),
        (("--year", "2027", "--folder", "nowhere"), "the folder `nowhere` does not exist"),
        ((), "--year"),
    ],
)
def test_coverage_takes_no_wrong_input(offices: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert offices.is_dir()
    status, output = run("coverage", *arguments)
    assert status == 2
    assert sentence in output


# ---------------------------------------------------------------- activate, list


@pytest.fixture
def settled(folder: Path, tmp_path: Path) -> Path:
    """Settings whose only policies are the folder's and the shipped ones; gives the state folder."""
    (tmp_path / "gerbang.toml").write_text(f'state = "state"\npolicies = ["bundled", "{folder}"]\n')
    configuration.choose(None)
    return tmp_path / "state"


def test_a_policy_is_activated_kept_journalled_and_listed(settled: Path, folder: Path) -> None:
    assert printed("list") == []
    first = printed("activate")
    assert first["documents"] == ["malaysia-public-service", "ours"]
    assert (settled / "policies" / first["digest"] / "ours.yaml").read_text() == OWN
    (folder / "ours" / "policy.yaml").write_text(OWN.replace("activity: vote}", "activity: [vote, follow]}"))
    second = printed("activate")
    assert [entry["digest"] for entry in printed("list")] == [second["digest"], first["digest"]]
    told = [line.link.body for line in read(settled / "journal") if line.link.kind == "policy-activated"]
    assert [body["basis"]["policy"] for body in told] == [first["digest"], second["digest"]]
    assert told[0]["documents"]["ours"] == OWN


@pytest.mark.parametrize("name", ["policy.yaml", "policy.cases.yaml"])
def test_a_bad_policy_never_replaces_a_good_one(settled: Path, folder: Path, name: str) -> None:
    good = printed("activate")["digest"]
    before = sorted(path for path in settled.rglob("*") if path.is_file())
    file = folder / "ours" / name
    file.write_text(file.read_text().replace("effect: block", "effect: coach"))
    status, output = run("activate")
    assert status == 2
    assert "policy.cases.yaml:1: the case `a vote is stopped` does not hold" in output
    assert [entry["digest"] for entry in printed("list")] == [good]
    assert sorted(path for path in settled.rglob("*") if path.is_file()) == before


def test_nothing_is_activated_that_cannot_be_journalled(settled: Path) -> None:
    settled.mkdir()
    (settled / "journal").write_text("a file where the journal should be")
    status, _ = run("activate")
    assert status == 2
    assert printed("list") == []
