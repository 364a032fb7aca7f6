"""`gerbang approvals`, `exemptions` and `accounts`: what is put on file, how it is told, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli_builders import an_office, register
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.errors import GerbangError
from gerbang.journal.reader import read

OFFICERS = "id,name,service_group,groups\naminah,Aminah,support,\ndevi,Devi,top-management,media\n"
GRANT = ("approvals", "add", "--authority", "KPPA", "--reference", "KPPA 1/2026")
EXEMPT = ("exemptions", "add", "--authority", "KJ", "--reference", "KJ 1", "--reason", "Kempen")


@pytest.fixture(autouse=True)
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    an_office(tmp_path)
    register("officers", OFFICERS)(tmp_path)
    rules = (tmp_path / "rules/trial/policy.yaml").read_text()
    asking = "    unless: [{approval: political, group: support}]\n    effect: record\n"
    rules += "  - id: votes\n    title: {ms: Undi, en: Votes}\n    clause: C1\n    when: {activity: vote}\n" + asking
    (tmp_path / "rules/trial/policy.yaml").write_text(rules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    configuration.choose(None)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, GerbangError):
        return 2, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def printed(*arguments: str) -> Any:
    status, output = run(*arguments, "--json")
    assert status == 0, output
    return json.loads(output)


def test_an_approval_is_granted_listed_and_withdrawn_and_keeps_its_line(office: Path) -> None:
    granted = printed(*GRANT, "--purpose", "political", "--officer", "aminah", "--conditions", "outside-office-hours")
    assert granted["id"].startswith("K-")
    (one,) = printed("approvals", "list", "--officer", "aminah")
    assert (one["state"], one["conditions"]) == ("holds", ["break", "outside-hours", "rest-day"])
    assert run("approvals", "withdraw", granted["id"], "--from", "2020-01-01", "--reason", "surat")[0] == 0
    assert printed("approvals", "show", granted["id"])["state"] == "withdrawn"
    changes = [line.link.body["change"] for line in read(office / "state/journal") if "register" in line.link.body]
    assert changes[-2:] == ["added", "withdrawn"]


def test_days_of_an_approval_are_shown_as_they_were_written() -> None:
    granted = printed(*GRANT, "--purpose", "political", "--officer", "aminah", "--until", "2099-12-31")
    status, shown = run("approvals", "show", granted["id"])
    assert (status, shown.splitlines()[-1]) == (0, "until      2099-12-31")


def test_an_approval_for_a_purpose_and_an_officer_that_are_not_there_has_both_noted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    status, output = run(*GRANT, "--purpose", "politcal", "--officer", "aminh")
    told = output + capfd.readouterr().err
    assert status == 0
    assert "no rule in force asks for `politcal`" in told
    assert "no officer `aminh` is in the register" in told


def test_a_group_grant_is_listed_for_its_members_and_ends_soon_is_told() -> None:
    add = (*GRANT, "--purpose", "political", "--group", "media", "--from", "2026-01-01", "--until", "2026-06-30")
    assert run(*add)[0] == 0
    states = [
        printed("approvals", "list", "--officer", "devi", "--at", day)[0]["state"]
        for day in ("2025-12-31", "2026-05-01", "2026-06-20", "2026-07-01")
    ]
    assert states == ["coming", "holds", "ending", "expired"]
    assert printed("approvals", "list", "--officer", "aminah") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (*GRANT, "--purpose", "Politik", "--officer", "aminah"),
            "a purpose cannot be `Politik`; rules ask for",
        ),
        ((*GRANT, "--purpose", "political"), "nobody is named to whom it is granted; give `--officer` or `--group`"),
        ((*GRANT, "--purpose", "political", "--officer", "a", "--group", "b"), "`--officer` and `--group` are both"),
        ((*GRANT, "--purpose", "political", "--officer", "a", "--conditions", "weekends"), "unknown condition"),
        ((*GRANT, "--purpose", "political", "--officer", "a", "--from", "soon"), "`valid_from` cannot be `soon`"),
        ((*GRANT, "--purpose", "political", "--officer", "a", "--by", "x" * 201), "`--by` is a name"),
        (("approvals", "withdraw", "K-9"), "there is no approval `K-9`"),
        (("approvals", "list", "--state", "hold"), "unknown state `hold`; did you mean `holds`?"),
        (("approvals", "list", "--at", "never"), "`--at` cannot be `never`; write a date as"),
        ((*EXEMPT, "--rule", "votes", "--until", "2030-01-01"), "an exemption for everybody would be no rule"),
        ((*EXEMPT, "--rule", "posts", "--until", "2030-01-01", "--group", "a"), "`trial/posts` is final"),
        ((*EXEMPT, "--rule", "vote", "--until", "2030-01-01", "--group", "a"), "has a rule `vote`; did you mean"),
        ((*EXEMPT, "--rule", "votes", "--until", "2020-01-01", "--group", "a"), "before `valid_from`"),
        ((*EXEMPT, "--rule", "votes", "--until", "2030-01-01", "--zone", "a"), "unknown zone `a`"),
        (("accounts", "add", "--platform", "y", "--handle", "a"), "unknown platform `y`"),
        (("accounts", "add", "--platform", "x"), "the account has no name; give `--account`, `--handle` or both"),
        (("accounts", "add", "--platform", "x", "--handle", "a", "--duty", "group:A B"), "`duty` cannot be"),
        (("accounts", "duty", "x", "@a", "--add", "devi"), "no account `@a` on `x` is in the register"),
        (("accounts", "duty", "x", "@a"), "nobody is named; give `--add` or `--remove`"),
        (("accounts", "withdraw", "x", "@a", "--from", "x"), "`--from` cannot be `x`"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(office: Path, arguments: tuple[str, ...], said: str) -> None:
    status, output = run(*arguments)
    assert status == 2
    assert said in output
    assert sorted(path.name for path in (office / "state/registers").glob("*.csv")) == ["officers.csv"]


def test_what_will_help_nobody_is_taken_all_the_same() -> None:
    for purpose, officer in (("politcal", "aminah"), ("political", "devi"), ("political", "siti")):
        assert run(*GRANT, "--purpose", purpose, "--officer", officer)[0] == 0
    assert len(printed("approvals", "list")) == 3


def test_an_exemption_is_put_on_file_and_withdrawn() -> None:
    made = printed(*EXEMPT, "--rule", "votes", "--until", "2099-01-01", "--officer", "aminah", "--platform", "x")
    assert made["rule"] == "trial/votes"
    (one,) = printed("exemptions", "list")
    assert (one["state"], one["idle"], one["platform"]) == ("holds", None, "x")
    explained = printed("policy", "explain", "--platform", "x", "--activity", "vote", "--officer", "aminah")
    (rule,) = [rule for rule in explained["rules"] if rule["rule"] == "trial/votes"]
    assert rule["outcome"] == "exempted"
    assert explained["exemptions"][0]["id"] == made["id"]
    assert run("exemptions", "withdraw", made["id"], "--from", "2020-01-01")[0] == 0
    explained = printed("policy", "explain", "--platform", "x", "--activity", "vote", "--officer", "aminah")
    assert explained["exemptions"] == []


def test_an_account_its_duty_its_end_and_its_return(office: Path) -> None:
    assert run("accounts", "add", "--platform", "x", "--handle", "jabatan", "--duty", "aminah")[0] == 0
    assert run("accounts", "duty", "x", "@JABATAN", "--add", "group:media", "--remove", "aminah")[0] == 0
    assert printed("accounts", "show", "x", "@jabatan")["duty"] == "group:media"
    (one,) = printed("accounts", "list", "--duty", "devi")
    assert one["state"] == "holds"

    def duty(officer: str) -> str:
        explained = printed(
            "policy", "explain", "--platform", "x", "--activity", "vote", "--officer", officer, "--account", "@jabatan"
        )
        return f"{explained['account']} {explained['account_duty']}"

    assert (duty("devi"), duty("aminah")) == ("official on-duty", "official off-duty")
    assert run("accounts", "withdraw", "x", "@jabatan", "--from", "2020-01-01")[0] == 0
    assert duty("devi") == "personal None"
    assert run("accounts", "add", "--platform", "x", "--handle", "Jabatan")[0] == 0
    assert duty("devi") == "official nobody-listed"
    assert (office / "state/registers/accounts.csv").read_text().count("abatan") == 1


def test_fifty_thousand_officers_and_five_thousand_approvals_are_edited_whole(office: Path) -> None:
    lines = "".join(f"P-{n},Pegawai {n},support,unit-{n % 50}\n" for n in range(50_000))
    register("officers", "id,name,service_group,groups\n" + lines)(office)
    head = "id,grantee,purpose,authority,reference,valid_from\n"
    register("approvals", head + "".join(f"A-{n},P-{n},political,KPPA,r {n},2026-01-01\n" for n in range(5000)))(office)
    assert run(*GRANT, "--purpose", "political", "--officer", "P-49999")[0] == 0
    assert len(printed("approvals", "list", "--officer", "P-49999")) == 1
    assert (office / "state/registers/approvals.csv").read_text().count("\n") == 5002
