"""Which connections are opened, and the TLS with which they are.

Only listed hosts are decrypted, and of those neither the content networks nor anything that carries no act. A host is
known by the name in the ClientHello (SNI), and where there is none by the name that the proxy was asked for.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Any

import structlog
from mitmproxy import ctx, http, tls
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.tlsconfig import AppData, TlsConfig, alpn_select_callback
from mitmproxy.certs import Cert
from mitmproxy.net import tls as net_tls
from mitmproxy.proxy import layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import TCPLayer, modes
from mitmproxy.proxy.layers.http import HTTPMode
from OpenSSL import SSL

from gerbang.gate.authority import Authority
from gerbang.gate.stream import GateHttpLayer, Limits, Valves, make_ours
from gerbang.gate.targets import literal

log = structlog.get_logger()

HOSTS_REMEMBERED = 1000


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

    def __init__(self, authority: Authority | None) -> None:
        self._authority = authority
        self._context: SSL.Context | None = None
        # Hosts that were seen to speak HTTP/1.1 only. mitmproxy uses an HTTP/1.1 connection once for an HTTP/2 client.
        self._http1: OrderedDict[str, None] = OrderedDict()

    def configure(self, updated: Any) -> None:
        """There is no store of certificates to make: ours is the authority's."""

    def running(self) -> None:
        """Nothing of mitmproxy's own to set up."""

    def request(self, flow: http.HTTPFlow) -> None:
        """mitmproxy's own CA answers for its revocation list here; ours has none."""

    def tls_start_client(self, tls_start: tls.TlsData) -> None:
        """Give the connection the leaf for its host; without one it fails, which is what is wanted."""
        client = tls_start.conn
        asked = tls_start.context.server.address
        host = client.sni or (asked[0] if asked else None)
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
            self._context = net_tls.create_client_proxy_context(
                method=net_tls.Method.TLS_SERVER_METHOD,
                min_version=net_tls.Version.TLS1_2,
                max_version=net_tls.Version.UNBOUNDED,
                cipher_list=None,
                ecdh_curve=None,
                chain_file=None,
                alpn_select_callback=alpn_select_callback,
                request_client_cert=False,
                extra_chain_certs=(Cert(authority.certificate),),
                dhparams=None,
            )
        return self._context

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
        make_ours(context, self._limits, self._valves)

    def _must_be_http(self, context: Context) -> bool:
        """Port 80 and listed hosts carry HTTP or nothing: what blinds us need not blind a server."""
        address, client = context.server.address, context.client
        names = [name for name in (client.sni, address[0] if address else None) if name]
        return (address is not None and address[1] == 80) or any(self._listed(name) for name in names)
