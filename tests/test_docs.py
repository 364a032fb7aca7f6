"""The reference says what the code does, no less and no more; its examples run; its links lead somewhere."""

import ast
import base64
import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from typer.testing import CliRunner

from builders import AMINAH, TUESDAY_MORNING, a_decision, an_activity
from gerbang import cases, registers
from gerbang.answers.notice import Notice, NoticeShape, parse_notice
from gerbang.answers.words import Language
from gerbang.checks import cases as check_cases
from gerbang.checks import lexicon
from gerbang.checks.examine import CHECKS, compile_checks
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.console.looks import Look, looked_event
from gerbang.console.metrics import GATE as GATE_FIGURES
from gerbang.console.metrics import PROCESS as PROCESS_FIGURES
from gerbang.doctor.examination import EXAMS
from gerbang.gate.identity.negotiate import ADVICE
from gerbang.journal.reader import read
from gerbang.journal.sidecar import erase
from gerbang.journal.writer import Journal
from gerbang.model import (
    Approval,
    Confidence,
    Device,
    Duty,
    Effect,
    Evidence,
    Likelihood,
    Media,
    Provenance,
    Regime,
    RegisteredExemption,
    Release,
    Shape,
    Standing,
)
from gerbang.policy import document as policies
from gerbang.policy import protected
from gerbang.policy.conditions import KEYS
from gerbang.recognition import cases as platform_cases
from gerbang.recognition import document as platforms
from gerbang.record import event as events
from gerbang.record.number import ALPHABET
from gerbang.settings import PREFIX, Settings, load_settings
from gerbang.trying import load_policies, trial_world, tried
from gerbang.wire.selectors import ROOTS
from journal_builders import KEYS as RECORD_KEYS
from journal_builders import Faulty, a_journal
from platform_builders import NAMES, shipped
from status_builders import figures_told

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "proxy" / "gerbang"
DOCUMENTS = sorted(DOCS.rglob("*.md"))
GUIDES = sorted((ROOT / "deploy").rglob("*.md"))

type Row = list[str]

# ---------------------------------------------------------------- reading documents


@cache
def document(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def prose(text: str) -> list[str]:
    """The lines that are neither code nor table."""
    return [line for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines() if not line.startswith("|")]


def section(name: str, heading: str) -> str:
    """What stands under a heading, up to the next heading of any depth."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", document(name), re.DOTALL | re.MULTILINE)
    assert found is not None, f"docs/{name}.md has no heading `{heading}`"
    return found[1]


def tables(text: str) -> list[list[Row]]:
    """The tables of a text, each with its heading row first and without the line below it."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
            if "---" not in line
        ]
        for block in blocks
    ]


def rows(name: str, heading: str, number: int = 0) -> list[Row]:
    """The rows of a table under a heading, without its own heading row."""
    return tables(section(name, heading))[number][1:]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def keys(name: str, heading: str, number: int = 0) -> list[str]:
    return [words(row[0])[0] for row in rows(name, heading, number)]


def blocks(name: str, language: str) -> dict[str, str]:
    """The examples of a document, by the file name in their first line where they have one."""
    found = re.findall(rf"```{language}\n(?:# (\S+)\n)?(.*?)```", document(name), re.DOTALL)
    return {file or str(number): text for number, (file, text) in enumerate(found)}


def written(field: str, info: FieldInfo) -> str:
    return info.alias or field


def fields(model: type[BaseModel], without: type[BaseModel] | None = None, *leave: str) -> dict[str, bool]:
    """The keys of a document's part as people write them, and whether each is needed."""
    known = without.model_fields if without else {}
    return {
        written(name, info): info.is_required()
        for name, info in model.model_fields.items()
        if name not in known and name not in leave
    }


def same(told: list[str], real: Any, what: str) -> None:
    """Both ways round, each difference named."""
    told_set, real_set = set(told), set(real)
    assert not real_set - told_set, f"{what}: the documents lack {sorted(real_set - told_set)}"
    assert not told_set - real_set, f"{what}: the code has no {sorted(told_set - real_set)}"
    assert len(told) == len(told_set), f"{what}: something stands twice"


# ---------------------------------------------------------------- the documents themselves


@pytest.mark.parametrize("file", [*DOCUMENTS, *GUIDES], ids=lambda file: str(file.relative_to(ROOT)))
def test_one_sentence_stands_on_a_line(file: Path) -> None:
    plain = ((line, re.sub(r"`[^`]*`", "x", re.sub(r"^ *\d+\. ", "", line))) for line in prose(file.read_text("utf-8")))
    assert not [line for line, seen in plain if re.search(r"[.!?] [A-Z]", seen)]


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "file",
    [*DOCUMENTS, *GUIDES, *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"))],
    ids=lambda file: str(file.name),
)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (file.parent / path).resolve() if path else file
        assert there.exists(), f"{file.name}: {target}"
        assert not anchor or anchor in anchors(there.read_text("utf-8")), f"{file.name}: {target}"


