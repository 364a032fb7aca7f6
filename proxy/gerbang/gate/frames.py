"""What wsproto lacks for a judged WebSocket: a bound on decompression, and where frames end that nobody reads."""

import zlib

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, FrameProtocol, Opcode, RsvBits


class BoundedDeflate(PerMessageDeflate):
    """The decompression of a client's messages (RFC 7692), each to `limit` bytes at most."""

    def __init__(self, negotiated: str, limit: int) -> None:
        super().__init__(client_no_context_takeover="client_no_context_takeover" in negotiated)
        # The largest window reads what any other has written, also that of 8 bits, which wsproto does not know.
        self._enabled = True
        self._limit = limit
        self._grown = 0

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        if not opcode.iscontrol():
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)
        # wsproto takes the end of a control frame for the end of the compressed message within which it stands.
        self._inbound_is_compressible = False
        return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else RsvBits(True, False, False)

    def frame_inbound_payload_data(self, _: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        if not self._inbound_compressed or not self._inbound_is_compressible or self._decompressor is None:
            return data
        try:
            grown = self._decompressor.decompress(data, self._limit + 1 - self._grown)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        if self._decompressor.eof:
            # A last block (BFINAL), which no browser sends in a message: all that follows it would be kept, and unread.
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._grown += len(grown)
        return CloseReason.MESSAGE_TOO_BIG if self._grown > self._limit else grown

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        if not self._inbound_is_compressible:
            return None
        rest = super().frame_inbound_complete(proto, fin)
        if fin:
            self._grown = 0
        return rest


class FrameEnds:
    """Where frames end, and messages, in what passes of a WebSocket unread (RFC 6455, 5.2)."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self._within = False
        self.between_frames = True
        self.closed = False

    @property
    def between_messages(self) -> bool:
        return self.between_frames and not self._within

    def feed(self, data: bytes) -> tuple[int, int]:
        """After how many of these bytes the last frame that ends here ends, and the last message; 0 for none."""
        frame = message = at = 0
        while at < len(data):
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
            else:
                self._head.append(data[at])
                at += 1
                if not self._begins():
                    continue
            if not self._left:
                self.between_frames = True
                frame = at
                if not self._within:
                    message = at
        return frame, message

    def _begins(self) -> bool:
        """Whether the head of a frame is whole now."""
        head = self._head
        self.between_frames = False
        if len(head) < 2:
            return False
        short = head[1] & 0x7F
        more = {126: 2, 127: 8}.get(short, 0)
        masked = 4 if head[1] & 0x80 else 0
        if len(head) < 2 + more + masked:
            return False
        self._left = int.from_bytes(head[2 : 2 + more]) if more else short
        opcode = head[0] & 0x0F
        if opcode < Opcode.CLOSE:
            self._within = not head[0] & 0x80
        self.closed = self.closed or opcode == Opcode.CLOSE
        self._head.clear()
        return True


def payload(frame: Frame) -> bytes:
    if isinstance(frame.payload, str):
        return frame.payload.encode()
    return b"" if isinstance(frame.payload, tuple) else frame.payload
