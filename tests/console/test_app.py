import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from builders import TUESDAY_MORNING, a_decision, a_match, an_activity
from console_builders import KEYS, NUMBERS, PASSWORD, ZONE, Office, a_blocked_post, a_full_day
from gerbang.answers.words import Language
from gerbang.console.app import FILTERS, FORM_LIMIT, ROWS, STYLE_PATH, host_allowed, local_path, plain_cell, wanted_of
from gerbang.console.sessions import IDLE, LONGEST, TRIES, TRIES_OF_ADDRESS, WINDOW
from gerbang.journal.writer import JournalUnavailable
from gerbang.model import Approval, Citation, Effect, Finding, Gap, Kind, Likelihood, Match, Release, Shape
from gerbang.record.event import pseudonym, release_event
from journal_builders import entries

# ---------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    "path", ["/", "/decisions", "/decisions?effect=block", f"/decisions/{NUMBERS[1]}", "/decisions.csv"]
)
def test_nothing_is_shown_before_signing_in(office: Office, path: str) -> None:
    office.record(a_blocked_post())
    reply = office.client.get(path)
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/sign-in")
    assert reply.text == ""


def test_signing_in_leads_back_to_the_page_that_was_asked_for(office: Office) -> None:
    office.account()
    asked = office.client.get("/decisions?effect=block").headers["Location"]
    page = office.client.get(asked).text
    assert 'name="after" value="/decisions?effect=block"' in page
    assert office.sign_in(after="/decisions?effect=block").headers["Location"] == "/decisions?effect=block"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/decisions?a=b", "/decisions?a=b"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/decisions\r\nX: y", "/"),
        ("/decisions\\..", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(office: Office, target: str, path: str) -> None:
    assert local_path(target) == path
    office.account()
    assert office.sign_in(after=target).headers["Location"] == path


@pytest.mark.parametrize(
    ("name", "password"), [("nora", "salah salah salah"), ("siapa", PASSWORD), ("", ""), ("nora", "")]
)
def test_a_wrong_name_reads_as_a_wrong_password_does(office: Office, name: str, password: str) -> None:
    office.account()
    reply = office.sign_in(name, password)
    assert reply.status_code == 401
    assert "The name or the password is not right." in reply.text
    assert office.client.get("/decisions").status_code == 303


def test_tries_are_limited_and_the_limit_passes(office: Office) -> None:
    office.account()
    for _ in range(TRIES):
        assert office.sign_in(password="salah salah salah").status_code == 401
    assert office.sign_in().status_code == 429
    office.now += WINDOW + 1
    assert office.sign_in().status_code == 303


def test_an_address_cannot_try_name_after_name(office: Office) -> None:
    for number in range(TRIES_OF_ADDRESS):
        assert office.sign_in(f"user{number}", "salah salah salah").status_code == 401
    office.account()
    assert office.sign_in().status_code == 429


@pytest.mark.parametrize("csrf", ["", "wrong"])
def test_a_sign_in_form_of_another_page_is_refused(office: Office, csrf: str) -> None:
    office.account()
    office.client.get("/sign-in")
    reply = office.client.post("/sign-in", data={"name": "nora", "password": PASSWORD, "csrf": csrf})
    assert reply.status_code == 403
    assert office.client.get("/decisions").status_code == 303


def test_a_sign_in_from_another_origin_is_refused(office: Office) -> None:
    office.account()
    assert office.sign_in(client=office.browser(Origin="http://evil.example")).status_code == 403
    assert office.sign_in(client=office.browser(Origin="http://localhost")).status_code == 303


def test_the_session_is_out_of_reach_of_scripts_and_new_at_each_sign_in(office: Office) -> None:
    office.account()
    crumbs = [office.sign_in().headers["Set-Cookie"] for _ in range(2)]
    for crumb in crumbs:
        assert "HttpOnly" in crumb
        assert "SameSite=lax" in crumb
    assert crumbs[0] != crumbs[1]


@pytest.mark.parametrize("wait", [[IDLE + 1], [IDLE - 1] * (LONGEST // (IDLE - 1) + 1)])
def test_a_session_ends_when_idle_and_in_any_case_at_last(auditor: TestClient, office: Office, wait: list[int]) -> None:
    for seconds in wait[:-1]:
        office.now += seconds
        assert auditor.get("/decisions").status_code == 200
    office.now += wait[-1]
    assert auditor.get("/decisions").status_code == 303


def test_signing_out_ends_the_session_and_only_by_our_form(auditor: TestClient) -> None:
    token = re.search(
        r'action="/sign-out"><input type="hidden" name="csrf" value="([^"]+)"', auditor.get("/decisions").text
    )
    assert token
    assert auditor.post("/sign-out", data={"csrf": "other"}).status_code == 403
    assert auditor.get("/decisions").status_code == 200
    kept = dict(auditor.cookies)
    assert auditor.post("/sign-out", data={"csrf": token[1]}).status_code == 303
    auditor.cookies.update(kept)
    assert auditor.get("/decisions").status_code == 303


def test_a_session_ends_with_its_account(auditor: TestClient, office: Office) -> None:
    assert auditor.get("/decisions").status_code == 200
    office.users.remove("nora")
    assert auditor.get("/decisions").status_code == 303
    office.account(role="admin")
    assert auditor.get("/decisions").status_code == 303


# ---------------------------------------------------------------- the list


def test_the_list_tells_what_when_and_why_with_names_masked(auditor: TestClient, office: Office) -> None:
    a_full_day(office)
    page = auditor.get("/decisions").text
    for word in (
        NUMBERS[1],
        "2026-11-24 10:00",
        ">refused<",
        "post, X",
        "trial/rule",
        "personal data",
        "A••• b••• C•••",
    ):
        assert word in page
    assert "Aminah" not in page
    assert "P-1001" not in page
    assert "<svg" in page
    assert "3 decisions" in page


def test_an_empty_record_says_so(auditor: TestClient) -> None:
    assert "There are no decisions in the record yet." in auditor.get("/decisions").text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", {1, 2, 3}),
        ("effect=block", {1}),
        ("activity=view", {3}),
        ("platform=wordpress", {3}),
        ("category=personal-data", {1}),
        ("rule=trial/spared", {1}),
        ("rule=spared", {1}),
        ("officer=P-1001", {1, 2}),
        (f"officer={pseudonym('P-1001', KEYS)}", {1, 2}),
        ("done=held", {3}),
        ("done=forwarded&effect=allow", {2}),
        ("gap=too-large", set()),
        ("objection=yes", {1}),
        ("objection=no", {2, 3}),
        ("zone=pejabat", {1, 2, 3}),
        ("zone=lain", set()),
        ("regime=office-hours&effect=allow", {2}),
        ("from=2026-11-24&to=2026-11-24", {1, 2, 3}),
        ("from=2026-11-25", set()),
        ("to=2026-11-23", set()),
        (f"number={NUMBERS[2]}", {2}),
        ("effect=&platform=&from=&number=", {1, 2, 3}),
        ("unknown=field", {1, 2, 3}),
    ],
)
def test_filters_narrow_the_list_and_the_csv_alike(
    auditor: TestClient, office: Office, query: str, numbers: set[int]
) -> None:
    a_full_day(office)
    wanted = {NUMBERS[number] for number in numbers}
    assert set(re.findall(r'href="/decisions/([^"]+)"', auditor.get(f"/decisions?{query}").text)) == wanted
    rows = list(csv.DictReader(io.StringIO(auditor.get(f"/decisions.csv?{query}").text.removeprefix("\ufeff"))))
    assert {row["number"] for row in rows} == wanted


@pytest.mark.parametrize(
    "query",
    ["effect=shout", "activity=<b>", "from=yesterday", "to=2026-13-01", "from=0001-01-01", "done=gone", "objection=x"],
)
def test_a_filter_that_makes_no_sense_is_named(auditor: TestClient, query: str) -> None:
    reply = auditor.get(f"/decisions?{query}")
    assert reply.status_code == 400
    assert "This filter is not understood" in reply.text
    assert "<b>" not in reply.text
    download = auditor.get(f"/decisions.csv?{query}")
    assert download.status_code == 400
    assert "A filter is not understood" in download.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("rule=trial/ruel", "There is no rule `trial/ruel`"),
        ("rule=ruel", "There is no rule `ruel`"),
        ("zone=nowhere", "There is no zone `nowhere`"),
        ("officer=P-9999", "There is no officer `P-9999`"),
        ("rule=never&zone=pejabat", "No decisions match"),
        ("rule=trial/never", "No decisions match"),
        ("zone=pejabat&effect=approve", "No decisions match"),
        ("from=2026-11-25&to=2026-11-24", "The first day comes after the last one"),
    ],
)
def test_a_list_that_is_empty_for_a_wrong_value_says_which(
    auditor: TestClient, office: Office, query: str, words: str
) -> None:
    a_full_day(office)
    page = auditor.get(f"/decisions?{query}").text
    assert words in page
    assert page.count("No decisions match") == (words == "No decisions match")