def test_the_readme_names_each_document() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    same(
        re.findall(r"\]\(docs/([a-z-]+)\.md\)", readme), [file.stem for file in sorted(DOCS.glob("*.md"))], "README.md"
    )


def test_the_rule_of_the_readme_is_taken() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (rule,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert policies.compile_policy([policies.parse_policy(rule, "README.md")]).rules


# ---------------------------------------------------------------- settings


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := model_in(part))), None)


def settings_of(model: type[BaseModel], path: tuple[str, ...] = (), listed: str = "") -> Iterator[tuple[str, str, str]]:
    """Each setting: its dotted name, its default in words, its variable."""
    for name, info in model.model_fields.items():
        here = (*path, info.alias or name)
        inner = model_in(info.annotation)
        if inner is not None and issubclass(inner, BaseModel) and info.annotation is inner:
            yield from settings_of(inner, here)
        elif inner is not None:
            yield from settings_of(inner, here, listed or PREFIX + "__".join(here).upper())
        else:
            yield ".".join(here), default_of(info), listed or PREFIX + "__".join(here).upper()


def default_of(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if value == "":
        return "empty"
    if isinstance(value, bool | tuple | dict):
        return f"`{json.dumps(value)}`"
    return f"`{value}`"


def told_settings() -> list[Row]:
    return [row for table in tables(document("settings")) if table[0][2] == "environment" for row in table[1:]]


def test_each_setting_is_documented_with_its_default_and_variable() -> None:
    told = {words(row[0])[0]: (row[1], words(row[2])[0]) for row in told_settings()}
    real = {name: (default, variable) for name, default, variable in settings_of(Settings)}
    same(list(told), real, "settings")
    assert told == real


def test_the_example_has_every_setting_and_each_variable_does_the_same(tmp_path: Path) -> None:
    file, empty = tmp_path / "gerbang.toml", tmp_path / "empty.toml"
    file.write_text(blocks("settings", "toml")["gerbang.toml"])
    empty.touch()
    example = tomllib.loads(file.read_text())
    variables = {variable for _, _, variable in settings_of(Settings)}
    environment = {name: as_variable(example, name) for name in variables}
    for name, _, _ in settings_of(Settings):
        assert found_in(example, name.split(".")) is not None, f"the example lacks {name}"
    assert load_settings(empty, environment) == load_settings(file, {})


def as_variable(example: Mapping[str, Any], name: str) -> str:
    value = found_in(example, name.removeprefix(PREFIX).lower().split("__"))
    return value if isinstance(value, str) else json.dumps(value, default=str)


def found_in(value: Any, path: list[str]) -> Any:
    for step in path:
        entries = value if isinstance(value, list) else [value]
        value = next((entry[step] for entry in entries if step in entry), None)
    return value


def test_the_registers_have_the_columns_that_are_documented() -> None:
    told = [(words(row[0])[0], words(row[1])[0], row[2] == "yes") for row in rows("settings", "Registers")]
    real = [
        (register.file, column.name, column.needed)
        for register in registers.REGISTERS.values()
        for column in register.columns
    ]
    assert told == real
    group = next(row for row in rows("settings", "Registers") if words(row[1])[0] == "service_group")
    assert tuple(words(group[3])) == registers.SERVICE_GROUPS


# ---------------------------------------------------------------- policies


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("The document", policies.PolicyShape),
        ("A clause", policies.ClauseEntry),
        ("A rule", policies.RuleEntry),
        ("When: what a rule can ask", policies.Condition),
        ("finding", policies.FindingCondition),
        ("between", policies.SpanCondition),
        ("Overrides", policies.OverrideEntry),
        ("Cases", cases.CasesShape),
        ("A case", cases.CaseEntry),
        ("act", cases.Act),
        ("expect", cases.Expected),
        ("Protected recipients", protected.RecipientEntry),
    ],
)
def test_each_key_of_a_policy_is_documented(heading: str, model: type[BaseModel]) -> None:
    real = fields(model)
    same(keys("policies", heading), real, heading)
    if tables(section("policies", heading))[0][0][1] == "needed":
        assert {words(row[0])[0]: row[1] == "yes" for row in rows("policies", heading)} == real


