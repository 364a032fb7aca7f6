"""WebSockets in the place of mitmproxy's: what a client says is read message by message, and waits for its decision.

What is relied upon was read in mitmproxy 12.2.3; `tests/gate/test_sockets.py` fails where another version differs.
"""

import time
from dataclasses import dataclass
from typing import cast

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.websocket import WebsocketEndHook, WebsocketStartHook
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from gerbang.gate.bounds import HOLD, IDLE, LINGER, SENDER, SHORT_OF_MEMORY, Limits, Valves
from gerbang.gate.frames import BoundedDeflate, FrameEnds, payload

# The longest message that a client may send on a WebSocket, in bytes, decompressed.
MESSAGE = 1 << 20
# In how many frames of its own a message goes on; one of more goes on as one.
FRAMES = 64
# In how many messages one packet of a protocol within may come; of more the socket is closed.
PIECES = 64
# How much may wait on a WebSocket for the end of what the platform is sending, in bytes.
TO_SAY = 64 << 10


@dataclass(slots=True)
class SocketMessage:
    """One message of a client's on a WebSocket; `content` is `None` where it grew over its limit, in `size` bytes.

    The addon says what becomes of it: it `passes`, it `waits` for the next, to which it belongs, or the client gets an
    `answer` in its place, which may be empty. Where it says none of these, the socket is closed with `close`: a code
    and a reason of at most 123 bytes.
    """

    flow: http.HTTPFlow
    content: bytes | None
    size: int
    passes: bool = False
    waits: bool = False
    answer: str | bytes | None = None
    close: tuple[int, str] = (CloseReason.INTERNAL_ERROR, "")


@dataclass
class SocketMessageHook(commands.StartHook):  # type: ignore[no-untyped-call]  # mitmproxy's own metaclass hook
    """A client has sent a message whole, or more than may be read of one."""

    message: SocketMessage


@dataclass
class SocketOver(events.Event):
    """What a socket was let go for is over: it is closed with a code and a reason of at most 123 bytes."""

    flow: http.HTTPFlow
    close: tuple[int, str]


