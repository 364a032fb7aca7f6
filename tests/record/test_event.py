"""Events: what may stand in the chain for ever, and what must be able to go."""

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gerbang.model import (
    Account,
    Approval,
    Basis,
    Evidence,
    Finding,
    Gap,
    Likelihood,
    Media,
    Provenance,
    Release,
    Standing,
)
from gerbang.record.canonical import canonical, digest
from gerbang.record.event import (
    Event,
    EventKind,
    RecordKeys,
    commitment,
    decision_event,
    discontinuity_event,
    erased_event,
    make_event,
    objection_event,
    outcome_event,
    policy_activated,
    pseudonym,
    release_event,
    utc,
)

KEYS = RecordKeys.made_of(bytes(range(32)), os.urandom)
SECRETS = (
    "P-1001",
    "Aminah",
    "Komunikasi",
    "10.1.2.3",
    "@aminah.contoh",
    "akaun-998877",
    "aminah.wordpress.com",
    "kawan-rapat",
    "sasaran-1",
    "jahat.example",
    "sulit-laporan.pdf",
    "c0ffeec0ffee",  # long enough to be in no other digest
    "s••••t",
    "teks penuh",
)


def a_telling_decision(**more: object) -> Event:
    """A decision in which everything that must not be chained is set to something that can be searched for."""
    activity = an_activity(
        "teks penuh yang ditulis",
        account="akaun-998877",
        host="aminah.wordpress.com",
        audience="kawan-rapat",
        target="sasaran-1",
        changes="sasaran-1",
        provenance=Provenance("cross-site", "jahat.example"),
        media=(Media("m1", "application/pdf", "sulit-laporan.pdf", "c0ffee" * 10 + "c0ff", 9),),
        gaps=(Gap("too-large", "8388608"),),
    )
    activity = replace(activity, account=Account("akaun-998877", "@aminah.contoh"))
    finding = Finding("words", "political", Likelihood.LIKELY, 0, 4)
    decision = a_decision(activity=activity, findings=(finding,), **more)
    return decision_event(decision, "answered", ["s••••t"], KEYS, {"checks": 12})


def test_no_name_text_account_or_address_is_chained() -> None:
    body = a_telling_decision().body_bytes().decode()
    assert [secret for secret in SECRETS if secret in body] == []


def test_the_line_names_the_approvals_on_file_and_the_sidecar_what_they_say() -> None:
    approval = Approval("K-07", AMINAH.id, "political", "Ketua Setiausaha", "CONTOH.500-2/1 (7)", TUESDAY_MORNING)
    event = a_telling_decision(approvals=(approval,))
    assert event.body["approvals"] == ["K-07"]
    assert "Setiausaha" not in event.body_bytes().decode()
    told = {"id": "K-07", "purpose": "political", "authority": "Ketua Setiausaha", "reference": "CONTOH.500-2/1 (7)"}
    told |= {"conditions": []}
    assert event.sidecar["approvals"][1] == [told]


def test_groups_are_private_and_what_a_replay_asks_for_is_kept() -> None:
    approval = Approval("K-07", AMINAH.id, "political", "Ketua Setiausaha", "CONTOH.500-2/1 (7)", TUESDAY_MORNING)
    match = a_match(exempted_by="approval: political", rests_on=("political",))
    event = a_telling_decision(
        actor=an_actor(replace(AMINAH, groups=frozenset({"tiny-group", "another"}))),
        approvals=(approval, replace(approval, id="K-08", purpose="publication")),
        matches=(match,),
        legal_regime="state",
        target_lists=frozenset({"parties"}),
        unknown=frozenset({"finding"}),
    )
    body = json.loads(event.body_bytes())
    assert "tiny-group" not in event.body_bytes().decode()
    assert event.sidecar["officer"][1]["groups"] == ["another", "tiny-group"]
    assert (body["purposes"], body["used"]) == (["political", "publication"], ["K-07"])
    assert (body["legal_regime"], body["lists"], body["unread"]) == ("state", ["parties"], ["finding"])


def test_the_reasoning_is_chained() -> None:
    body = json.loads(a_telling_decision().body_bytes())
    assert body["findings"] == [
        {"check": "words", "category": "political", "likelihood": "likely", "text": 0, "start": 0, "end": 4}
    ]
    assert body["gaps"] == [{"reason": "too-large", "detail": "8388608"}]
    assert body["matches"][0]["rule"] == "trial/rule"
    assert body["hours"]["regime"] == "office-hours"
    assert body["timings"] == {"checks": 12}
    assert body["provenance"] == "cross-site"
    assert body["known_by"] == "htpasswd"
    assert set(body["basis"]) == {"policy", "platforms", "calendar", "lexicons", "targets"}
    assert (body["effect"], body["done"], body["standing"]) == ("block", "answered", "personal")