def test_each_word_that_a_rule_may_use_is_documented() -> None:
    told = {words(row[0])[0]: words(row[1]) for row in rows("policies", "When: what a rule can ask")}
    same(list(told), KEYS, "when")
    same(told["activity"], policies.ACTIVITIES, "activity")
    same(told["regime"], list(Regime), "regime")
    same(told["account"], list(Standing), "account")
    same(told["account_duty"], list(Duty), "account_duty")
    same(told["device"], list(Device), "device")
    same(told["gap"], policies.GAPS, "gap")
    same(words(rows("policies", "finding")[0][2])[:-1], policies.CATEGORIES, "category")
    assert keys("policies", "Effects") == [str(effect) for effect in Effect]
    same(keys("policies", "Whose time"), list(Regime), "regimes")
    evidence = next(row[2] for row in rows("policies", "A rule") if words(row[0]) == ["evidence"])
    assert set(Evidence) <= set(words(evidence))


def test_the_bounds_that_stand_in_the_text_of_policies_are_those_of_the_code() -> None:
    said = section("policies", "Bounds")
    for part in (policies.Sentence, policies.Word):
        assert f"at most {TypeAdapter(part).json_schema()['maxLength']}" in said


def written_policies(folder: Path) -> Path:
    for name, text in blocks("policies", "yaml").items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_the_worked_policy_holds_its_cases(tmp_path: Path) -> None:
    chosen = Settings(state=tmp_path / "state")
    loaded = load_policies(chosen, written_policies(tmp_path / "policies"))
    results = tried(loaded, trial_world(loaded, chosen))
    assert [failure for result in results for failure in result.failures] == []
    met = {match.rule for result in results for match in result.decision.matches}
    own = {rule for rule in loaded.policy.rules if rule.startswith("my-agency/")}
    assert own
    assert own <= met


def test_the_notice_and_the_policy_of_the_approvals_are_taken() -> None:
    told = parse_notice(blocks("approvals", "yaml")["notice.yaml"], "notice.yaml")
    assert Notice("2026-01", "Arahan", told).told(Language.EN).parts[1][1] == "Arahan, version 2026-01."
    same([words(row[0])[0] for row in tables(document("approvals"))[0][1:]], fields(NoticeShape), "the notice")
    (rule,) = policies.compile_policy(
        [policies.parse_policy(blocks("approvals", "yaml")["approvals.yaml"], "approvals.yaml")]
    ).rules.values()
    assert (rule.approvers, rule.release_for) == (("siti", "group:ketua-jabatan"), 7200)


def test_the_protected_recipients_are_those_of_the_example() -> None:
    found = protected.parse_protected(blocks("policies", "yaml")["protected.yaml"], "protected.yaml")
    assert found.covers("www.kesatuan.example.my")
    assert found.covers("x.com", "x", "KesatuanContoh")
    assert not found.covers("x.com", "x", "@kedaikopi")


# ---------------------------------------------------------------- checks


@cache
def lexicons() -> tuple[lexicon.LexiconDocument, ...]:
    files = sorted((ROOT / "policies" / "lexicons").glob("*.yaml"))
    return tuple(
        lexicon.parse_lexicon(file.read_text("utf-8"), str(file))
        for file in files
        if not file.name.endswith(".cases.yaml")
    )


def likelihoods_of(check: Any) -> set[str]:
    """The likelihoods that a check's module names."""
    tree = ast.parse(Path(check.__file__).read_text("utf-8"))
    return {
        node.attr.lower()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Likelihood"
    }


def all_checks() -> dict[str, tuple[str, str, set[str]]]:
    found = {check.ID: (check.CATEGORY, "code", likelihoods_of(check)) for check in CHECKS}
    for one in lexicons():
        if one.findings:
            given = {str(combination.likelihood) for combination in one.findings}
            _, by, besides = found.get(one.lexicon, ("", "vocabulary", set()))
            found[one.lexicon] = (one.category, by, given | besides)
    return found


def test_each_check_is_documented_with_its_category() -> None:
    told = {words(row[0])[0]: (words(row[1])[0], row[2]) for row in rows("checks", "The checks")}
    real = {name: (category, by) for name, (category, by, _) in all_checks().items()}
    same(list(told), real, "checks")
    assert told == real


def test_each_check_says_what_it_finds_at_which_likelihood() -> None:
    for name, (_, _, given) in all_checks().items():
        said = dict(re.findall(r"^- (?:`(\w+)`|Not): (.*)$", section("checks", name), re.MULTILINE))
        assert list(said) == [*reversed(list(Likelihood)), ""], name
        assert {likelihood for likelihood, what in said.items() if likelihood and what != "never."} == given, name


