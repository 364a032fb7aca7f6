"""What a page is told on a WebSocket in place of what it sent: a message of the platform's shape, or why it is closed.

As with requests, a page's script can read the decision's number and one neutral sentence, and nothing else.
"""

from typing import Final

from gerbang.answers.reply import decision_link, filled
from gerbang.answers.words import Language, say
from gerbang.model import Decision, SocketRefusal

REASON: Final = 123
"""Bytes of the reason with which a socket is closed (RFC 6455, 5.5)."""


def instead(refusal: SocketRefusal, reason: str, language: Language, gate: str, decision: Decision | None) -> str:
    """The message that the page gets. `reason` is `block`, `visit`, `hold`, `fault`, `journal`, `busy` or
    `unknown-officer`."""
    number = decision.number if decision else ""
    message = say(f"neutral.{reason}", language, link=_link(reason, gate, number))
    values = {"message": message, "number": number or "-", "id": refusal.id}
    return filled(refusal.message, refusal.content_type, values)


def closed_with(reason: str, language: Language, gate: str, decision: Decision | None = None) -> str:
    """The reason with which a socket is closed, with the decision's number; `reason` may be `too-large` too."""
    number = decision.number if decision else ""
    words = say(f"neutral.{reason}", language, link=_link(reason, gate, number))
    if number and number not in words:
        words = f"{words} {number}"
    if len(words.encode()) > REASON:
        # A gate's host of more than some 50 letters leaves no room for a link.
        words = say(f"neutral.{reason}", language, link=number)
    return words


def _link(reason: str, gate: str, number: str) -> str:
    return f"{gate.rstrip('/')}/notice" if reason == "notice" else decision_link(gate, number)
