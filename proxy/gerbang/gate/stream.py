"""Requests answered before their body is read, bodies kept within bounds: all that touches mitmproxy's internals.

Stock mitmproxy reads a whole body before it sends an answer that was set on the headers, has one size limit for
everything, and goes on reading from a client while a hook waits. Here `HttpLayer` and `HttpStream` are subclassed,
put in place by the `next_layer` hook at the outside, inside TLS and for HTTP/2 alike. What is relied upon was read in
mitmproxy 12.2.3; the contract tests in `tests/gate/test_stream.py` fail where another version differs.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h2.errors
import h11
from mitmproxy import http
from mitmproxy.connection import Address, Connection, Server
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers.http import DropStream, HttpLayer, HttpStream, SendHttp, is_h3_alpn
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook, HttpResponseHeadersHook
from mitmproxy.proxy.layers.http._http1 import Http1Server, make_error_response
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Server

from gerbang.gate.bounds import HOLD, IDLE, LINGER, SENDER, SHORT_OF_MEMORY, Limits, Valves
from gerbang.gate.socket_layer import GateSocketLayer, SocketOver

# How much of an unwanted body is read away so that the connection can be used again; beyond, it is closed or reset.
DRAIN = 256 << 10
# How much may wait for the other side's HTTP/2 window, and below which reading goes on.
BACKLOG, BACKLOG_LOW = 1 << 20, 256 << 10
# How often a full HTTP/2 window is looked at again, in seconds.
RECHECK = 0.02
# The longest head of an HTTP/1 request; stock mitmproxy has no bound.
HEAD_LIMIT = 256 << 10

# How often a body that is waited for is looked at, in seconds.
SWEEP = 5.0

# What a queued piece of a body takes beside its bytes: many tiny pieces must not slip under a bound.
PIECE = 128

BODY_LIMIT = "gerbang.body-limit"
"""Key in a flow's metadata for a smaller limit than the gate's, in bytes."""
UNTOUCHED = "gerbang.untouched"
"""Key in a flow's metadata, true where nothing of it is judged: what it becomes is relayed as it comes."""

SENT_ON = "gerbang.sent-on"
"""Key in a flow's metadata, true where the body goes on as it comes: what could be said of the request was said."""


@dataclass
class BodyTooLargeHook(commands.StartHook):  # type: ignore[no-untyped-call]  # mitmproxy's own metaclass hook
    """A body outgrew its limit or the budget. Where the addon sets no response, the body is streamed on."""

    flow: http.HTTPFlow


@dataclass
class BodyIdleHook(commands.StartHook):  # type: ignore[no-untyped-call]  # mitmproxy's own metaclass hook
    """Nothing more came of a body. The addon may set the response; else it is a bare 408."""

    flow: http.HTTPFlow


@dataclass
class BodyIdle(HttpEvent):
    """Nothing came of the body for `IDLE`."""


@dataclass
class StopSending(HttpEvent):
    """The answer is complete and the rest of the request is not wanted. `done` is set where that could be said."""

    done: bool = False


@dataclass
class StreamOver(events.Event):
    """What a body that is passed on was let go for is over: its client gets the response, and nobody the rest."""

    flow: http.HTTPFlow
    response: http.Response


class BodyBuffer:
    """What was read of a body, in one piece: stock mitmproxy keeps an object for each of its frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __iadd__(self, data: bytes) -> "BodyBuffer":
        self._data += data
        return self

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def clear(self) -> None:
        self._data = bytearray()


class WithoutTrailers:
    """A reader of bodies that drops what may stand behind the chunks, as a recipient may (RFC 9110, 6.5.1).

    mitmproxy gives up on a connection with trailers, and then nobody is answered.
    """

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def __call__(self, buffer: Any) -> Any:
        return self._plain(self.reader(buffer))

    def read_eof(self) -> Any:
        return self._plain(self.reader.read_eof())

    @staticmethod
    def _plain(event: Any) -> Any:
        return h11.EndOfMessage() if isinstance(event, h11.EndOfMessage) else event


class GateHttp1Server(Http1Server):
    """HTTP/1 towards the client, with a bound on the head and without trailers."""

    body_reader: Any

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(self.body_reader, WithoutTrailers):
            self.body_reader = WithoutTrailers(self.body_reader)
        yield from super().read_body(event)

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        yield from super().read_headers(event)
        if self.state == self.read_headers and len(self.buf) > HEAD_LIMIT:
            yield commands.SendData(self.conn, make_error_response(431, "The head of the request is too large."))
            yield commands.CloseConnection(self.conn)
            self.state = self.done


class GateHttp2Server(Http2Server):
    """HTTP/2 towards the client, which can tell it to stop sending (RFC 9113, 8.1: RST_STREAM with NO_ERROR)."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, StopSending):
            yield from super()._handle_event(event)
        # A reset would also drop what of the answer still waits for the client's window.
        elif not self.h2_conn.stream_buffers.get(event.stream_id):
            event.done = True
            if not self.is_closed(event.stream_id):
                self.h2_conn.reset_stream(event.stream_id, h2.errors.ErrorCodes.NO_ERROR)
                yield commands.SendData(self.conn, self.h2_conn.data_to_send())
            self.streams.pop(event.stream_id, None)