@pytest.mark.parametrize(
    ("heading", "number", "real"),
    [
        ("Vocabularies", 0, fields(lexicon.LexiconDocument, None, "file")),
        ("A group", 0, fields(lexicon.Group)),
        ("A finding", 0, fields(lexicon.Combination)),
        ("Cases", 0, fields(check_cases.CaseDocument)),
        ("Cases", 1, fields(check_cases.Case)),
    ],
)
def test_each_key_of_a_vocabulary_is_documented(heading: str, number: int, real: dict[str, bool]) -> None:
    same(keys("checks", heading, number), real, heading)


def test_the_worked_vocabulary_holds_its_cases() -> None:
    examples = blocks("checks", "yaml")
    own = lexicon.parse_lexicon(examples["lexicons/procurement.yaml"], "procurement.yaml")
    own_cases = check_cases.parse_cases(examples["lexicons/procurement.cases.yaml"], "procurement.cases.yaml")
    assert check_cases.run_cases(own_cases, compile_checks([*lexicons(), own])) == ()


# ---------------------------------------------------------------- platforms


@pytest.mark.parametrize("name", NAMES)
def test_each_signature_is_documented_with_what_it_rests_on(name: str) -> None:
    real = shipped(name)
    told = [
        (words(row[0])[0], str(confidence), signature)
        for row in rows(f"platforms/{name}", real.title)
        for confidence, cell in zip((Confidence.CONFIRMED, Confidence.REPORTED), row[1:], strict=True)
        for signature in words(cell)
    ]
    known = [(str(one.activity), str(one.confidence), one.id) for one in real.signatures]
    same([str(entry) for entry in told], [str(entry) for entry in known], name)


def test_each_shipped_platform_has_its_page() -> None:
    pages = {f"{shipped(name).title}: {name}" for name in NAMES}
    same(sorted(f"{title}: {name}" for title, name in linked_platforms()), pages, "links")
    same(sorted(file.stem for file in (DOCS / "platforms").glob("*.md")), NAMES, "pages")


def linked_platforms() -> list[tuple[str, str]]:
    return re.findall(r"^- \[(.*)\]\(platforms/(.*)\.md\)$", document("platforms"), re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "real"),
    [
        ("Document", fields(platforms.PlatformDocument)),
        ("Surface", fields(platforms.Surface)),
        ("What every claim has", fields(platforms.Claim)),
        ("Signature", fields(platforms.Signature, platforms.Claim)),
        ("Housekeeping", fields(platforms.Housekeeping, platforms.Claim)),
        ("Batch", fields(platforms.Batch, platforms.Claim)),
        ("Condition", fields(platforms.Condition)),
        ("Value", fields(platforms.Value)),
        ("Selectors", dict.fromkeys(ROOTS, False)),
    ],
)
def test_each_key_of_a_platform_is_documented(heading: str, real: dict[str, bool]) -> None:
    same(keys("platforms", heading), real, heading)
    if tables(section("platforms", heading))[0][0][1] == "needed":
        assert {words(row[0])[0]: row[1] == "yes" for row in rows("platforms", heading)} == real


PARTS = {
    "account": fields(platforms.AccountSource),
    "media": fields(platforms.MediaSource),
    "outcome": fields(platforms.OutcomeSource),
    "refusal": fields(platforms.RefusalShape),
    "surface.refusal": fields(platforms.SocketRefusalShape),
    "keeps": fields(platforms.Keeps),
    "edits": fields(platforms.Edits),
    "method_override": fields(platforms.MethodOverride),
    "routes": fields(platforms.Route),
    "markers": fields(platforms.Marker),
}
PARTS_OF_CASES = {
    "file": fields(platform_cases.CaseDocument),
    "case": fields(platform_cases.Case),
    "near": fields(platform_cases.NearCase, platform_cases.Case) | {"request": False, "before": False},
    "request": fields(platform_cases.CaseRequest),
    "before": fields(platform_cases.EarlierRequest),
    "answer": fields(platform_cases.AnswerOfCase),
    "expect": fields(platform_cases.Expected),
}


@pytest.mark.parametrize(
    ("heading", "parts"), [("Account, media, outcome, refusal, keeps", PARTS), ("Cases", PARTS_OF_CASES)]
)
def test_each_key_of_a_platforms_parts_is_documented(heading: str, parts: dict[str, dict[str, bool]]) -> None:
    told = [(row[0].strip("`"), words(row[1])[0]) for row in rows("platforms", heading)]
    real = [(part, key) for part, known in parts.items() for key in known]
    same([f"{part}.{key}" for part, key in told], [f"{part}.{key}" for part, key in real], heading)


def test_the_roles_of_hosts_are_documented() -> None:
    row = next(row for row in rows("platforms", "Document") if words(row[0]) == ["hosts"])
    assert tuple(words(row[2])[: len(platforms.ROLES)]) == platforms.ROLES


