"""What a page reads on its socket: neutral words, the number, and what the protocol has room for."""

import json

import pytest

from builders import a_decision, a_match
from gerbang.answers.on_socket import REASON, closed_with, instead
from gerbang.answers.reply import neutral
from gerbang.answers.words import Language
from gerbang.model import Effect, SocketRefusal

GATE = "http://gerbang.internal"
NUMBER = "K7Q4-M2XP"
REASONS = ("block", "hold", "fault", "journal", "busy", "too-large")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("gate", [GATE, "http://" + "a" * 63 + ".pejabat.example"])
def test_a_reason_has_room_in_a_close_frame_and_names_the_decision(reason: str, language: Language, gate: str) -> None:
    told = closed_with(reason, language, gate, a_decision())
    assert len(told.encode()) <= REASON
    assert NUMBER in told
    assert len(closed_with(reason, language, gate).encode()) <= REASON


def test_where_there_is_room_the_reason_leads_to_the_decision() -> None:
    assert closed_with("block", Language.EN, GATE, a_decision()).endswith(f"{GATE}/d/{NUMBER}")


@pytest.mark.parametrize(
    ("effect", "reason"), [(Effect.BLOCK, "block"), (Effect.COACH, "hold"), (Effect.APPROVE, "hold")]
)
def test_what_is_held_is_told_from_what_is_refused(effect: Effect, reason: str) -> None:
    assert neutral(a_decision(effect)) == reason


def test_what_a_stated_purpose_would_cover_is_told_from_what_nothing_releases() -> None:
    assert neutral(a_decision(matches=(a_match(covered_by=("trial/visits",)),))) == "visit"


def test_a_message_in_the_platforms_shape_is_written_as_its_type_has_it() -> None:
    shape = '{"re":"{id}","error":"{message}","number":"{number}","status":"{status}"}'
    refusal = SocketRefusal(shape, "application/json", 'm"1\n')
    told = json.loads(instead(refusal, "block", Language.EN, GATE, a_decision()))
    assert told["re"] == 'm"1\n'
    assert told["number"] == NUMBER
    assert told["error"].endswith(f"/d/{NUMBER}")
    assert told["status"] == "{status}", "which a message has not"
    assert json.loads(instead(refusal, "journal", Language.MS, GATE, None))["number"] == "-"
    plain = SocketRefusal("ERR {number} <{id}>", "text/plain", "<b>")
    assert instead(plain, "block", Language.EN, GATE, a_decision()) == f"ERR {NUMBER} <<b>>"