def test_the_rules_in_force_can_be_chosen_from(auditor: TestClient, office: Office) -> None:
    a_full_day(office)
    page = auditor.get("/decisions").text
    assert re.findall(r'<option value="(trial/[^"]+)">', page) == ["trial/never", "trial/rule"]


@pytest.mark.parametrize(("language", "title"), [("en", "Title of the rule"), ("ms", "Tajuk peraturan")])
def test_what_decided_comes_first_and_what_had_no_effect_is_marked(
    auditor: TestClient, office: Office, language: str, title: str
) -> None:
    a_full_day(office)
    page = auditor.get(f"/decisions?effect=block&lang={language}").text
    cell = re.search(r'<td class="rules">(.*?)</td>', page, re.DOTALL)
    assert cell
    shown, others = cell[1].split("<details", 1)
    assert re.findall(r'title="([^"]+)"', shown) == ["trial/rule"]
    assert f">{title}<" in shown
    assert re.findall(r'title="([^"]+)"', others) == ["trial/watched", "trial/spared"]
    for word in {"en": ("watched (observed only)", "spared (exempt)"), "ms": ("spared (dikecualikan)",)}[language]:
        assert word in others
    (line,) = csv.DictReader(io.StringIO(auditor.get("/decisions.csv?effect=block").text.removeprefix("\ufeff")))
    assert line["rules"] == "trial/rule trial/watched trial/spared"
    assert (line["decisive"], line["observed"], line["exempted"]) == ("trial/rule", "trial/watched", "trial/spared")
    assert line["objection"] == "yes"
    whole = auditor.get(f"/decisions/{NUMBERS[1]}").text
    assert whole.index("trial/rule") < whole.index("trial/watched") < whole.index("trial/spared")