class GateStream(HttpStream):
    """One request and its response."""

    def __init__(
        self, context: Context, stream_id: int, limits: Limits, valves: Valves, reading: "set[GateStream]"
    ) -> None:
        super().__init__(context, stream_id)
        self.reading = reading
        self.heard = 0.0
        self.request_body_buf: BodyBuffer = BodyBuffer()  # type: ignore[assignment]
        self.limits = limits
        self.valves = valves
        self.charged = 0
        self.waiting = 0
        self.drained = 0
        self.lingers = False
        self.pressed: set[Connection] = set()
        self._hook, self._window, self._answered = ((id(self), why) for why in ("hook", "window", "answered"))

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._paused and isinstance(event, RequestData):
            self.waiting += len(event.data) + PIECE
            if self.waiting > HOLD:
                self.valves.hold(self.context.client, self._hook)
        yield from super().handle_event(event)
        if self in self.reading and not self._paused and self.client_state != self.state_consume_request_body:
            self.reading.discard(self)
            self._give_back()

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            yield from self._woken()
            return
        if isinstance(event, BodyIdle):
            yield from self._give_up()
            return
        if isinstance(event, StreamOver):
            yield from self._ended(event.response)
            return
        if self.waiting and isinstance(event, RequestData):
            self.waiting -= len(event.data) + PIECE
            if not self.waiting:
                self.valves.release(self.context.client, self._hook)
        if isinstance(event, RequestProtocolError):
            self._give_back()
        yield from super()._handle_event(event)

    # ------------------------------------------------------------ answers before the body

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        steps = super().state_wait_for_request_headers(event)
        reply = None
        while True:
            try:
                command = steps.send(reply)
            except StopIteration:
                break
            reply = yield command
            if isinstance(command, HttpRequestHeadersHook) and self.flow.response:
                # Nobody is to be asked to go on with a body that is not wanted.
                self.flow.request.headers.pop("expect", None)
        if self.flow.response and not event.end_stream and self.client_state == self.state_consume_request_body:
            yield from self._answer()
        elif not event.end_stream and self.client_state == self.state_consume_request_body:
            self.heard = time.monotonic()
            self.reading.add(self)

    def start_request_stream(self) -> layer.CommandGenerator[None]:
        self.flow.metadata[SENT_ON] = True
        yield from super().start_request_stream()

    def _give_up(self) -> layer.CommandGenerator[None]:
        yield BodyIdleHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        self.flow.response = self.flow.response or http.Response.make(408)
        yield from self._answer(close=True)

    def _answer(self, *, close: bool = False) -> layer.CommandGenerator[None]:
        """Send the response now and drop what still comes of the request; with `close` the connection too."""
        response = self.flow.response
        assert response is not None  # noqa: S101  # both callers looked
        self.client_state = self.state_answered
        self.request_body_buf.clear()
        self._give_back()
        self.flow.request.timestamp_end = response.timestamp_start = time.time()
        size = announced(self.flow.request)
        close = close or (size is not None and size > DRAIN)
        if not self._is_http2 and (close or size is None):
            response.headers["Connection"] = "close"
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self.send_response()
        if self.client_state != self.state_answered:
            return
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
        self.flow.live = False
        if close:
            yield from self._stop_reading()

    def _ended(self, response: http.Response) -> layer.CommandGenerator[None]:
        if self.client_state != self.state_stream_request_body:
            return
        why = "what it was let go for is over"
        yield SendHttp(RequestProtocolError(self.stream_id, why, ErrorCode.CANCEL), self.context.server)
        if self.flow.response is None:
            self.server_state = self.state_errored
            self.flow.response = response
            yield from self._answer(close=True)
        else:
            yield from self.handle_protocol_error(ResponseProtocolError(self.stream_id, why, ErrorCode.CANCEL))

    def state_answered(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestEndOfMessage):
            yield DropStream(self.stream_id)
        elif isinstance(event, RequestData):
            self.drained += len(event.data)
            if self.drained > DRAIN:
                yield from self._stop_reading()

    def _stop_reading(self) -> layer.CommandGenerator[None]:
        if self._is_http2:
            stop = StopSending(self.stream_id)
            yield SendHttp(stop, self.context.client)
            if stop.done:
                yield DropStream(self.stream_id)
        elif not self.lingers:
            # Closing over unread bytes resets the connection, and a client may then lose the answer: it gets time.
            self.lingers = True
            self.valves.hold(self.context.client, self._answered)
            yield commands.RequestWakeup(LINGER)

    @property
    def _is_http2(self) -> bool:
        return self.context.client.alpn == b"h2"

    # ------------------------------------------------------------ bounded bodies

    def state_consume_request_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        self.heard = time.monotonic()
        if isinstance(event, RequestData) and not self._room(len(event.data)):
            yield from self._overflow(event)
        else:
            yield from super().state_consume_request_body(event)

    def is_idle(self, now: float) -> bool:
        """Whether its sender lets it wait; not while it is we who read nothing, or who think."""
        valve = self.valves.of(self.context.client)
        if self._paused or (valve is not None and valve.held):
            self.heard = now
        return now - self.heard >= IDLE

    def _room(self, size: int) -> bool:
        if self.charged + size > self.flow.metadata.get(BODY_LIMIT, self.limits.body):
            return False
        if not self.limits.budget.take(size, self._sender):
            self.flow.metadata[SHORT_OF_MEMORY] = True
            return False
        self.charged += size
        return True

    @property
    def _sender(self) -> str:
        return str(self.flow.metadata.get(SENDER) or self.context.client.peername[0])

    def _give_back(self) -> None:
        if self.charged:
            self.limits.budget.give(self.charged, self._sender)
        self.charged = 0

    def _overflow(self, event: RequestData) -> layer.CommandGenerator[None]:
        yield BodyTooLargeHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        if self.flow.response:
            yield from self._answer()
            return
        body = bytes(self.request_body_buf) + event.data
        self.request_body_buf.clear()
        self._give_back()
        self.flow.request.stream = self.flow.request.stream or True
        yield from self.start_request_stream()
        if self.client_state == self.state_stream_request_body:
            yield from self.state_stream_request_body(RequestData(self.stream_id, body))

    # ------------------------------------------------------------ what a request may turn into

    def flow_done(self) -> layer.CommandGenerator[None]:
        if self.flow.response is None or self.flow.response.status_code != 101:
            yield from super().flow_done()
            return
        if self.flow.metadata.get(UNTOUCHED):
            # mitmproxy would keep what passes.
            self.child_layer = TCPLayer(self.context, ignore=True)
        elif self.flow.websocket is not None:
            self.child_layer = GateSocketLayer(self.context, self.flow, self.limits, self.valves)
        else:
            # Another protocol than ours to read would be a way past the gate.
            self.flow.live = False
            yield commands.CloseConnection(self.context.client)
            self.client_state = self.server_state = self.state_errored
            return
        self._handle_event = self.passthrough  # type: ignore[method-assign]  # as mitmproxy does it
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    # ------------------------------------------------------------ no more in flight than the other side takes

    def state_stream_request_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().state_stream_request_body(event)
        if isinstance(event, RequestData) and self._backlog(self.context.server) > BACKLOG:
            yield from self._press(self.context.client)

    def state_stream_response_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().state_stream_response_body(event)
        if isinstance(event, ResponseData) and self._backlog(self.context.client) > BACKLOG:
            yield from self._press(self.context.server)

    def _press(self, source: Connection) -> layer.CommandGenerator[None]:
        if source not in self.pressed:
            self.pressed.add(source)
            self.valves.hold(source, self._window)
            yield commands.RequestWakeup(RECHECK)

    def _woken(self) -> layer.CommandGenerator[None]:
        if self.lingers:
            self.valves.release(self.context.client, self._answered)
            yield commands.CloseConnection(self.context.client)
            return
        for source in tuple(self.pressed):
            sink = self.context.server if source is self.context.client else self.context.client
            if self._backlog(sink) > BACKLOG_LOW:
                yield commands.RequestWakeup(RECHECK)
            else:
                self.pressed.discard(source)
                self.valves.release(source, self._window)

    def _backlog(self, sink: Connection) -> int:
        """The bytes of this stream that wait for the other side's HTTP/2 window."""
        parent: Any = self.context.layers[self.context.layers.index(self) - 1]
        peer: Any = parent.connections.get(sink)
        while peer is not None and not isinstance(peer, Http2Server | Http2Client):
            peer = getattr(peer, "child_layer", None)
        if peer is None:
            return 0
        number: Any = self.stream_id
        if isinstance(peer, Http2Client):
            number = peer.our_stream_id.get(self.stream_id)
        waiting: Any = peer.h2_conn.stream_buffers.get(number, ())
        return sum(len(piece.data) for piece in waiting)


