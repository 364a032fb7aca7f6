"""The one path from an activity to its decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_match, an_activity, an_actor
from gerbang.loading import load_world
from gerbang.model import (
    Account,
    AccountTerms,
    Approval,
    Duty,
    Effect,
    Evidence,
    Kind,
    Media,
    Regime,
    Registers,
    Release,
    Standing,
)
from gerbang.pipeline import (
    EXAMINED,
    MEDIA_NAME,
    World,
    approvals_of,
    as_judged,
    content_digest,
    covers,
    duty_of,
    excerpts,
    hours_of,
    judge,
    judge_early,
    standing_of,
)
from gerbang.policy.own_days import by_officer, own_day
from gerbang.recognition.signature import UNTOLD
from gerbang.settings import OfficeSettings, Settings, ZoneSettings

EVENING = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    settings = Settings(
        state=tmp_path_factory.mktemp("state"),
        offices=(OfficeSettings(name="hq", state="PJY"),),
        zones=(ZoneSettings(name="pejabat", networks=(ip_network("10.1.0.0/16"),), office="hq"),),
    )
    return load_world(settings)


def test_the_same_post_is_refused_in_office_hours_and_sent_after(world: World) -> None:
    post = an_activity("Selamat hari lahir, Kak Ina!")
    assert judge(post, an_actor(), world, TUESDAY_MORNING, "N").effect == Effect.BLOCK
    assert judge(post, an_actor(), world, EVENING, "N").effect <= Effect.RECORD


def test_an_upload_is_decided_by_its_headers_alone(world: World) -> None:
    upload = an_activity(kind=Kind.UPLOAD, host="upload.x.com")
    early = judge_early(upload, an_actor(), world, TUESDAY_MORNING, "N", awaits_body=False)
    assert early is not None
    assert early.effect == Effect.BLOCK


def test_a_comment_is_not_refused_before_its_words_are_known(world: World) -> None:
    """It may be a correction, which is always allowed."""
    comment = an_activity(kind=Kind.COMMENT)
    assert judge_early(comment, an_actor(), world, TUESDAY_MORNING, "N", awaits_body=True) is None


def test_a_correction_passes_in_office_hours(world: World) -> None:
    words = "Pembetulan: saya silap, kaunter dibuka pukul 9, bukan pukul 8. Mohon maaf atas kesilapan saya."
    decision = judge(an_activity(words, kind=Kind.COMMENT), an_actor(), world, TUESDAY_MORNING, "N")
    assert decision.remedial
    assert decision.effect <= Effect.RECORD
    assert any(match.exempted_by for match in decision.matches)


LETTER = "Ruj. Kami: KKM.600-1/2/3 Jld.4 (56)\nTuan,\nPerolehan vaksin"


def test_a_label_in_the_title_and_the_letter_below_are_one_paper(world: World) -> None:
    decision = judge(an_activity("SULIT", LETTER), an_actor(), world, EVENING, "N")
    assert decision.effect == Effect.BLOCK
    found = [(one.check, one.text, one.start, one.end) for one in decision.findings]
    assert ("classification-label", 0, 0, 5) in found
    assert judge(an_activity("Soalan sulit", "Ruj. poster"), an_actor(), world, EVENING, "N").findings == ()


@pytest.mark.parametrize("name", ["SULIT KERTAS JEMAAH MENTERI BIL 12-2026.pdf", "kertas_mmkn_bil_3_2026.docx"])
def test_the_name_of_an_attachment_is_judged(world: World, name: str) -> None:
    upload = an_activity(kind=Kind.UPLOAD, media=(Media(name=name),))
    decision = judge(upload, an_actor(), world, EVENING, "N")
    assert decision.effect == Effect.BLOCK
    assert [text.field for text in decision.activity.texts] == [MEDIA_NAME]
    early = judge_early(upload, an_actor(), world, EVENING, "N", awaits_body=False)
    assert early is not None
    assert early.effect == Effect.BLOCK
    assert judge(decision.activity, an_actor(), world, EVENING, "N").digest == decision.digest
    harmless = replace(upload, media=(Media(name="gambar kucing.jpg"),))
    assert judge(harmless, an_actor(), world, EVENING, "N").effect <= Effect.RECORD


def test_more_text_than_is_examined_is_a_gap(world: World) -> None:
    whole = judge(an_activity("a" * EXAMINED), an_actor(), world, EVENING, "N")
    assert whole.gaps == ()
    longer = judge(an_activity("a" * (EXAMINED + 1)), an_actor(), world, EVENING, "N")
    assert [gap.reason for gap in longer.gaps] == ["too-large"]
    assert any(match.rule.endswith("/unread-content") for match in longer.matches)
    assert len(longer.activity.texts[0].value) == EXAMINED + 1


def test_a_long_text_hides_no_short_one(world: World) -> None:
    for texts in (["x " * EXAMINED, "kau bodoh"], ["kau bodoh", "x " * EXAMINED, "y " * EXAMINED]):
        _, examined = as_judged(an_activity(*texts))
        assert sum(len(text.value) for text in examined) <= EXAMINED
        decision = judge(an_activity(*texts), an_actor(), world, EVENING, "N")
        assert [(one.check, one.text) for one in decision.findings] == [("personal-attack", texts.index("kau bodoh"))]


@pytest.mark.parametrize(
    ("account", "host", "expected"),
    [
        (Account("9001"), "x.com", Standing.OFFICIAL),
        (Account(None, "JabatanContoh"), "x.com", Standing.OFFICIAL),
        (Account("2001"), "x.com", Standing.PERSONAL),
        (Account("2001"), "blog.contoh.my", Standing.OFFICIAL),
        (Account(), "x.com", Standing.UNKNOWN),
    ],
)
def test_whose_account_acts(world: World, account: Account, host: str, expected: Standing) -> None:
    accounts = {("x", "9001"): Standing.OFFICIAL, ("x", "@jabatancontoh"): Standing.OFFICIAL}
    office = replace(world, registers=Registers(accounts=accounts), official_hosts=frozenset({"blog.contoh.my"}))
    assert standing_of(replace(an_activity(host=host), account=account), office, TUESDAY_MORNING) == expected


@pytest.mark.parametrize("account", [Account(), Account("2001"), Account(None, "aminah")])
def test_on_the_agencys_own_site_every_account_is_official_whatever_runs_there(world: World, account: Account) -> None:
    office = replace(world, official_hosts=frozenset({"suara.contoh.my"}))
    software = [document.platform for document in world.platforms.documents if document.on_sites]
    assert "wordpress" in software
    for platform in (*software, UNTOLD):
        act = replace(an_activity(host="suara.contoh.my"), platform=platform, account=account)
        assert standing_of(act, office, TUESDAY_MORNING) is Standing.OFFICIAL
        assert standing_of(replace(act, host="lain.contoh.my"), office, TUESDAY_MORNING) is not Standing.OFFICIAL


def test_an_account_is_the_agencys_so_far_as_the_register_lists_it(world: World) -> None:
    """A decision on the agency's own site names no person by the account of the sign-in."""
    accounts = {
        ("x", "9001"): Standing.OFFICIAL,
        ("x", "@jabatancontoh"): Standing.OFFICIAL,
        ("x", "@aminah"): Standing.PERSONAL,
    }
    office = replace(world, registers=Registers(accounts=accounts), official_hosts=frozenset({"blog.contoh.my"}))
    for account, expected in [
        (Account("9001", "@aminah.contoh"), Account("9001")),
        (Account("77", "JabatanContoh"), Account(None, "JabatanContoh")),
        (Account(None, "aminah"), Account()),
        (Account("2001", "aminah.contoh"), Account()),
        (Account(), Account()),
    ]:
        act = replace(an_activity(host="blog.contoh.my"), account=account)
        decision = judge(act, an_actor(), office, EVENING, "N")
        assert decision.registered == expected
        assert decision.activity.account == account