def test_the_page_on_recordings_is_followed_from_start_to_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the page, in its order, prints what the page says; the files are those that it shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    examples = blocks("platforms", "yaml")
    Path("recording.har").write_text(blocks("platforms", "json")["0"], "utf-8")
    learnt, tested, recognised = re.findall(r"```console\n\$ gerbang (.*?)\n(.*?)```", document("platforms"), re.DOTALL)

    assert printed(learnt[0]) == learnt[1]
    warung = Path("rules/platforms/warung.yaml")
    text = warung.read_text("utf-8")
    assert f"# {examples['platforms/warung.yaml'].partition('# ')[2]}" == text
    assert Path("rules/platforms/warung.cases.yaml").read_text("utf-8") == examples["platforms/warung.cases.yaml"]

    decided = re.sub(r"# decide: .*\n# account: .*\n", lambda _: examples["account"] + examples["refusal"], text)
    assert decided != text
    warung.write_text(decided, "utf-8")
    assert printed(tested[0]) == tested[1]

    Path("gerbang.toml").write_text(blocks("platforms", "toml")["1"], "utf-8")
    assert printed(recognised[0]) == recognised[1]


def printed(command: str) -> str:
    """What a command prints that goes well."""
    configuration.choose(None)
    result = CliRunner().invoke(app, shlex.split(command))
    assert result.exit_code == 0, result.output
    return result.output


# ---------------------------------------------------------------- the record


def every_event() -> Iterator[events.Event]:
    """An event of each kind that is made outside the writer, with every private field it can have."""
    moment, keys = TUESDAY_MORNING, RECORD_KEYS
    act = replace(
        an_activity("hi"), audience="public", target="9", changes="9", media=(Media("1", "image/png", "a.png"),)
    )
    shape = Shape("app", "POST", "/i/api/graphql/{}/Say")
    act = replace(act, provenance=Provenance("cross-site", "elsewhere.example"), shape=shape)
    approval = Approval("K-1", "P-1", "political", "KPPA", "KPPA 1/2026", moment)
    exemption = RegisteredExemption("P-1", "a/b", "trial", "KJ", "KJ 1", moment, moment)
    decided = replace(a_decision(activity=act, matches=()), approvals=(approval,), exemptions=(exemption,))
    yield events.decision_event(decided, "answered", ["•••"], keys)
    yield events.outcome_event(
        a_decision(number="N"),
        200,
        True,
        "9",
        "https://x.com/9",
        keys,
        Media(digest="c0ffee", size=3),
        events.Part(("9",), "c0ffee", 3),
    )
    release = Release("r", frozenset({"a/b"}), "x", moment + timedelta(hours=1), "P-1", "10.1.2.3", answers={"a": "b"})
    yield events.release_event(replace(release, account="2001"), "N", moment, keys)
    told = {"reason": "trial", "lines": [{}], "lines_left_out": 0, "digests": {"before": None, "after": ""}}
    counts = {"added": 1, "changed": 0, "removed": 0}
    yield events.register_changed("officers", "added", counts, "nora", moment, RECORD_KEYS, private=told)
    persons = {"by": "nora", "proposed_by": "devi", "words": "perintah 7/2026"}
    yield events.policy_activated(a_decision().basis, {"a": "policy: a"}, moment, keys, private=persons)
    yield events.policy_planned("scheduled", "00ff", moment, "nora", moment, keys, proposed_by="devi", words="perintah")
    yield events.unclaimed_event({("x", shape): 2}, moment, moment, keys)
    yield events.objection_event("N", "P-1", "words", moment, keys)
    waiting = a_decision(Effect.APPROVE, activity=act)
    shown = events.Shown(("•••",))
    yield events.asked_event(waiting, ((),), "nota", shown, moment, moment, keys)
    yield events.answered_event("N", "granted", "siti", "P-1", "boleh", release, "api", moment, keys)
    yield events.acknowledged_event("2026-01", "0" * 64, AMINAH, "10.1.2.3", moment, keys)
    yield events.erased_event("N", ["00ff"], "salmah", "perintah 7/2026", moment, keys)
    yield events.token_event("radius", "added", ["sessions"], moment, "salmah", "nora", moment, keys)
    yield looked_event(Look("salmah", "auditor", "decision", "N", {"effect": "block"}), moment, keys)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with each kind of event, a file that was given up, a seal in the middle and one at the end."""
    folder = tmp_path_factory.mktemp("journal")
    disk = Faulty()
    writer = a_journal(folder, disk=disk.disk(), seal_lines=5)
    for number, event in enumerate(every_event()):
        if number == 3:
            disk.fails("write", 1, short=True)
        writer.append(event).result(10)
    writer.close()
    return folder


def told_events() -> dict[str, tuple[set[str], set[str]]]:
    return {words(row[0])[0]: (set(words(row[1])), set(words(row[2]))) for row in rows("record", "Kinds of event")}


def test_each_kind_of_event_is_documented_with_what_it_holds(journal: Path) -> None:
    told = told_events()
    same(list(told), list(events.EventKind), "kinds of event")
    seen = set()
    for line in read(journal):
        kind, body = line.link.kind, line.link.body
        seen.add(kind)
        commitments: Any = body.get("commitments", {})
        chained, private = told[kind]
        assert set(commitments) == private, kind
        if kind == "decision":
            same(keys("record", "A decision"), body, "a decision")
        elif kind == "discontinuity":
            assert chained <= set(body)
        else:
            assert set(body) - {"commitments"} == chained, kind
    assert seen == set(told)


def test_the_members_of_a_line_are_documented(journal: Path) -> None:
    line = json.loads(next(iter(read(journal))).raw)
    assert keys("record", "A line") == list(line)
    assert list(json.loads(blocks("record", "json")["0"])) == list(line)


def literals(node: ast.AST) -> Iterator[str]:
    """The sentences within a node, with `*` for what is put into them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)  # type: ignore[misc]
    else:
        for child in ast.iter_child_nodes(node):
            yield from literals(child)


