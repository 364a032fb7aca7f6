"""Which connections are opened, and the TLS with which they are.

Only listed hosts are decrypted, and of those neither the content networks nor anything that carries no act. A host is
known by the name in the ClientHello (SNI), and where there is none by the name that the proxy was asked for.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any
from weakref import WeakSet

import structlog
from cryptography import x509
from mitmproxy import ctx, http, tls
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.tlsconfig import AppData, TlsConfig, alpn_select_callback
from mitmproxy.certs import Cert
from mitmproxy.connection import Client
from mitmproxy.net import tls as net_tls
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import TCPLayer, modes
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.tls import ClientTLSLayer, TLSLayer, TlsStartClientHook
from OpenSSL import SSL

from gerbang.gate.authority import Authority
from gerbang.gate.bounds import LINGER, Limits, Valves
from gerbang.gate.stream import GateHttpLayer, make_ours
from gerbang.gate.targets import literal
from gerbang.proxy_certificate import ProxyCertificate

log = structlog.get_logger()

HOSTS_REMEMBERED = 1000
# The longest ClientHello that is waited for, in bytes. With keys that withstand quantum computers one has about 2,000;
# stock mitmproxy waits for the 16 MiB that its length field can say, and reads all of it anew with each piece.
HELLO_LIMIT = 64 << 10

# A fatal alert (RFC 8446, 6): `unrecognized_name`, for a name that is not served here. Chromium 148 to 150 opens a
# connection anew, with other protocols, after `handshake_failure`, `access_denied` and a bare close, and tells people
# of an "unsupported protocol" or an "invalid response"; after this one it stops, names it
# (ERR_SSL_UNRECOGNIZED_NAME_ALERT), and so do curl and what is built on BoringSSL, as Android's own stack is.
# Seen 2026-11.
REFUSAL = bytes((0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70))


class Opening(Enum):
    """What becomes of a TLS connection."""

    OPEN = "open"
    TUNNEL = "tunnel"
    REFUSE = "refuse"


def opening(
    sni: str | None, asked: str | None, *, listed: Callable[[str], bool], covers: Callable[[str], bool]
) -> Opening:
    """What to do with a connection to `asked` whose ClientHello names `sni`.

    A name that is not listed on the way to a listed host hides where it goes: no leaf can be signed for it, and
    passing it on would leave acts unseen.
    """
    name = sni or asked
    if name is None or literal(name) is not None:
        return Opening.TUNNEL
    if listed(name):
        return Opening.OPEN if covers(name) else Opening.REFUSE
    return Opening.REFUSE if asked is not None and listed(asked) else Opening.TUNNEL


class GateTls(TlsConfig):
    """TLS with clients by our own authority, with platforms as mitmproxy does it."""

    name = "tlsconfig"

    def __init__(
        self, authority: Authority | None, own_host: str | None = None, own: ProxyCertificate | None = None
    ) -> None:
        """`own_host` is who the proxy itself is, `own` the certificate for that where it is not the authority's."""
        self._authority = authority
        self._context: SSL.Context | None = None
        self._own_host = own_host
        self._own = own
        self._own_context: SSL.Context | None = None
        # Hosts that were seen to speak HTTP/1.1 only. mitmproxy uses an HTTP/1.1 connection once for an HTTP/2 client.
        self._http1: OrderedDict[str, None] = OrderedDict()
        self._refused: WeakSet[Client] = WeakSet()

    def take(self, authority: Authority) -> None:
        """Connections from now on get leaves of this authority; those that are open stay as they are."""
        self._authority, self._context = authority, None

    def take_own(self, own: ProxyCertificate) -> None:
        """TLS to the proxy itself goes by this from the next connection on."""
        self._own, self._own_context = own, None

    def refuse(self, client: Client) -> None:
        """Have the handshake that a client has begun refused: there is no leaf for it."""
        self._refused.add(client)

    def configure(self, updated: Any) -> None:
        """There is no store of certificates to make: ours is the authority's."""

    def running(self) -> None:
        """Nothing of mitmproxy's own to set up."""

    def request(self, flow: http.HTTPFlow) -> None:
        """mitmproxy's own CA answers for its revocation list here; ours has none."""

    def tls_start_client(self, tls_start: tls.TlsData) -> None:
        """Give the connection the leaf for its host; without one it fails, which is what is wanted."""
        client = tls_start.context.client
        if client in self._refused:
            return
        asked = tls_start.context.server.address
        if asked is None and self._own is not None:
            connection = SSL.Connection(self._context_of_own(self._own))
            connection.use_certificate(self._own.certificate)
            connection.use_privatekey(self._own.key)
            host = None
        else:
            # Who names nobody and asks for nobody yet is told whom the proxy is.
            host = client.sni or (asked[0] if asked else self._own_host)
            authority = self._authority
            leaf = authority.leaf(host) if authority and host else None
            if authority is None or leaf is None:
                return
            connection = SSL.Connection(self._client_context(authority))
            connection.use_certificate(leaf.certificate)
            connection.use_privatekey(leaf.key)
        # TLS to the proxy itself gets HTTP/1.1: with HTTP/2 a tunnel and other people's requests could share it.
        http2 = ctx.options.http2 and asked is not None and host not in self._http1
        connection.set_app_data(AppData(client_alpn=client.alpn, server_alpn=None, http2=http2))
        connection.set_accept_state()
        tls_start.ssl_conn = connection

    def _client_context(self, authority: Authority) -> SSL.Context:
        if self._context is None:
            self._context = _context((authority.certificate,))
        return self._context

    def _context_of_own(self, own: ProxyCertificate) -> SSL.Context:
        if self._own_context is None:
            self._own_context = _context(own.chain)
        return self._own_context

    def tls_established_server(self, data: tls.TlsData) -> None:
        """Learn which hosts speak HTTP/1.1 only, so that clients are offered just that from the next connection on."""
        server = data.conn
        if server.sni is None or b"h2" not in server.alpn_offers:
            return
        if server.alpn == b"h2":
            self._http1.pop(server.sni, None)
        else:
            self._http1[server.sni] = None
            if len(self._http1) > HOSTS_REMEMBERED:
                self._http1.popitem(last=False)