def test_an_approval_runs_from_its_start_until_its_end_or_withdrawal() -> None:
    start, end = TUESDAY_MORNING, TUESDAY_MORNING + timedelta(days=2)
    approval = Approval("K-1", AMINAH.id, "political", "KSU", "REF", start, end)
    for moment, expected in [(start - timedelta(seconds=1), ()), (start, (approval,)), (end, ())]:
        registers = Registers(approvals={AMINAH.id: (approval,)})
        assert approvals_of(an_actor(), registers, moment) == expected
    withdrawn = replace(approval, withdrawn=start + timedelta(days=1))
    registers = Registers(approvals={AMINAH.id: (withdrawn,)})
    assert approvals_of(an_actor(), registers, start + timedelta(days=1)) == ()
    assert approvals_of(an_actor(None), registers, start) == ()


def test_an_approval_of_a_group_is_its_members() -> None:
    approval = Approval("K-2", "group:media", "publication", "KSU", "R", TUESDAY_MORNING)
    registers = Registers(approvals={"group:media": (approval,)})
    member = replace(AMINAH, groups=frozenset({"media"}))
    assert approvals_of(an_actor(member), registers, TUESDAY_MORNING) == (approval,)
    assert approvals_of(an_actor(), registers, TUESDAY_MORNING) == ()