def called(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name


def sentences(tree: ast.AST, *, everywhere: bool) -> Iterator[str]:
    """What `verify` says of damage, and its notes."""
    for node in ast.walk(tree):
        if called(node, "Damage"):
            yield from literals(node.args[1])  # type: ignore[attr-defined]
        elif everywhere and isinstance(node, ast.Call) and ast.unparse(node.func).endswith("notes.append"):
            yield from literals(node.args[0])
        elif called(node, "ValueError") or (called(node, "Broken") and everywhere):
            yield from (text for argument in node.args for text in literals(argument))  # type: ignore[attr-defined]
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_fault"):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None and not called(inner.value, "str"):
                    yield from literals(inner.value)


def function(file: str, name: str) -> ast.AST:
    tree = ast.parse((SOURCE / file).read_text("utf-8"))
    return next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)


def test_each_sentence_of_verify_is_documented() -> None:
    real = {
        *sentences(ast.parse((SOURCE / "journal" / "verify.py").read_text("utf-8")), everywhere=True),
        *sentences(function("record/note.py", "open_note"), everywhere=False),
        *sentences(function("record/chain.py", "read_line"), everywhere=False),
    }
    plain = {sentence.removeprefix("*: ") for sentence in real if sentence.strip("*: ")}
    shown = (SOURCE / "cli" / "audit.py").read_text("utf-8")
    told = [
        re.sub(r"\b(?:FILE:LINE|FILE|N|M)\b", "*", words(row[0])[0]).removeprefix("*: ")
        for number in (0, 1)
        for row in rows("record", "gerbang audit verify", number)
    ]
    of_the_command = [
        sentence for sentence in told if sentence.partition("*")[0].strip() and sentence.partition("*")[0] in shown
    ]
    assert len(of_the_command) == 3
    same([sentence for sentence in told if sentence not in of_the_command], plain, "sentences of verify")


def checked_by_hand(folder: Path, slot: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "check.py"
    program.write_text(blocks("record", "python")["0"])
    return subprocess.run(
        [sys.executable, "-I", program, slot], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_program_checks_a_journal_with_nothing_but_its_files(journal: Path, tmp_path: Path) -> None:
    (slot,) = journal.iterdir()
    assert len(list(slot.glob("*.jsonl"))) == 2, "one file was given up"
    *_, last = read(journal)
    assert checked_by_hand(tmp_path, slot).stdout == f"{last.link.seq} lines, the last one {last.link.hash}\n"


def copied(journal: Path, to: Path) -> Path:
    (slot,) = journal.iterdir()
    for file in slot.rglob("*.jsonl"):
        there = to / "slot" / file.relative_to(slot)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(file.read_bytes())
    return to / "slot"


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        ("*.jsonl", b'"effect":"block"', b'"effect":"allow"'),
        ("*.jsonl", b'"kind":"objection"', b'"kind":"correction"'),
        ("side/*.jsonl", b'"10.1.2.3"', b'"10.1.2.4"'),
    ],
)
def test_the_program_sees_what_was_changed(journal: Path, tmp_path: Path, where: str, old: bytes, new: bytes) -> None:
    slot = copied(journal, tmp_path)
    changed = [file for file in slot.glob(where) if old in file.read_bytes()]
    changed[0].write_bytes(changed[0].read_bytes().replace(old, new, 1))
    assert "AssertionError" in checked_by_hand(tmp_path, slot).stderr