def _context(chain: Iterable[x509.Certificate]) -> SSL.Context:
    """For TLS with clients, who are shown these intermediates too."""
    return net_tls.create_client_proxy_context(
        method=net_tls.Method.TLS_SERVER_METHOD,
        min_version=net_tls.Version.TLS1_2,
        max_version=net_tls.Version.UNBOUNDED,
        cipher_list=None,
        ecdh_curve=None,
        chain_file=None,
        alpn_select_callback=alpn_select_callback,
        request_client_cert=False,
        extra_chain_certs=tuple(Cert(certificate) for certificate in chain),
        dhparams=None,
    )


class GateClientTls(ClientTLSLayer):
    """TLS with a client, to whom a refusal is said: stock mitmproxy closes without a word where there is no leaf."""

    refused = False
    _lingering: commands.RequestWakeup | None = None

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        if not self.client_hello_parsed and len(self.recv_buffer) + len(data) > HELLO_LIMIT:
            yield from self._refuse()
            return False, "the ClientHello is too long"
        return (yield from super().receive_handshake_data(data))

    def start_tls(self) -> layer.CommandGenerator[None]:
        started = tls.TlsData(self.conn, self.context)
        yield TlsStartClientHook(started)
        if started.ssl_conn is None:
            yield from self._refuse()
        else:
            self.tls = started.ssl_conn

    def _refuse(self) -> layer.CommandGenerator[None]:
        self.refused = True
        yield commands.SendData(self.conn, REFUSAL)
        # Closing over unread bytes, such as a client's early data, resets the connection, and the alert may be lost.
        yield commands.CloseTcpConnection(self.conn, half_close=True)
        self._lingering = commands.RequestWakeup(LINGER)
        yield self._lingering

    def on_handshake_error(self, err: str) -> layer.CommandGenerator[None]:
        # What we refused has not failed, and is closed once the client has had time to hear of it.
        if not self.refused:
            # Past the stock layer, which turns the reason into advice for those who run mitmproxy.
            yield from TLSLayer.on_handshake_error(self, err)
        self.event_to_child = self.errored  # type: ignore[method-assign]

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not self.refused:
            yield from super()._handle_event(event)
        elif isinstance(event, events.ConnectionClosed) or (
            isinstance(event, events.Wakeup) and event.command is self._lingering
        ):
            yield commands.CloseConnection(self.conn)


class GateLayers(NextLayer):
    """Which protocol comes next, with our HTTP in the place of mitmproxy's and nothing kept of what passes."""

    name = "nextlayer"

    def __init__(self, limits: Limits, valves: Valves, listed: Callable[[str], bool]) -> None:
        self._limits = limits
        self._valves = valves
        self._listed = listed

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        context = nextlayer.context
        explicit = len(context.layers) == 1 and isinstance(context.layers[0], modes.HttpProxy | modes.HttpUpstreamProxy)
        if not explicit and len(nextlayer.data_client()) < 3:  # type: ignore[no-untyped-call]
            # A client that sends its first byte alone must not pass for something that is neither TLS nor HTTP.
            return
        super().next_layer(nextlayer)
        chosen = nextlayer.layer
        if isinstance(chosen, TCPLayer):
            if self._must_be_http(context):
                context.layers.remove(chosen)
                ours = GateHttpLayer(context, HTTPMode.transparent)
                ours.take_over(self._limits, self._valves)
                nextlayer.layer = ours
            else:
                chosen.flow = None
        for each in context.layers:
            if type(each) is ClientTLSLayer:
                each.__class__ = GateClientTls
        make_ours(context, self._limits, self._valves)

    def _must_be_http(self, context: Context) -> bool:
        """Port 80 and listed hosts carry HTTP or nothing: what blinds us need not blind a server."""
        address, client = context.server.address, context.client
        names = [name for name in (client.sni, address[0] if address else None) if name]
        return (address is not None and address[1] == 80) or any(self._listed(name) for name in names)