def test_a_decision_names_the_approvals_that_were_on_file(world: World) -> None:
    approval = Approval("K-1", AMINAH.id, "political", "KSU", "REF", TUESDAY_MORNING)
    office = replace(world, registers=Registers(approvals={AMINAH.id: (approval,)}))
    decision = judge(an_activity("selamat petang"), an_actor(), office, EVENING, "N")
    assert decision.approvals == (approval,)


def test_a_content_digest_is_of_what_is_said_and_not_of_its_spelling() -> None:
    said = content_digest(an_activity("selamat pagi"), KEY)
    assert content_digest(an_activity("ＳＥＬＡＭＡＴ pagi"), KEY) == said
    others = [
        an_activity("selamat petang"),
        an_activity("selamat pagi", account="2002"),
        an_activity("selamat pagi", target="77"),
        an_activity("selamat pagi", kind=Kind.COMMENT),
        an_activity("selamat pagi", audience="public"),
        an_activity("selamat pagi", changes="77"),
        an_activity("selamat pagi", site="77"),
        an_activity("selamat pagi", media=(Media(digest="ab" * 32),)),
    ]
    assert said not in {content_digest(other, KEY) for other in others}
    same = an_activity("selamat pagi", media=(Media(id="1"),))
    assert content_digest(same, KEY) != content_digest(an_activity("selamat pagi", media=(Media(id="2"),)), KEY)
    seen = [an_activity("selamat pagi", media=(Media(id=number, digest="c0ffee"),)) for number in "12"]
    assert content_digest(seen[0], KEY) == content_digest(seen[1], KEY) != content_digest(same, KEY)
    assert content_digest(same, bytes(32)) != content_digest(same, KEY)


def test_what_was_granted_for_one_delete_covers_no_other() -> None:
    one, other = (an_activity("", kind=Kind.DELETE, changes=post) for post in ("1", "2"))
    release = a_release(kind=Kind.DELETE, account="2001", digest=content_digest(one, KEY), granted=True)
    assert covers(release, one, an_actor(), TUESDAY_MORNING, content_digest(one, KEY))
    assert not covers(release, other, an_actor(), TUESDAY_MORNING, content_digest(other, KEY))


@pytest.mark.parametrize(
    ("moment", "duty"),
    [("2026-11-23T23:59", Duty.NOBODY_LISTED), ("2026-11-24T00:00", Duty.ON_DUTY), ("2026-11-25T00:00", Duty.OFF_DUTY)],
)
def test_duty_is_by_the_line_that_holds(world: World, moment: str, duty: Duty) -> None:
    """The account's number was replaced: on the new line another officer is listed, and the old one's is over."""
    at = datetime.fromisoformat(f"{moment}+08:00")
    first, second = (datetime.fromisoformat(f"2026-11-{day}T00:00+08:00") for day in (24, 25))
    terms = {
        ("x", "2001"): AccountTerms(frozenset({AMINAH.id}), first, second),
        ("x", "@jabatan"): AccountTerms(frozenset({"devi"}), second),
    }
    registers = Registers(accounts=dict.fromkeys(terms, Standing.OFFICIAL), terms=terms)
    act = replace(an_activity("selamat pagi"), account=Account("2001", "jabatan"), host="jabatan.gov.my")
    assert duty_of(act, an_actor(), replace(world, registers=registers), at) is duty


def a_release(**more: object) -> Release:
    release = Release("r1", frozenset({"a/b"}), "x", TUESDAY_MORNING + timedelta(minutes=10), officer=AMINAH.id)
    return replace(release, **more)  # type: ignore[arg-type]