def test_one_decision_is_counted_in_the_singular(auditor: TestClient, office: Office) -> None:
    office.record(a_blocked_post())
    assert "1 decision<" in auditor.get("/decisions").text


def test_an_objection_and_a_confirmed_hold_are_marked_in_the_list(auditor: TestClient, office: Office) -> None:
    a_full_day(office)
    assert auditor.get("/decisions?objection=yes").text.count(">objected<") == 1
    assert auditor.get("/decisions?done=held").text.count(">confirmed<") == 0
    release = Release("r", frozenset({"trial/rule"}), "wordpress", TUESDAY_MORNING)
    office.journal.append(release_event(release, NUMBERS[3], TUESDAY_MORNING, KEYS)).result()
    office.forwarder.once()
    assert auditor.get("/decisions?done=held").text.count(">confirmed<") == 1
    assert ">objected<" not in auditor.get("/decisions?objection=no").text


def test_alike_excerpts_are_shown_once_and_a_visit_has_no_signature(auditor: TestClient, office: Office) -> None:
    office.record(a_blocked_post(), excerpts=("••• ••••• undi…", "…•••• ••• undi", "lain"))
    office.record(a_blocked_post(NUMBERS[2], activity=an_activity(kind=Kind.VIEW, signature="")))
    page = auditor.get(f"/decisions/{NUMBERS[1]}").text
    assert page.count("<q>") == 2
    assert '<q>••• ••• undi</q> <span class="soft">×2</span>' in page
    assert "Signature" in page
    assert "Signature" not in auditor.get(f"/decisions/{NUMBERS[2]}").text