def test_each_private_field_has_a_commitment_that_only_its_salt_opens() -> None:
    event = a_telling_decision()
    commitments = json.loads(event.body_bytes())["commitments"]
    assert set(commitments) == set(event.sidecar)
    for name, (salt, value) in event.sidecar.items():
        assert commitment(event.id, name, salt, value) == commitments[name]
        assert commitment(event.id, name, "0" * 32, value) != commitments[name]
    assert len({salt for salt, _ in event.sidecar.values()}) == len(event.sidecar)


def test_the_sidecars_line_and_the_commitments_are_of_canonical_bytes() -> None:
    event = a_telling_decision()
    assert event.sidecar_bytes == canonical({"fields": event.sidecar, "id": event.id})
    for name, (salt, value) in event.sidecar.items():
        assert commitment(event.id, name, salt, value) == digest("commitment", canonical([event.id, name, salt, value]))


def test_the_same_decision_twice_shares_no_commitment() -> None:
    one, two = (set(json.loads(a_telling_decision().body_bytes())["commitments"].values()) for _ in range(2))
    assert not one & two


@pytest.mark.parametrize("how", [{}, {"exempted_by": "approval"}, {"released_by": "r1"}])
def test_where_one_matching_rule_says_no_evidence_there_is_no_excerpt_anywhere(how: dict[str, str]) -> None:
    event = a_telling_decision(matches=(a_match(), a_match("trial/secret", evidence=Evidence.NONE, **how)))
    whole = event.body_bytes().decode() + (event.sidecar_bytes or b"").decode()
    assert "excerpts" not in event.sidecar
    assert [word for word in ("s••••t", "sulit-laporan", "c0ffee", "teks") if json.dumps(word)[1:-1] in whole] == []


def test_an_account_is_chained_in_clear_only_so_far_as_the_register_lists_it() -> None:
    """On an official site every account is official; the name by which a person signs in there is hers."""
    for standing in Standing:
        body = json.loads(a_telling_decision(standing=standing).body_bytes())
        assert body["account"] is None
        assert "account" in body["commitments"]
    listed = json.loads(a_telling_decision(standing=Standing.OFFICIAL, registered=Account("akaun-998877")).body_bytes())
    assert listed["account"] == {"id": "akaun-998877", "handle": None}