def test_a_release_covers_only_what_it_is_bound_to() -> None:
    post = an_activity("selamat pagi")
    digest = content_digest(post, KEY)

    def covered(release: Release, moment: datetime = TUESDAY_MORNING) -> bool:
        return covers(release, post, an_actor(), moment, digest)

    assert covered(a_release())
    assert covered(a_release(kind=Kind.POST, account="2001", digest=digest))
    assert not covered(a_release(), moment=TUESDAY_MORNING + timedelta(minutes=10))
    assert not covered(a_release(platform="wordpress"))
    assert not covered(a_release(kind=Kind.COMMENT))
    assert not covered(a_release(account="2002"))
    assert not covered(a_release(digest="0" * 64))
    assert not covered(a_release(officer="somebody-else"))
    assert not covers(a_release(), post, an_actor(None), TUESDAY_MORNING, digest)


def test_a_visits_release_covers_the_use_of_what_cannot_be_held_and_nothing_that_can() -> None:
    use = an_activity("", kind=Kind.USE)
    digest = content_digest(use, KEY)
    assert covers(a_release(kind=Kind.VIEW), use, an_actor(), TUESDAY_MORNING, digest)
    assert not covers(a_release(kind=Kind.VIEW), use, an_actor(), TUESDAY_MORNING + timedelta(minutes=10), digest)
    assert not covers(a_release(kind=Kind.VIEW, platform="wordpress"), use, an_actor(), TUESDAY_MORNING, digest)
    assert not covers(a_release(kind=Kind.VIEW, officer="somebody-else"), use, an_actor(), TUESDAY_MORNING, digest)
    assert not covers(a_release(kind=Kind.POST), use, an_actor(), TUESDAY_MORNING, digest)
    post = an_activity("selamat pagi")
    assert not covers(a_release(kind=Kind.VIEW), post, an_actor(), TUESDAY_MORNING, content_digest(post, KEY))


def test_a_release_of_an_unknown_officer_is_bound_to_the_address() -> None:
    post = an_activity("selamat pagi")
    release = a_release(officer=None, client="10.1.2.3")
    digest = content_digest(post, KEY)
    assert covers(release, post, an_actor(None), TUESDAY_MORNING, digest)
    assert not covers(release, post, an_actor(None, client="10.1.2.4"), TUESDAY_MORNING, digest)
    assert not covers(release, post, an_actor(), TUESDAY_MORNING, digest)
    assert not covers(a_release(officer=None), post, an_actor(None), TUESDAY_MORNING, digest), "nobody's"


def test_no_excerpt_shows_what_another_finding_hides(world: World) -> None:
    words = "Peserta: Ali 880214-14-5521, Siti 900731-10-6644, Kumar 850505-08-7133, Mei 920123-01-5026."
    decision = judge(an_activity(words), an_actor(), world, EVENING, "N")
    kept = replace(decision, matches=(a_match(),))
    assert len(excerpts(kept)) >= 4
    for number in ("880214", "5521", "900731", "6644", "850505", "7133", "920123", "5026"):
        assert all(number not in excerpt for excerpt in excerpts(kept))


def test_where_a_rule_forbids_evidence_there_is_no_excerpt(world: World) -> None:
    decision = judge(an_activity("Ali 880214-14-5521"), an_actor(), world, EVENING, "N")
    forbidden = replace(decision, matches=(a_match(), a_match("x/y", evidence=Evidence.NONE)))
    assert excerpts(forbidden) == ()


def test_the_state_folder_gets_keys_that_only_their_owner_reads(tmp_path: Path) -> None:
    load_world(Settings(state=tmp_path))
    keys = list((tmp_path / "keys").glob("*.key"))
    assert keys
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)


def test_an_officer_s_own_days_go_before_the_calendar(world: World) -> None:
    own = by_officer([own_day(AMINAH.id, "leave", "2026-11-24", reference="C 1/2026", by="devi")])
    theirs = replace(world, registers=replace(world.registers, own_days=own))
    actor = replace(an_actor(), officer=replace(AMINAH, office="hq"))
    assert hours_of(actor, theirs, TUESDAY_MORNING).fact == "leave"
    assert hours_of(actor, world, TUESDAY_MORNING).regime is Regime.OFFICE_HOURS
    assert hours_of(replace(actor, officer=None), theirs, TUESDAY_MORNING).regime is Regime.OFFICE_HOURS