def test_what_rests_on_a_confirmation_leads_to_it(auditor: TestClient, office: Office) -> None:
    hold = a_full_day(office)
    sent = a_decision(Effect.RECORD, number=NUMBERS[5], matches=(a_match(effect=Effect.COACH, released_by="abc"),))
    office.record(sent)
    (cell,) = re.findall(
        r'<td class="rules">(.*?)</td>', auditor.get("/decisions?done=forwarded&effect=record").text, re.S
    )
    assert "rule (satisfied)" in cell
    page = auditor.get(f"/decisions/{NUMBERS[5]}").text
    assert "Satisfied by the officer&#39;s confirmation" in page
    assert "<dt>Known by</dt><dd>name and password (htpasswd)</dd>" in page
    assert "Known by" not in auditor.get(f"/decisions/{NUMBERS[3]}").text
    assert f'href="/decisions/{hold.number}#releases"' in page
    assert 'id="releases"' in auditor.get(f"/decisions/{hold.number}").text


def test_pages_follow_each_other_without_gap_or_double(auditor: TestClient, office: Office) -> None:
    office.record(*(a_blocked_post(number, minutes=n // 3) for n, number in enumerate(NUMBERS[: 2 * ROWS + 7])))
    seen: list[str] = []
    path = "/decisions?effect=block"
    for _ in range(3):
        page = auditor.get(path).text
        seen += re.findall(r'href="/decisions/([^"]+)"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert path == ""
    assert sorted(seen) == sorted(NUMBERS[: 2 * ROWS + 7])


def test_a_place_that_is_none_leads_to_the_beginning(auditor: TestClient) -> None:
    reply = auditor.get("/decisions?effect=block&after=%00nonsense")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/decisions?effect=block")


def test_days_are_those_of_the_office() -> None:
    wanted, wrong = wanted_of({"from": "2026-11-24", "to": "2026-11-24"}, ZONE)
    assert wrong is None
    assert wanted.since == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert wanted.until == datetime(2026, 11, 24, 16, tzinfo=UTC)


@given(st.dictionaries(st.sampled_from(FILTERS), st.text(max_size=300)))
def test_no_query_breaks_the_filters(query: dict[str, str]) -> None:
    wanted, wrong = wanted_of(query, ZONE)
    assert wrong is None or wrong in query or wrong == "order"
    assert "\0" not in f"{wanted.number}{wanted.rule}{wanted.zone}{wanted.platform}"


# ---------------------------------------------------------------- one decision


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Title of the rule",
                "Text of clause three",
                "Example Regulation 1",
                "Exempt because: in the official-social-media group.",
                "observed only",
                "office hours (working hours 07:30 to 18:00)",
                "personal data (likely): in the first text, near character 9",
                "identity-card",
                "IC saya 1•••",
                "Menyemak komen awam",
                "Ini nombor contoh sahaja",
                "refused",
                "Fingerprint of the content",
                "What official work do you need this for?",
            ),
        ),
        (
            "ms",
            (
                "Tajuk peraturan",
                "Teks klausa tiga",
                "Peraturan Contoh 1",
                "Dikecualikan kerana: kumpulan official-social-media.",
                "diperhatikan sahaja",
                "waktu pejabat (waktu kerja 07:30 hingga 18:00)",
                "data peribadi",
                "disekat",
                "Cap jari kandungan",
                "Tindakan gerbang",
                "Apakah tugas rasmi",
            ),
        ),
    ],
)
def test_one_decision_tells_its_whole_reasoning(
    auditor: TestClient, office: Office, language: str, words: tuple[str, ...]
) -> None:
    decision = a_full_day(office)
    page = auditor.get(f"/decisions/{decision.number}?lang={language}").text
    assert f'<html lang="{language}">' in page
    for word in (*words, decision.basis.policy, decision.digest, "gate-0/"):
        assert word in page
    assert "Aminah" not in page
    assert "10.1.2.3" not in page


