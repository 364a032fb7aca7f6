"""What clients send on WebSockets, message by message: judged as requests are, each at its own time."""

from collections import Counter
from typing import Final

import structlog
from wsproto.frame_protocol import CloseReason

from gerbang.answers.on_socket import closed_with, instead
from gerbang.answers.reply import neutral
from gerbang.answers.words import preferred
from gerbang.errors import RecordError
from gerbang.gate.admission import Admission
from gerbang.gate.bounds import SHORT_OF_MEMORY
from gerbang.gate.guard import Guard
from gerbang.gate.judging import Holder, Judge
from gerbang.gate.passage import Passage, read_request
from gerbang.gate.socket_layer import SocketMessage
from gerbang.model import SOCKET, Decision, Request
from gerbang.recognition.sockets import acknowledgement, is_unfinished, message_on, socket_refusal

log = structlog.get_logger()

CODES: Final = {
    "block": CloseReason.POLICY_VIOLATION,
    "visit": CloseReason.POLICY_VIOLATION,
    "hold": CloseReason.POLICY_VIOLATION,
    "too-large": CloseReason.MESSAGE_TOO_BIG,
    "busy": CloseReason.TRY_AGAIN_LATER,
    "notice": CloseReason.POLICY_VIOLATION,
    "journal": CloseReason.TRY_AGAIN_LATER,
    "unknown-officer": CloseReason.POLICY_VIOLATION,
    "fault": CloseReason.INTERNAL_ERROR,
}
SUBPROTOCOL: Final = "sec-websocket-protocol"


class Sockets:
    """The sockets of one gate."""

    def __init__(
        self,
        judge: Judge,
        guard: Guard,
        admission: Admission,
        holder: Holder,
        counts: Counter[str],
        gate_url: str,
    ) -> None:
        self._judge = judge
        self._guard = guard
        self._admission = admission
        self._holder = holder
        self._counts = counts
        self._gate_url = gate_url
        self._journal_away = False

    async def judged(self, passage: Passage, message: SocketMessage) -> None:
        """Say what becomes of a message. It passes only once what was decided on it is durable."""
        self._counts["websocket-message"] += 1
        flow = message.flow
        if passage.opened is None:
            passage.opened = read_request(flow, passage.host, body=b"")
        chosen = flow.response.headers.get(SUBPROTOCOL) if flow.response else None
        request = message_on(passage.opened, message.content, chosen)
        if self._is_part(message, request, passage.host):
            message.waits = True
            return
        refused: Decision | None = None
        reason: str | None
        try:
            reason, refused = await self._decided(passage, message, request)
        except RecordError as error:
            self._counts["journal-unavailable"] += 1
            if not self._journal_away:
                log.error("journal-unavailable", error=str(error), until_it_is_back="no post goes out")
            self._journal_away = True
            reason = "journal"
        except Exception as error:
            self._guard.caught("socket_message", error, host=passage.host)
            reason = "fault" if self._guard.refuses(SOCKET, listed=True) else None
        if reason is None:
            message.passes = True
        else:
            self._counts["websocket-refused"] += 1
            self._turn_away(message, request, reason, refused)

    def _is_part(self, message: SocketMessage, request: Request, host: str) -> bool:
        try:
            return message.content is not None and is_unfinished(request, self._holder.world.platforms)
        except Exception as error:
            self._guard.caught("socket_message", error, host=host)
            return False  # judged as it is, then

    async def _decided(
        self, passage: Passage, message: SocketMessage, request: Request
    ) -> tuple[str | None, Decision | None]:
        """Why a message is turned away, `None` where it is not, and the decision that does it."""
        if message.flow.metadata.pop(SHORT_OF_MEMORY, False):
            self._counts["short-of-memory"] += 1
            return "busy", None
        actor = self._admission.now(passage.actor, message.flow.client_conn)
        if actor is None:
            self._counts["unknown-officer"] += 1
            return "unknown-officer", None
        if message.content is None:
            verdict = await self._judge.message_too_large(request, actor, message.size)
            return ("notice" if verdict.untold else "too-large"), verdict.refused
        verdict = await self._judge.whole(request, actor)
        if verdict.untold:
            return "notice", None
        if self._journal_away and verdict.forwarded:
            log.info("journal-back")
            self._journal_away = False
        return (neutral(verdict.refused), verdict.refused) if verdict.refused is not None else (None, None)

    def _turn_away(self, message: SocketMessage, request: Request, reason: str, refused: Decision | None) -> None:
        language = preferred(request.header("Accept-Language"))
        message.close = CODES[reason], closed_with(reason, language, self._gate_url, refused)
        try:
            refusal = socket_refusal(request, self._holder.world.platforms) if message.content is not None else None
            if refusal is not None:
                message.answer = instead(refusal, reason, language, self._gate_url, refused)
            elif message.content is not None:
                message.answer = acknowledgement(request, self._holder.world.platforms)
        except Exception as error:
            self._guard.caught("socket_message", error)