def test_the_program_takes_what_was_erased(journal: Path, tmp_path: Path) -> None:
    slot = copied(journal, tmp_path)
    wanted = [line.link.id for line in read(journal) if line.link.side[1]]
    assert erase(slot, wanted) == len(wanted)
    assert checked_by_hand(tmp_path, slot).returncode == 0


def test_a_seal_is_signed_over_the_bytes_that_are_documented(journal: Path) -> None:
    """As `docs/record.md` describes them, without the code that writes them."""
    lines = list(read(journal))
    start, seal = lines[0].link.body, next(line.link.body for line in reversed(lines) if line.link.kind == "seal")
    _, _, encoded = str(start["seal_key"]).split("+", 2)
    raw = base64.b64decode(encoded)
    assert raw[:1] == b"\x01"
    text, _, signature = str(seal["note"]).partition("\n\n")
    name, size, root = text.split("\n")
    assert (int(size), base64.b64decode(root).hex()) == (seal["size"], seal["root"])
    dash, signer, signed = signature.removesuffix("\n").split(" ")
    given = base64.b64decode(signed)
    assert (dash, signer) == ("—", name)
    assert given[:4] == hashlib.sha256(name.encode() + b"\n\x01" + raw[1:]).digest()[:4]
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(given[4:], f"{text}\n".encode())


def test_the_letters_of_a_decision_number_are_documented() -> None:
    assert f"`{ALPHABET}`" in section("record", "Decision numbers")