def announced(request: http.Request) -> int | None:
    """The length that the client announced for the body, in bytes; `None` where it did not, 0 where there is none.

    HTTP/2 ends a body by its frames and need not announce a length, so there its absence says nothing.
    """
    if request.is_http2 and "content-length" not in request.headers:
        return None
    size = expected_http_body_size(request)
    return None if size is None or size < 0 else size


class GateHttpLayer(HttpLayer):
    """HTTP on one client connection, whose streams are ours."""

    limits: Limits
    valves: Valves
    reading: set[GateStream]
    sweep: commands.RequestWakeup | None = None

    def take_over(self, limits: Limits, valves: Valves) -> None:
        self.limits, self.valves = limits, valves
        self.reading = set()

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup) and event.command is self.sweep:
            self.sweep = None
            now = time.monotonic()
            for stream in [each for each in self.reading if each.is_idle(now)]:
                yield from self.event_to_child(stream, BodyIdle(stream.stream_id))
        else:
            yield from self._handled(event)
        if self.reading and self.sweep is None:
            self.sweep = commands.RequestWakeup(SWEEP)
            yield self.sweep

    def _handled(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, SocketOver | StreamOver):
            ours = (each for each in self.streams.values() if getattr(each, "flow", None) is event.flow)
            # What is tunnelled through this layer has a layer of its own further in.
            tunnel: Any = getattr(self.connections.get(self.context.client), "stream_id", None)
            if (stream := next(ours, self.streams.get(tunnel))) is not None:
                yield from self.event_to_child(stream, event)
            return
        if isinstance(event, events.Start):
            client = self.context.client
            if is_h3_alpn(client.alpn):
                raise NotImplementedError("HTTP/3 is switched off")
            server = GateHttp2Server if client.alpn == b"h2" else GateHttp1Server
            self.connections[client] = server(self.context.fork())
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        stream = GateStream(self.context.fork(), stream_id, self.limits, self.valves, self.reading)
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())


def make_ours(context: Context, limits: Limits, valves: Valves) -> None:
    """Turn each stock HTTP layer that was just put on the stack, and has seen no event yet, into ours."""
    for each in context.layers:
        if type(each) is HttpLayer:
            if each.connections:
                raise RuntimeError("an HTTP layer of mitmproxy is already at work")
            ours: Any = each
            ours.__class__ = GateHttpLayer
            ours.take_over(limits, valves)


class PinnedAddress(tuple[str, int]):
    """A host and port, to mitmproxy, that a connection opens to an address of ours.

    mitmproxy finds a connection for the next request by comparing addresses, names the host by index, and unpacks the
    address in one place only: where it opens the connection. A plain address there would be resolved once more.
    """

    connects_to: Address

    def __iter__(self) -> Iterator[Any]:
        return iter(self.connects_to)


def pin(server: Server, address: Address) -> None:
    """Have a connection that is about to open go to this address, under its own name."""
    if server.address is None:
        raise ValueError("the connection leads nowhere")
    own = PinnedAddress((server.address[0], server.address[1]))
    own.connects_to = address
    server.address = own