def test_a_decision_under_a_policy_that_is_gone_shows_its_rules_by_their_ids(
    auditor: TestClient, office: Office
) -> None:
    office.record(a_blocked_post())
    page = auditor.get(f"/decisions/{NUMBERS[1]}").text
    assert "trial/rule" in page
    assert "PU395-4-2-G" in page


@pytest.mark.parametrize(("language", "heading"), [("ms", "Kelulusan dalam fail"), ("en", "Approvals on file")])
def test_an_auditor_sees_which_approval_was_on_file(
    auditor: TestClient, office: Office, language: str, heading: str
) -> None:
    approval = Approval("K-07", "P-1001", "political", "Ketua Setiausaha", "CONTOH.500-2/1 (7)", TUESDAY_MORNING)
    office.record(a_blocked_post(approvals=(approval,)))
    office.record(a_blocked_post(NUMBERS[2]))
    page = auditor.get(f"/decisions/{NUMBERS[1]}?lang={language}").text
    assert heading in page
    assert "K-07" in page
    assert heading not in auditor.get(f"/decisions/{NUMBERS[2]}?lang={language}").text


@pytest.mark.parametrize(
    ("language", "headings"),
    [("ms", ("Sebahagian daripada", "Dihantar lebih awal")), ("en", ("Belongs to", "Sent earlier"))],
)
def test_an_auditor_is_led_to_the_decisions_on_earlier_steps(
    auditor: TestClient, office: Office, language: str, headings: tuple[str, str]
) -> None:
    step = an_activity(kind=Kind.UPLOAD, belongs_to=(NUMBERS[1],))
    post = an_activity("Notis", sent_earlier=(NUMBERS[1], NUMBERS[2]))
    office.record(a_blocked_post())
    for number, act in ((NUMBERS[2], step), (NUMBERS[3], post)):
        office.record(a_blocked_post(number, activity=act, findings=()))
    pages = [auditor.get(f"/decisions/{number}?lang={language}").text for number in NUMBERS[1:4]]
    shown = [[heading in page for heading in headings] for page in pages]
    assert shown == [[False, False], [True, False], [False, True]]
    for number in NUMBERS[1:3]:
        assert f'href="/decisions/{number}"' in pages[2]


@pytest.mark.parametrize(("language", "heading"), [("ms", "Rupa permintaan"), ("en", "What it looked like")])
def test_what_no_signature_knows_is_shown_by_its_shape(
    auditor: TestClient, office: Office, language: str, heading: str
) -> None:
    shape = Shape("app", "POST", "/i/api/graphql/{}/CreateStatement", "graphql", "CreateStatement")
    strange = an_activity("Notis", signature="", unclaimed=True, shape=shape)
    office.record(a_blocked_post(), a_blocked_post(NUMBERS[2], activity=strange, findings=()))
    known, unknown = (auditor.get(f"/decisions/{number}?lang={language}").text for number in NUMBERS[1:3])
    assert (heading in known, heading in unknown) == (False, True)
    assert "POST /i/api/graphql/{}/CreateStatement (CreateStatement)" in unknown
    marked = {"ms": "jenisnya tidak dikenali", "en": "of a kind that is not known"}[language]
    assert auditor.get(f"/decisions?lang={language}").text.count(marked) == 1