@pytest.mark.parametrize(
    ("stated", "chained"),
    [
        (None, None),
        ("image/jpeg", "image/jpeg"),
        ("Image/JPEG; name=x", "image/jpeg"),
        ("application/x-Aminah-binti-Contoh-880101-14-5678", "other"),
        ("", "other"),
    ],
)
def test_what_a_sender_calls_an_attachment_is_not_chained_as_it_is(stated: str | None, chained: str | None) -> None:
    activity = an_activity(media=(Media(type=stated, size=9),))
    event = decision_event(a_decision(activity=activity), "answered", [], KEYS)
    assert event.body["media"] == [{"type": chained, "size": 9}]
    assert "Aminah" not in event.body_bytes().decode()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("SULIT minit.pdf", "•••••••••••.pdf"),
        ("minit.PDF", "•••••.pdf"),
        ("minit.mesyuarat-rahsia", "•" * 22),
        (".pdf", ".pdf"),
        ("blob", "••••"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_files_name_its_length_and_ending_are_kept(name: str | None, kept: str | None) -> None:
    activity = an_activity(media=(Media("m1", name=name),))
    event = decision_event(a_decision(activity=activity), "answered", [], KEYS)
    assert event.sidecar["media"][1] == [{"id": "m1", "name": kept, "digest": None}]


def test_an_unknown_officer_has_no_pseudonym() -> None:
    body = json.loads(a_telling_decision(actor=an_actor(None)).body_bytes())
    assert body["officer"] is None
    assert "officer" not in body["commitments"]


def test_a_pseudonym_is_the_same_for_the_same_officer_and_key_only() -> None:
    other = RecordKeys.made_of(bytes(32), os.urandom)
    assert pseudonym("P-1001", KEYS) == pseudonym("P-1001", KEYS)
    assert len({pseudonym("P-1001", KEYS), pseudonym("P-1002", KEYS), pseudonym("P-1001", other)}) == 3


def test_no_key_is_shown_by_printing_it() -> None:
    assert "pseudonym" not in repr(KEYS)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RecordKeys.made_of(b"short", os.urandom)


def test_a_release_chains_what_it_satisfies_and_hides_what_was_said() -> None:
    release = Release(
        "r1",
        frozenset({"b/2", "a/1"}),
        "x",
        TUESDAY_MORNING,
        officer=AMINAH.id,
        account="akaun-998877",
        client="10.1.2.3",
        answers={"official-purpose": "taklimat akhbar"},
    )
    event = release_event(release, "K7Q4", TUESDAY_MORNING, KEYS)
    body = json.loads(event.body_bytes())
    assert body["rules"] == ["a/1", "b/2"]
    assert body["officer"] == pseudonym(AMINAH.id, KEYS)
    assert body["asked"] == ["official-purpose"]
    chained = event.body_bytes().decode()
    assert not any(secret in chained for secret in ("akaun-998877", "10.1.2.3", "taklimat", "P-1001"))


def test_an_outcome_hides_the_post_and_its_address() -> None:
    event = outcome_event(a_decision(), 200, True, "post-5150", "https://x.com/aminah/5150", KEYS)
    assert b"post-5150" not in event.body_bytes()
    assert b"aminah" not in event.body_bytes()
    assert event.sidecar["url"][1] == "https://x.com/aminah/5150"
    assert event.sidecar["post"][1] == "post-5150"
    assert event.body["sent"] is None


def test_an_outcome_says_how_much_was_streamed_and_hides_what() -> None:
    sent = Media(digest="c0ffee" * 4, size=7000)
    event = outcome_event(a_decision(), 200, True, None, None, KEYS, sent)
    assert event.body["sent"] == 7000
    assert b"c0ffeec0ffee" not in event.body_bytes()
    assert event.sidecar["sent"][1] == "c0ffee" * 4
    without = a_decision(matches=(a_match("trial/secret", evidence=Evidence.NONE),))
    assert "sent" not in outcome_event(without, 200, True, None, None, KEYS, sent).sidecar


@pytest.mark.parametrize(("post", "kept"), [("5150", "5150"), ("minit-jkkk-tender", None), ("٥١", None), (None, None)])
def test_where_nothing_may_be_kept_an_outcome_has_no_words_of_the_post(post: str | None, kept: str | None) -> None:
    """A platform makes the address of the title."""
    decision = a_decision(matches=(a_match("trial/secret", evidence=Evidence.NONE),))
    event = outcome_event(decision, 201, True, post, "https://blog.contoh.my/2026/11/minit-jkkk-tender/", KEYS)
    assert {name: value for name, (_, value) in event.sidecar.items()} == ({"post": kept} if kept else {})
    assert event.body["number"] == decision.number


def test_words_of_an_officer_can_be_erased() -> None:
    event = objection_event("K7Q4", "P-1001", "saya tidak setuju", TUESDAY_MORNING, KEYS)
    assert b"setuju" not in event.body_bytes()
    assert event.sidecar["words"][1] == "saya tidak setuju"


def test_an_erasure_names_the_events_and_nobody() -> None:
    event = erased_event("K7Q4", ["00ff"], "salmah", "perintah 7/2026", TUESDAY_MORNING, KEYS)
    assert event.body["events"] == ["00ff"]
    assert b"salmah" not in event.body_bytes()
    assert b"perintah" not in event.body_bytes()
    assert event.sidecar["reason"][1] == "perintah 7/2026"


def test_an_activation_keeps_the_documents_whole() -> None:
    event = policy_activated(Basis("a", "b", "c", "d"), {"mine/policy.yaml": "policy: mine\n"}, TUESDAY_MORNING, KEYS)
    body = json.loads(event.body_bytes())
    assert body["documents"] == {"mine/policy.yaml": "policy: mine\n"}
    assert body["basis"]["lexicons"] == "d"


def test_an_event_with_nothing_private_has_no_sidecar() -> None:
    event = discontinuity_event("clock", {"seconds": -9}, KEYS)
    assert event.sidecar_bytes is None
    assert "commitments" not in event.body


def test_a_float_is_refused_where_the_event_is_written() -> None:
    with pytest.raises(TypeError):
        make_event(EventKind.START, {"load": 0.5}, {}, KEYS).body_bytes()


def test_times_are_written_in_utc_to_the_microsecond() -> None:
    putrajaya = datetime.fromisoformat("2026-11-24T10:00:00+08:00") + timedelta(microseconds=4)
    assert utc(putrajaya) == "2026-11-24T02:00:00.000004Z"
    with pytest.raises(ValueError, match="without a zone"):
        utc(datetime(2026, 11, 24))  # noqa: DTZ001  # what is tried


def test_the_number_of_an_officers_leave_is_not_chained() -> None:
    hours = replace(a_decision().hours, fact="leave", arguments={"from": "2026-11-24", "reference": "Cuti Aminah"})
    event = decision_event(replace(a_decision(), hours=hours), "answered", [], KEYS)
    assert json.loads(event.body_bytes())["hours"]["arguments"] == {"from": "2026-11-24"}
    assert b"Cuti" not in event.body_bytes()
    assert event.sidecar["hours"][1] == {"reference": "Cuti Aminah"}