# ---------------------------------------------------------------- commands


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    if hasattr(command, "list_commands"):
        context = command.make_context(path, [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{path} {name}")


def options(command: Any) -> Iterator[Row]:
    for option in command.params:
        if option.name in {"install_completion", "show_completion"}:
            continue  # Typer's own
        argument = option.param_type_name == "argument"
        names = [(option.metavar or option.name).upper()] if argument else [*option.opts, *option.secondary_opts]
        default = str(option.default).lower() if isinstance(option.default, bool) else option.default
        told = "needed" if option.required else "none" if option.default in (None, False) else f"`{default}`"
        yield [" ".join(f"`{name}`" for name in names), told, str(option.help)]


def test_each_command_and_option_is_documented() -> None:
    real = dict(commands(typer.main.get_command(app), "gerbang"))
    same(re.findall(r"^##+ (gerbang.*)$", document("commands"), re.MULTILINE), real, "commands")
    for path, command in real.items():
        found = tables(section("commands", path))
        told, wanted = (found[0][1:] if found else []), list(options(command))
        missing = [" | ".join(row) for row in wanted if row not in told]
        assert not missing, f"`{path}` lacks these rows: {missing}"
        assert len(told) == len(wanted), f"`{path}` has more options in the documents than in the program"
        assert re.sub(r"\s+", " ", command.help).strip() in re.sub(r"\s+", " ", section("commands", path)), path


# ---------------------------------------------------------------- watching


def test_each_figure_is_documented_with_its_labels() -> None:
    told = {words(row[0])[0]: (tuple(words(row[1])), row[2]) for row in rows("watching", "Figures")}
    real = {name: labels for name, (labels, _) in figures_told().items()}
    same(list(told), real, "figures")
    assert {name: labels for name, (labels, _) in told.items()} == real
    for figure in GATE_FIGURES + PROCESS_FIGURES:
        name = figure.name + ("_total" if figure.kind == "counter" else "")
        assert told[name][1] == figure.help, name


def test_each_alarm_is_documented_with_how_grave_it_is() -> None:
    rules = YAML(typ="safe").load((ROOT / "deploy/monitoring/gerbang.rules.yml").read_text("utf-8"))
    real = [(rule["alert"], rule["labels"]["severity"]) for group in rules["groups"] for rule in group["rules"]]
    assert [(words(row[0])[0], row[1]) for row in rows("watching", "Alarms")] == real


def test_each_exam_of_the_doctor_is_documented() -> None:
    assert keys("watching", "The doctor") == [exam.name for exam in EXAMS]


def test_each_event_of_the_log_is_documented() -> None:
    sources = "\n".join(file.read_text("utf-8") for file in sorted(SOURCE.rglob("*.py")))
    calls = set(re.findall(r'\blog\.(?:info|warning|error|exception)\(\s*(f?"[^"]*")', sources))
    assert all(re.fullmatch(r'"[a-z-]+"', call) for call in calls), "an event is a word"
    same(keys("watching", "The log"), {call.strip('"') for call in calls}, "events of the log")
    levels = {words(row[0])[0]: row[1] for row in rows("watching", "The log")}
    for event, level in levels.items():
        said = set(re.findall(rf'\blog\.(info|warning|error|exception)\(\s*"{event}"', sources))
        assert {"exception": "error"}.get(level, level) in {{"exception": "error"}.get(one, one) for one in said}, event


def test_each_word_that_the_gate_counts_by_is_documented() -> None:
    files = [*sorted((SOURCE / "gate").glob("*.py")), SOURCE / "mitmdump.py"]
    sources = "\n".join(file.read_text("utf-8") for file in files)
    counted = set(re.findall(r'counts\["([a-z-]+)"\]', sources))
    (said,) = re.findall(r"`reason` is a short key: (.*)", sources)
    refused = words(said)
    assert refused, "the keys of an unwanted target stand in its docstring"
    counted |= {f"target-{reason}" for reason in refused} | {f"kerberos-{why}" for why in (*ADVICE, "unavailable")}
    same(keys("watching", "Figures", 1), counted, "words of the counts")


# ---------------------------------------------------------------- bounds

# Numbers of modules that bound nothing: what a check calls near, sizes of a drawing, statuses, years.
NO_BOUNDS_IN = {
    *(check.__name__ for check in CHECKS),
    "gerbang.answers.reply",
    "gerbang.console.chart",
    "gerbang.policy.calendar_build",
}
NO_BOUNDS = {
    "gerbang.recognition.writing.WIDTH",  # of a line that is written
    "gerbang.cli.platforms.listing.WIDEST_HOST",  # of a cell
    "gerbang.doctor.machine.UNSYNCHRONISED",  # a bit of the kernel's
    "gerbang.checks.reading.REACH",  # how far a check looks for the end of a clause
    "gerbang.console.users.ROUNDS",  # the cost of a hash
    "gerbang.gate.authority.KDF_ROUNDS",
    "gerbang.directory.SUCCESS",  # LDAP's own numbers
    "gerbang.directory.SIZE_LIMIT",
    "gerbang.directory.REFERRAL",
    "gerbang.directory.NO_SUCH_OBJECT",
    "gerbang.directory.REFUSED_PASSWORD",
    "gerbang.gate.identity.htpasswd.BCRYPT_TAKES",  # a fact about bcrypt
    "gerbang.policy.calendar_document.DAY",  # minutes
    "gerbang.serving.GATE_SLOT",  # a name
}
UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "s": 1, "min": 60, "h": 3600}


def numbers(file: Path) -> Iterator[tuple[str, float]]:
    """The public constants of a module that are numbers."""
    for node in ast.parse(file.read_text("utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if not targets or getattr(node, "value", None) is None:
            continue
        pairs = [(targets[0], node.value)]  # type: ignore[union-attr]
        if isinstance(targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):  # type: ignore[union-attr]
            pairs = list(zip(targets[0].elts, node.value.elts, strict=True))  # type: ignore[union-attr]
        for name, value in pairs:
            if isinstance(name, ast.Name) and name.id.isupper() and not name.id.startswith("_") and value is not None:
                found = number(value)
                if found is not None:
                    yield name.id, found


def number(node: ast.expr) -> float | None:
    """The value of an expression of plain numbers."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = number(left), number(right)
            if one is None or other is None:
                return None
            match operator:
                case ast.Mult():
                    return one * other
                case ast.Sub():
                    return one - other
                case ast.Pow():
                    return float(one**other) if isinstance(one, float) else int(one**other)
                case ast.LShift():
                    return int(one) << int(other)
    return None


def real_bounds() -> dict[str, float]:
    found: dict[str, float] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        module = ".".join(("gerbang", *file.relative_to(SOURCE).with_suffix("").parts))
        if module not in NO_BOUNDS_IN and not module.startswith("gerbang.demo."):
            found |= {f"{module}.{name}": value for name, value in numbers(file)}
    defaults = Journal.__init__.__kwdefaults__
    found |= {
        f"gerbang.journal.writer.Journal({name})": defaults[name] for name in ("bound", "seal_lines", "seal_every")
    }
    return {name: value for name, value in found.items() if name not in NO_BOUNDS}


def test_each_bound_is_documented_with_its_value() -> None:
    told = {
        words(row[2])[0]: row[1] for table in tables(document("limits")) if table[0][0] == "bound" for row in table[1:]
    }
    real = real_bounds()
    same(list(told), real, "bounds")
    for name, said in told.items():
        value, _, unit = said.partition(" ")
        assert float(value) * UNITS[unit] == pytest.approx(real[name]), f"{name}: {said} is told, {real[name]} is true"


def test_what_bounds_nothing_is_still_there() -> None:
    """A name in the lists above that no module has any more would hide a bound of that name later."""
    known = {
        f"{'.'.join(('gerbang', *file.relative_to(SOURCE).with_suffix('').parts))}.{name}"
        for file in SOURCE.rglob("*.py")
        for name, _ in numbers(file)
    }
    assert known >= NO_BOUNDS