class GateSocketLayer(layer.Layer):
    """A WebSocket: each message of the client's waits for its decision, what the platform sends passes as it comes.

    Stock mitmproxy decodes both sides, has no limit, keeps every message, and lets what comes meanwhile gather without
    one. Here only the client's side is read, and while a message waits its socket is left unread.
    """

    def __init__(self, context: Context, flow: http.HTTPFlow, limits: Limits, valves: Valves) -> None:
        super().__init__(context)
        self.flow, self.limits, self.valves = flow, limits, valves
        self.limit = min(MESSAGE, limits.body)
        response = flow.response
        agreed = response.headers.get("sec-websocket-extensions", "") if response else ""
        deflate = [BoundedDeflate(agreed, self.limit)] if PerMessageDeflate.name in agreed else []
        self.said: FrameProtocol | None = FrameProtocol(client=False, extensions=[*deflate])
        # To the platform messages go uncompressed, which needs no agreement; what is dropped leaves no trace there.
        self.up, self.down = FrameProtocol(client=True, extensions=[]), FrameProtocol(client=False, extensions=[])
        self.ends = FrameEnds()
        self.message = bytearray()
        self.frames: list[int] = []
        self.pieces = 0
        self.heard = 0.0
        self.patience: commands.RequestWakeup | None = None
        self.to_say: list[bytes] = []
        self.goodbye = b""
        self.closing: commands.RequestWakeup | None = None
        self.parted = self.over = False
        self.waiting = 0
        self._key = (id(self), "socket")

    def __repr__(self) -> str:
        return "GateSocketLayer()"

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._paused and isinstance(event, events.DataReceived):
            if event.connection is self.context.server:
                # What the platform sends waits for nothing.
                yield from self._from_platform(event.data)
                return
            self.waiting += len(event.data)
            if self.waiting > HOLD:
                self.valves.hold(self.context.client, self._key)
        yield from super().handle_event(event)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            yield WebsocketStartHook(self.flow)
        elif self.over:
            return
        elif isinstance(event, events.DataReceived):
            if event.connection is self.context.server:
                yield from self._from_platform(event.data)
            else:
                yield from self._from_client(event.data)
        elif isinstance(event, events.ConnectionClosed):
            if event.connection is self.context.client or not self.parted:
                yield from self._end()
        elif isinstance(event, events.Wakeup):
            yield from self._woken(event.command)
        elif isinstance(event, SocketOver):
            self.said = None
            self._forget()
            yield from self._close(*event.close)

    # ------------------------------------------------------------ from the client

    def _from_client(self, data: bytes) -> layer.CommandGenerator[None]:
        if self.waiting:
            self.waiting = max(0, self.waiting - len(data))
            if not self.waiting:
                self.valves.release(self.context.client, self._key)
        if self.said is None:
            return  # it makes no sense any more, and its socket is about to close
        self.heard = time.monotonic()
        self.said.receive_bytes(data)
        try:
            for frame in self.said.received_frames():
                yield from self._frame(frame)
                if self.over:
                    return
        except ParseFailed as failed:
            self.said = None
            if failed.code is CloseReason.MESSAGE_TOO_BIG:
                yield from self._too_large()
            else:
                yield from self._close(failed.code, "")
            return
        if self.message and self.patience is None:
            self.patience = commands.RequestWakeup(IDLE)
            yield self.patience

    def _frame(self, frame: Frame) -> layer.CommandGenerator[None]:
        if frame.opcode is Opcode.CLOSE:
            # wsproto has the two here, and no text.
            code, reason = cast(tuple[int, str], frame.payload)
            yield from self._closed_by_client(code, reason)
        elif self.closing is not None:
            return
        elif frame.opcode is Opcode.PING:
            yield commands.SendData(self.context.server, bytes(self.up.ping(payload(frame))))
        elif frame.opcode is Opcode.PONG:
            yield commands.SendData(self.context.server, bytes(self.up.pong(payload(frame))))
        else:
            yield from self._piece(frame)

    def _piece(self, frame: Frame) -> layer.CommandGenerator[None]:
        data = payload(frame)
        if len(self.message) + len(data) > self.limit:
            yield from self._too_large()
            return
        if not self.limits.budget.take(len(data), self._sender):
            self.flow.metadata[SHORT_OF_MEMORY] = True
            yield from self._refused(SocketMessage(self.flow, None, len(self.message) + len(data)))
            return
        self.message += data
        if frame.frame_finished and len(self.frames) < FRAMES:
            self.frames.append(len(self.message))
        if frame.message_finished:
            yield from self._whole(text=frame.opcode is Opcode.TEXT)

    @property
    def _sender(self) -> str:
        return str(self.flow.metadata.get(SENDER) or self.context.client.peername[0])

    def _forget(self) -> None:
        if self.message:
            self.limits.budget.give(len(self.message), self._sender)
        self.message = bytearray()
        self.frames = []
        self.pieces = 0

    def _whole(self, *, text: bool) -> layer.CommandGenerator[None]:
        content, ends = bytes(self.message), self.frames
        message = SocketMessage(self.flow, content, len(content))
        yield from self._asked(message)
        if message.waits:
            self.pieces += 1
            if self.pieces >= PIECES:
                yield from self._too_large()
            return
        if message.passes and not self.over and self.closing is None:
            at, opcode = 0, Opcode.TEXT if text else Opcode.BINARY
            for end in ends[:-1] if len(ends) < FRAMES else ():
                yield self._sent(opcode, content[at:end], last=False)
                at, opcode = end, Opcode.CONTINUATION
            yield self._sent(opcode, content[at:], last=True)
        self._forget()
        if not message.passes:
            yield from self._turned_away(message)

    def _sent(self, opcode: Opcode, data: bytes, *, last: bool) -> commands.SendData:
        return commands.SendData(self.context.server, bytes(self.up._serialize_frame(opcode, data, last)))

    def _too_large(self) -> layer.CommandGenerator[None]:
        yield from self._refused(
            SocketMessage(self.flow, None, len(self.message), close=(CloseReason.MESSAGE_TOO_BIG, ""))
        )

    def _refused(self, message: SocketMessage) -> layer.CommandGenerator[None]:
        """What was not read whole cannot pass: whatever is said of it, the socket closes."""
        self.said = None
        yield from self._asked(message)
        self._forget()
        yield from self._close(*message.close)

    def _asked(self, message: SocketMessage) -> layer.CommandGenerator[None]:
        yield SocketMessageHook(message)
        if self.flow.error is not None:  # killed by another addon
            message.passes, message.waits, message.answer = False, False, None

    def _turned_away(self, message: SocketMessage) -> layer.CommandGenerator[None]:
        if message.answer is None:
            yield from self._close(*message.close)
        elif message.answer:
            yield from self._say(bytes(self.down.send_data(message.answer)))

    # ------------------------------------------------------------ to the client

    def _from_platform(self, data: bytes) -> layer.CommandGenerator[None]:
        if self.over or self.parted:
            return
        frame, message = self.ends.feed(data)
        place = message or frame
        said = self._ready() if message and not self.ends.closed else b""
        if place and self.goodbye:
            yield commands.SendData(self.context.client, data[:place] + said)
            yield from self._part()
        else:
            yield commands.SendData(self.context.client, data[:place] + said + data[place:])

    def _say(self, said: bytes) -> layer.CommandGenerator[None]:
        """Say something of our own between two messages of the platform's."""
        self.to_say.append(said)
        if self.ends.between_messages and not self.ends.closed:
            yield commands.SendData(self.context.client, self._ready())
        elif sum(map(len, self.to_say)) > TO_SAY:
            yield from self._close(CloseReason.TRY_AGAIN_LATER, "")

    def _ready(self) -> bytes:
        said, self.to_say = b"".join(self.to_say), []
        return said

    # ------------------------------------------------------------ the end

    def _close(self, code: int, reason: str) -> layer.CommandGenerator[None]:
        """Take leave of the client with a code and a reason, in `LINGER` at the latest, and of the platform."""
        if self.closing is not None or self.over:
            return
        self._noted(code, reason, by_client=False)
        self.goodbye = bytes(self.down.close(code, reason))
        self.closing = commands.RequestWakeup(LINGER)
        yield self.closing
        if self.ends.between_frames:
            yield from self._part()

    def _part(self) -> layer.CommandGenerator[None]:
        self.parted = True
        if not self.ends.closed:
            yield commands.SendData(self.context.client, self.goodbye)
        yield commands.SendData(self.context.server, bytes(self.up.close(CloseReason.GOING_AWAY)))
        yield commands.CloseConnection(self.context.server)

    def _closed_by_client(self, code: int, reason: str) -> layer.CommandGenerator[None]:
        if self.closing is None:
            self._noted(code, reason, by_client=True)
            yield commands.SendData(self.context.server, bytes(self.up.close(code, reason)))
            if self.ends.between_frames and not self.ends.closed:
                yield commands.SendData(self.context.client, bytes(self.down.close(code, reason)))
        yield from self._end()

    def _end(self) -> layer.CommandGenerator[None]:
        self.over = True
        self._forget()
        self.valves.release(self.context.client, self._key)
        yield commands.CloseConnection(self.context.server)
        yield commands.CloseConnection(self.context.client)
        yield WebsocketEndHook(self.flow)
        self.flow.live = False

    def _noted(self, code: int, reason: str, *, by_client: bool) -> None:
        if (socket := self.flow.websocket) is not None and socket.close_code is None:
            socket.timestamp_end = time.time()
            socket.close_code, socket.close_reason, socket.closed_by_client = code, reason, by_client

    def _woken(self, why: commands.Command) -> layer.CommandGenerator[None]:
        if why is self.closing:
            yield from self._end()
        elif why is self.patience:
            self.patience = None
            if self.message and time.monotonic() - self.heard >= IDLE:
                self.said = None
                self._forget()
                yield from self._close(CloseReason.TRY_AGAIN_LATER, "")
            elif self.message:
                self.patience = commands.RequestWakeup(IDLE)
                yield self.patience