def test_a_number_is_found_however_it_is_typed(auditor: TestClient, office: Office) -> None:
    office.record(a_blocked_post())
    assert auditor.get(f"/decisions/{NUMBERS[1].replace('-', '').lower()}").status_code == 200


@pytest.mark.parametrize("number", [NUMBERS[9], "x", "..%2f..", "%00", "a" * 500])
def test_a_number_that_is_none_says_so(auditor: TestClient, number: str) -> None:
    reply = auditor.get(f"/decisions/{number}")
    assert reply.status_code == 404
    assert "There is no such page" in reply.text


@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("admin", 200)])
def test_roles_see_what_is_theirs(office: Office, role: str, status: int) -> None:
    decision = a_full_day(office)
    office.account(role=role)
    office.sign_in()
    for path in ("/decisions", "/decisions.csv", f"/decisions/{decision.number}"):
        reply = office.client.get(path)
        assert reply.status_code == status
    page = office.client.get(f"/decisions/{decision.number}").text
    for words in ("IC saya 1•••", "Menyemak komen awam", "Ini nombor contoh sahaja"):
        assert (words in page) is (role == "auditor")


def looks(office: Office) -> list[dict[str, object]]:
    return [line["body"] for line in entries(office.folder / "journal", "looked")]


def test_who_looked_is_in_the_journal_without_a_name(auditor: TestClient, office: Office) -> None:
    decision = a_full_day(office)
    auditor.get("/sign-in")
    assert looks(office) == []
    for path in ("/decisions?zone=pejabat", "/decisions.csv", f"/decisions/{decision.number}"):
        assert auditor.get(path).status_code == 200
    found = looks(office)
    assert [(look["page"], look["number"], look["role"]) for look in found] == [
        ("decisions", None, "auditor"),
        ("decisions.csv", None, "auditor"),
        ("decision", decision.number, "auditor"),
    ]
    assert "nora" not in str(found)
    assert "pejabat" not in str(found)
    office.forwarder.once()
    assert "nora, auditor: Tuesday, 24 November 2026, 10:00" in auditor.get(f"/decisions/{decision.number}").text


@pytest.mark.parametrize("path", ["/decisions", "/decisions.csv", f"/decisions/{NUMBERS[1]}"])
def test_nothing_is_shown_of_which_the_look_cannot_be_recorded(
    auditor: TestClient, office: Office, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.record(a_blocked_post())

    def full(_: object) -> None:
        raise JournalUnavailable("no space left on device")

    monkeypatch.setattr(office.journal, "append", full)
    reply = auditor.get(path)
    assert reply.status_code == 503
    assert "Each look at the record is itself recorded first" in reply.text
    assert "trial/rule" not in reply.text


# ---------------------------------------------------------------- hostile input and bad days

HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def test_hostile_values_are_shown_as_text(auditor: TestClient, office: Office) -> None:
    match = a_match(HOSTILE, citation=Citation(HOSTILE, HOSTILE))
    exempted = a_match("trial/x", exempted_by=HOSTILE)
    finding = Finding(HOSTILE, HOSTILE, Likelihood.LIKELY, 0, 3)
    activity = an_activity(HOSTILE, platform=HOSTILE, signature=HOSTILE, gaps=(Gap(HOSTILE),))
    decision = a_blocked_post(matches=(match, exempted), findings=(finding,), activity=activity)
    hours = replace(decision.hours, office=HOSTILE, fact=HOSTILE, arguments={HOSTILE: HOSTILE})
    office.record(replace(decision, hours=hours), excerpts=(HOSTILE,))
    for path in (
        "/decisions",
        f"/decisions/{NUMBERS[1]}",
        "/decisions?rule=%22%3E%3Cscript%3E&number=%3Cscript%3E&lang=%3Cscript%3E",
    ):
        page = auditor.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert ">49<" not in page.text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\r"])
def test_no_cell_of_the_csv_is_a_formula(auditor: TestClient, office: Office, start: str) -> None:
    value = f"{start}HYPERLINK(1)"
    office.record(a_blocked_post(matches=(a_match(value),), activity=an_activity("x", platform=value)))
    text = auditor.get("/decisions.csv").text
    assert text.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["platform"].startswith("'")
    assert row["rules"].startswith("'")
    assert plain_cell("trial/rule") == "trial/rule"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:8081", True),
        ("127.0.0.1:8081", True),
        ("[::1]:8081", True),
        ("10.1.0.4", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.example", False),
        ("", False),
        ("local host", False),
    ],
)
def test_only_our_own_names_are_answered_to(office: Office, host: str, allowed: bool) -> None:
    assert host_allowed(host, frozenset({"localhost"})) is allowed
    reply = office.client.get("/sign-in", headers={"Host": host})
    assert (reply.status_code == 421) is not allowed


@pytest.mark.parametrize("path", ["/sign-in", "/decisions", STYLE_PATH, "/none", f"/decisions/{NUMBERS[5]}"])
def test_every_answer_is_kept_to_itself(auditor: TestClient, path: str) -> None:
    reply = auditor.get(path)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert ("no-store" in reply.headers["Cache-Control"]) is (path != STYLE_PATH)
    assert "<script" not in reply.text
    assert " style=" not in reply.text


def test_a_form_larger_than_ours_is_not_read(office: Office) -> None:
    small = {"name": "a", "password": "b", "csrf": "c"}
    assert office.client.post("/sign-in", data=small | {"after": "x" * FORM_LIMIT}).status_code == 413
    assert office.client.post("/sign-in", content=iter([b"name=a"])).status_code == 413
    assert office.client.get("/sign-in?next=" + "a" * 3000).status_code == 414


def test_a_database_that_is_away_is_told_as_such(auditor: TestClient, office: Office, monkeypatch) -> None:
    office.store.engine.dispose()
    monkeypatch.setattr(office.store.engine.pool, "_creator", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
    for path in ("/decisions", f"/decisions/{NUMBERS[1]}", "/decisions.csv"):
        reply = auditor.get(path)
        assert reply.status_code == 503
        assert "The database cannot be reached" in reply.text


def test_a_fault_of_ours_is_a_page_without_its_details(auditor: TestClient, office: Office, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("tell nobody")

    monkeypatch.setattr(office.store, "decisions", broken)
    reply = auditor.get("/decisions")
    assert reply.status_code == 500
    assert "tell nobody" not in reply.text
    assert "The console has a problem" in reply.text


@pytest.mark.parametrize("language", Language)
def test_a_language_that_was_chosen_stays(office: Office, language: Language) -> None:
    browser = office.browser(**{"Accept-Language": language.other.value})
    assert f'<html lang="{language.other.value}">' in browser.get("/sign-in").text
    assert f'<html lang="{language.value}">' in browser.get(f"/sign-in?lang={language.value}").text
    assert f'<html lang="{language.value}">' in browser.get("/sign-in").text


def test_each_kind_and_effect_has_its_line_in_both_languages(auditor: TestClient, office: Office) -> None:
    office.record(
        *(
            a_blocked_post(
                NUMBERS[n], minutes=n, activity=an_activity(kind=kind), effect=effect, matches=(match_of(effect),)
            )
            for n, (kind, effect) in enumerate(zip(Kind, [*Effect] * 4, strict=False))
        )
    )
    for language in Language:
        page = auditor.get(f"/decisions?lang={language.value}").text
        assert page.count("<tr>") == len(Kind) + 1
        assert not re.search(r">\s*(console|own|kind|effect|page)\.[a-z.-]+", page)


def match_of(effect: Effect) -> Match:
    return a_match(effect=effect)
