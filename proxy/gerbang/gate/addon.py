"""The gate as a mitmproxy addon: translates, asks the core, has it written down, answers; it holds no opinion."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any
from weakref import WeakKeyDictionary, WeakSet
from zoneinfo import ZoneInfo

import structlog
from mitmproxy import http, tls
from mitmproxy.connection import Address, Client, Server
from mitmproxy.proxy.mode_specs import RegularMode, ReverseMode, TransparentMode, UpstreamMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from gerbang import approving
from gerbang.answers.reasons import RuleWords, wording
from gerbang.answers.reply import fault
from gerbang.answers.words import Language
from gerbang.approving import Asked, Queue
from gerbang.errors import FeedError, RecordError
from gerbang.feeds import Feed, Follower
from gerbang.gate import notices, renewal
from gerbang.gate.admission import Admission, speaks_proxy
from gerbang.gate.asking import RequestBook
from gerbang.gate.authority import Authority
from gerbang.gate.bounds import SENDER, SHORT_OF_MEMORY, Budget, Limits, Valves
from gerbang.gate.clock import Clock, wall_clock
from gerbang.gate.decisions import DecisionBook, owner_of
from gerbang.gate.distrust import DistrustBook
from gerbang.gate.following import follow
from gerbang.gate.guard import Guard
from gerbang.gate.identity.zones import neighbourhood
from gerbang.gate.interception import GateLayers, GateTls, Opening, opening
from gerbang.gate.judging import Holder, Judge, Ledger, Verdict
from gerbang.gate.notices import NoticeBook
from gerbang.gate.own_host import BODY_LIMIT as OWN_BODY_LIMIT
from gerbang.gate.own_host import OwnHostState, own_host
from gerbang.gate.parts import PartsBook
from gerbang.gate.passage import PASSAGE, Passage, Tee, named_host, passage_of, read_request, write_response
from gerbang.gate.passing import CONTENT_ROLE, Passing
from gerbang.gate.pinned import Pins
from gerbang.gate.plain import plain
from gerbang.gate.releases import ReleaseBook
from gerbang.gate.socket_layer import SocketMessage
from gerbang.gate.sockets import Sockets
from gerbang.gate.stream import BODY_LIMIT, SENT_ON, UNTOUCHED, announced, pin
from gerbang.gate.targets import Targets, Unwanted, plain_host
from gerbang.loading import load_notice
from gerbang.model import DEFAULT_PORTS, SOCKET, Actor, Device, Gap, Kind, Reply, Request, Zone
from gerbang.pipeline import World
from gerbang.proxy_certificate import ProxyCertificate
from gerbang.recognition.signature import INERT_ROLES
from gerbang.record.event import Event, RecordKeys
from gerbang.settings import Settings

log = structlog.get_logger()

# HTTP/2's preface, and what stands for a message on a socket.
NOT_METHODS = frozenset({"PRI", SOCKET})
DEFLATE = "permessage-deflate"
SUMMARY = 600.0  # seconds between looks at what was counted
WRITTEN_WITHIN = 10.0  # seconds that a request to an approver waits for the disk
# Bodies that are announced no larger are read and judged once: they are here before the headers could be judged alone.
READ_AT_ONCE = 64 << 10  # bytes


class Gate:
    """One gate's hooks. `closed` says why nothing is decrypted, where nothing is."""

    name = "gate"

    def __init__(
        self,
        settings: Settings,
        holder: Holder,
        ledger: Ledger,
        keys: RecordKeys,
        authority: Authority | None,
        clock: Clock = wall_clock,
        own: ProxyCertificate | None = None,
    ) -> None:
        """`own` is the certificate of the proxy itself, where it is not the authority's."""
        self.settings = settings
        self.releases = ReleaseBook()
        self.decisions = DecisionBook()
        self.parts = PartsBook()
        required = settings.interception.notice_first == "require"
        self.notices = NoticeBook(load_notice(settings), keys, required=required)
        self.requests = RequestBook(self.releases, self.decisions, clock)
        self.judge = Judge(
            holder, ledger, keys, clock, settings.gate_url, self.decisions, self.releases, self.parts, self.notices
        )
        self.guard = Guard(settings.gate.on_fault)
        self.counts: Counter[str] = Counter()
        self.admission = Admission(settings, holder, self.counts, self.guard)
        self.sockets = Sockets(self.judge, self.guard, self.admission, holder, self.counts, settings.gate_url)
        self.passing = Passing(
            self.judge,
            self.admission,
            holder,
            self.guard,
            self.counts,
            clock,
            settings.gate_url,
            lambda actor, host: self._unopened(actor.zone, host),
        )
        self.distrust = DistrustBook()
        self.pins = Pins(settings.zones)
        self.valves = Valves()
        budget = Budget(settings.gate.memory_budget)
        self.limits = Limits(min(settings.gate.body_limit, budget.share), budget)
        self.closed = closed_because(settings, authority)
        self.tls = GateTls(authority, settings.gate.host, own)
        self.layers = GateLayers(self.limits, self.valves, self.is_listed)
        self._holder = holder
        self._keys = keys
        self._clock = clock
        self._authority = authority
        self._host = settings.gate.host
        self._targets = Targets(settings.gate.allow_targets, settings.gate.upstream.hosts, _resolve)
        self._pins: WeakKeyDictionary[Client, dict[Address, Address]] = WeakKeyDictionary()
        self._under_way: WeakSet[http.HTTPFlow] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()
        self._journal_away = False
        self._counted: dict[str, Any] = {"counts": {}, "faults": {}, "unwritten": {}}
        self._connections: Any = {}
        self._state = OwnHostState(
            host=self._host,
            decisions=self.decisions,
            releases=self.releases,
            append=self.judge.append,
            record_keys=keys,
            wording=self._wording,
            now=clock,
            key=holder.world.key,
            notices=self.notices,
            requests=self.requests,
            ask=self._ask,
            acknowledged=self._remember_acknowledged,
            answer_within=settings.requests.answer_within,
            grant_for=settings.requests.grant_for,
            zone=next((ZoneInfo(office.timezone) for office in holder.world.offices.values()), None),
        )
        feeds = settings.feeds_folder
        self._queue = Queue(feeds)
        self._acknowledged = Feed(feeds, notices.FEED)
        self._followed = (
            (Follower(feeds, approving.FEED), self.requests.take),
            (Follower(feeds, notices.FEED), lambda news: self.notices.take(news.records, afresh=news.afresh)),
        )

    # ------------------------------------------------------------ life

    def attach(self, connections: Any) -> None:
        """Take mitmproxy's table of client connections (`Proxyserver.connections`), to hold who sends too fast."""
        self._connections = connections
        self.passing.attach(connections)

    def running(self) -> None:
        for zone, entry in self.pins.expired(self._clock(), self.world.offices):
            log.warning("pinned-expired", zone=zone, host=entry.host, until=str(entry.until), now="refused again")
        for zone, entry in self.pins.unknown(self.world.platforms.hosts()):
            log.warning("pinned-without-effect", zone=zone, host=entry.host, because="no platform lists it")
        self._keep(self.admission.keep_fresh())
        if self.admission.sessions is not None:
            self._keep(self.admission.follow_sessions())
        for follower, take in self._followed:
            self._keep(follow(follower.news, take))
        if self._authority is not None:
            self._keep(renewal.follow_authority(self.settings.authority_folder, self._take_authority))
        certificate, key = self.settings.gate.tls_certificate, self.settings.gate.tls_key
        if certificate is not None and key is not None:
            self._keep(renewal.follow_proxy_certificate(certificate, key, self.tls.take_own))
        self._keep(self._sum_up())
        self._keep(self.passing.watch())

    # ------------------------------------------------------------ what other processes say

    def read_feeds(self) -> None:
        """Take up what the feeds say by now, for a start: it does I/O."""
        with suppress(FeedError):  # what is past stays a little longer
            self._acknowledged.compact(lambda record: self.notices.stands(record, self._clock()))
        for follower, take in self._followed:
            try:
                take(follower.news())
            except FeedError as error:
                log.error("feed-out-of-reach", error=str(error))

    async def _ask(self, asked: Asked, event: Event) -> Asked:
        """Into the approvers' queue, behind the journal; the lock on it is waited for off the loop."""

        def written() -> None:
            self.judge.write(event).result(WRITTEN_WITHIN)

        return await asyncio.to_thread(self._queue.ask, asked, written)

    async def _remember_acknowledged(self, record: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._acknowledged.append, [record])

    def _take_authority(self, authority: Authority) -> None:
        self._authority = authority
        self.tls.take(authority)

    def done(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        self.admission.close()
        self.judge.tell_unclaimed()
        self.judge.close()
        self._say_counts()

    @property
    def refused(self) -> str | None:
        """Why changed documents are not in force, `None` where they are."""
        return self._holder.refused

    @property
    def busy(self) -> bool:
        """Whether a request is under way that was not answered yet."""
        return any(flow.live and flow.response is None and flow.error is None for flow in self._under_way)

    @property
    def world(self) -> World:
        return self._holder.world

    def certified_until(self) -> dict[tuple[str, ...], float]:
        """When the CA's certificates end, in seconds since 1970, by what they are; nothing where there is no CA."""
        if self._authority is None:
            return {}
        ends = {"intermediate": self._authority.certificate, "root": self._authority.root}
        return {(name,): one.not_valid_after_utc.timestamp() for name, one in ends.items() if one is not None}

    def _wording(self, rule: str, law: str | None, language: Language) -> RuleWords | None:
        return wording(self.world.policy.rules)(rule, law, language)

    async def _sum_up(self) -> None:
        while True:
            await asyncio.sleep(SUMMARY)
            self._say_counts()
            self.judge.tell_unclaimed()

    def _say_counts(self) -> None:
        """What this process has counted since it began, where that has changed: numbers, and nobody's names."""
        counted: dict[str, Any] = {
            "counts": dict(self.counts),
            "faults": dict(self.guard.faults),
            "unwritten": {kind.value: count for kind, count in self.judge.unwritten.items()},
        }
        if self.distrust.counts:
            counted["apps"] = [{**asdict(kind), "count": count} for kind, count in self.distrust.counts.most_common()]
        if counted != self._counted:
            self._counted = counted
            log.info("counted", **counted)

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ connections

    def client_connected(self, client: Client) -> None:
        if refused := self.admission.arrived(client):
            client.error = refused
        elif handler := self._connections.get(client.id):
            self.valves.fit(handler, client)

    def client_disconnected(self, client: Client) -> None:
        self.passing.left(client)
        self.admission.left(client)
        if self.distrust.left(client):
            self.counts["tls-refused-by-client"] += 1

    async def server_connect(self, data: ServerConnectionHookData) -> None:
        server, client = data.server, data.client
        if not self.admission.may_open(client):
            # What is neither TLS nor HTTP asks nobody on its way here.
            self.counts["unknown-officer"] += 1
            server.error = "nobody is known"
            return
        if server.address is None or _is_chosen_upstream(client, server):
            return
        if plain_host(server.address[0]) == self._host:
            server.error = "the gate's own host is nowhere else"
            return
        try:
            address = self._pins.get(client, {}).pop(server.address, None)
            address = address or await self._targets.address_of(*server.address[:2])
        except Unwanted as unwanted:
            self.counts[f"target-{unwanted.reason}"] += 1
            server.error = unwanted.reason
            return
        except Exception as error:
            self.guard.caught("server_connect", error)
            server.error = "fault"
            return
        pin(server, address)
        if self.admission.has_tunnel(client):
            # A client that sends on while its tunnel is not there yet would fill our memory.
            self.valves.hold(client, server.id)

    def server_connected(self, data: ServerConnectionHookData) -> None:
        self.valves.release(data.client, data.server.id)
        if handler := self._connections.get(data.client.id):
            self.valves.fit(handler, data.server)

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        self.valves.release(data.client, data.server.id)

    # ------------------------------------------------------------ tunnels and TLS

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        try:
            reply = await self._connect(flow)
        except RecordError:
            reply = plain("fault")
        except Exception as error:
            self.guard.caught("http_connect", error)
            reply = plain("fault") if self.guard.refuses("CONNECT", listed=True) else None
        if reply is not None:
            flow.response = write_response(reply)

    def http_connected(self, flow: http.HTTPFlow) -> None:
        self.admission.opened(flow)

    async def _connect(self, flow: http.HTTPFlow) -> Reply | None:
        actor = await self.admission.admit(flow)
        if isinstance(actor, Reply):
            return actor
        host = plain_host(flow.request.host)
        if host == self._host:
            return None
        if refused := await self._checked_target(flow):
            return refused
        if self.is_listed(host) and (gaps := self._unopened(actor.zone, host)):
            reply = await self._use(actor, host, gaps)
            if reply is None:
                self.passing.tunnel(flow.client_conn, host, actor, gaps)
            return reply
        return None if self._may_carry(flow.client_conn, actor, host) else plain("use")

    async def _use(self, actor: Actor, host: str, gaps: Sequence[Gap]) -> Reply | None:
        """A listed platform that is not decrypted: all that can be judged is that it is used."""
        verdict = await self.judge.use(Request("CONNECT", host, "", body=b""), actor, gaps)
        if verdict.reply is None:
            return None
        number = next((value for name, value in verdict.reply.headers if name == "Gerbang-Decision"), None)
        return plain("use" if actor.zone.device is Device.PERSONAL else "use-unopened", number=number)

    async def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        client, address = data.context.client, data.context.server.address
        asked = plain_host(address[0]) if address else None
        sni = plain_host(data.client_hello.sni or "") or None
        actor = self.admission.actor(client)
        if actor is None:
            # A listed proxy says for whom it asks inside of the TLS that it speaks with us.
            if not (self.admission.awaited(client) and self._is_proxy_tls(data)):
                self.tls.refuse(client)
            return
        try:
            if self._is_proxy_tls(data):
                return
            known = self.admission.has_tunnel(client)
            chosen = opening(sni, asked, listed=self._may_open, covers=self._covers)
            if chosen is not Opening.TUNNEL and self._host not in (sni, asked):
                name = next(host for host in (sni, asked) if host is not None and self.is_listed(host))
                if gaps := self._unopened(actor.zone, name):
                    chosen = await self._tunnelled(client, actor, name, asked, gaps)
            elif chosen is Opening.TUNNEL and sni and not (known and sni == asked):
                chosen = Opening.TUNNEL if self._may_carry(client, actor, sni) else Opening.REFUSE
        except Exception as error:
            self.guard.caught("tls_clienthello", error)
            chosen = Opening.REFUSE if self.guard.refuses("CONNECT", listed=True) else Opening.TUNNEL
        data.ignore_connection = chosen is Opening.TUNNEL
        if chosen is Opening.REFUSE:
            self.counts["tls-refused"] += 1
            self._tls_refused("gate", sni, asked)
            self.tls.refuse(client)

    async def _tunnelled(
        self, client: Client, actor: Actor, name: str, asked: str | None, gaps: Sequence[Gap]
    ) -> Opening:
        """A listed host that is not opened here. What CONNECT named was judged already."""
        if self.admission.has_tunnel(client) and name == asked:
            return Opening.TUNNEL
        if await self._use(actor, name, gaps) is not None:
            return Opening.REFUSE
        self.passing.tunnel(client, name, actor, gaps)
        return Opening.TUNNEL

    def _may_carry(self, client: Client, actor: Actor, host: str) -> bool:
        """Whether a connection that is no act may open: on a device that is not opened a platform's content network
        goes the way of the platform."""
        role = self.world.platforms.at(host)
        if role is None or role.role != CONTENT_ROLE or self._opens_for(actor.zone):
            return True
        return self.passing.content(client, host, actor)

    def tls_established_client(self, data: tls.TlsData) -> None:
        if shown := self._shown(data):
            self.distrust.taken(data.context.client, *shown)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """An app that does not trust our authority, as pinned apps do not, or a client that cannot speak with us."""
        shown = self._shown(data) if data.ssl_conn is not None else None
        if shown and self.distrust.failed(data.context.client, *shown):
            self.counts["tls-refused-by-client"] += 1
            client, address = data.context.client, data.context.server.address
            self._tls_refused("client", plain_host(client.sni or ""), plain_host(address[0]) if address else None)
        else:
            self.counts["tls-failed"] += 1

    def _shown(self, data: tls.TlsData) -> tuple[str, str, str] | None:
        """For which listed host a client was shown our certificate: platform, the host as it is listed, zone."""
        client, address = data.context.client, data.context.server.address
        actor = self.admission.actor(client)
        role = self.world.platforms.at(plain_host(client.sni or (address[0] if address else "")))
        return (role.platform, role.host, actor.zone.name) if actor and role else None

    def _tls_refused(self, by: str, *names: str | None) -> None:
        """Count who ended a handshake, and for what kind of host."""
        roles = [role.role for name in names if name and (role := self.world.platforms.at(name))]
        self.judge.figures.tls_refused[by, roles[0] if roles else "none"] += 1

    def _is_proxy_tls(self, data: tls.ClientHelloData) -> bool:
        """Whether this is TLS to the proxy itself, before any CONNECT."""
        return data.context.server.address is None

    def _unopened(self, zone: Zone, host: str) -> tuple[Gap, ...]:
        """Why a listed host is not opened in a zone, nothing where it is."""
        if not self._opens_for(zone):
            return (Gap("encrypted"), *((Gap("not-opened"),) if zone.device is Device.MANAGED else ()))
        reason = self.pins.reason(zone.name, host, self._clock(), self.world.offices)
        return () if reason is None else (Gap("encrypted"), Gap("pinned", reason))

    def _opens_for(self, zone: Zone) -> bool:
        return self.closed is None and zone.device is Device.MANAGED

    def is_listed(self, host: str) -> bool:
        """Whether acts happen on this host: listed, and neither a content network nor telemetry."""
        role = self.world.platforms.at(plain_host(host))
        return role is not None and role.role not in INERT_ROLES

    def _may_open(self, host: str) -> bool:
        return host == self._host or (self.is_listed(host) and not self.world.protected.covers(host))

    def _covers(self, host: str) -> bool:
        return self._authority is not None and self._authority.covers(host)

    # ------------------------------------------------------------ requests

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response or flow.error:
            return
        self._under_way.add(flow)
        self.distrust.used(flow.client_conn)
        await self._guarded("requestheaders", flow, self._headers)

    async def request(self, flow: http.HTTPFlow) -> None:
        passage = passage_of(flow)
        if flow.response or flow.error or passage is None or flow.metadata.get(SENT_ON):
            return
        await self._guarded("request", flow, self._body)

    async def body_too_large(self, flow: http.HTTPFlow) -> None:
        await self._guarded("body_too_large", flow, self._too_large)

    def body_idle(self, flow: http.HTTPFlow) -> None:
        self.counts["body-idle"] += 1
        flow.response = write_response(plain("idle"))

    async def _guarded(self, where: str, flow: http.HTTPFlow, step: Any) -> None:
        """Take a step; where our own code or the journal fails, `on_fault` says what becomes of the request."""
        try:
            reply = await step(flow)
            passage = passage_of(flow)
            if self._journal_away and passage is not None and passage.forwarded:
                log.info("journal-back")
                self._journal_away = False
        except RecordError as error:
            # No log, no post, whatever is set for faults.
            self.counts["journal-unavailable"] += 1
            if not self._journal_away:
                log.error("journal-unavailable", error=str(error), until_it_is_back="no post goes out")
            self._journal_away = True
            reply = self._fault_reply(flow, "journal")
        except Exception as error:
            passage = passage_of(flow)
            # Where it could not be told whether the host is listed, it counts as listed.
            listed = passage is None or passage.listed
            self.guard.caught(where, error, host=passage.host if passage and passage.listed else None)
            own = passage is not None and passage.own_host
            refused = own or self.guard.refuses(flow.request.method, listed=listed)
            reply = self._fault_reply(flow, "fault") if refused else None
        if reply is not None:
            flow.response = write_response(reply)

    def _fault_reply(self, flow: http.HTTPFlow, reason: str) -> Reply:
        passage = passage_of(flow)
        if passage is None or passage.own_host:
            return plain("busy" if reason == "busy" else "fault")
        try:
            request = read_request(flow, passage.host, body=None)
            refusal = self.world.platforms.refusal(passage.host, request.path)
            return fault(request, refusal, self.settings.gate_url, reason)
        except Exception as error:
            self.guard.caught("fault", error)
            return plain("fault")

    async def _headers(self, flow: http.HTTPFlow) -> Reply | None:
        _strip_upgrades(flow.request)
        if flow.request.method in NOT_METHODS:
            return plain("malformed")
        actor = await self.admission.admit(flow)
        if isinstance(actor, Reply):
            return actor
        try:
            passage = self._passage(flow, actor)
        except ValueError:
            return plain("malformed")
        if isinstance(passage, Reply):
            return passage
        passage.platforms = self.world.platforms
        flow.metadata[PASSAGE] = passage
        flow.metadata[SENDER] = owner_of(actor.officer.id if actor.officer else None, neighbourhood(actor.client))
        if passage.own_host:
            flow.metadata[BODY_LIMIT] = OWN_BODY_LIMIT
            return None
        if not self.admission.has_tunnel(flow.client_conn) and (refused := await self._checked_target(flow)):
            return refused
        if not passage.listed or self.world.protected.covers(passage.host):
            flow.metadata[UNTOUCHED] = True
            flow.request.stream = True
            return None
        if not self._opens_for(actor.zone):
            return await self._unread(flow, passage)
        return await self._judge_head(flow, passage)

    async def _unread(self, flow: http.HTTPFlow, passage: Passage) -> Reply | None:
        """A request in the clear where nothing is opened: that a listed host is used is all that is looked at."""
        reply = await self._use(passage.actor, passage.host, (Gap("not-opened"),))
        if reply is None:
            flow.metadata[UNTOUCHED] = passage.settled = flow.request.stream = True
            self.passing.tunnel(flow.client_conn, passage.host, passage.actor, (Gap("not-opened"),))
        return reply

    async def _judge_head(self, flow: http.HTTPFlow, passage: Passage) -> Reply | None:
        size = announced(flow.request)
        if size and size <= min(READ_AT_ONCE, self.limits.body) and "expect" not in flow.request.headers:
            return None
        has_body = size != 0
        request = read_request(flow, passage.host, body=None if has_body else b"")
        verdict = await self.judge.head(request, passage.actor, passage.platforms)
        if verdict.read:
            if size is not None and size > self.limits.body:
                return await self._too_large(flow)
            return None
        return self._settled(flow, passage, request, verdict, has_body=has_body)

    async def _body(self, flow: http.HTTPFlow) -> Reply | None:
        passage = flow.metadata[PASSAGE]
        body = flow.request.raw_content or b""
        request = read_request(flow, passage.host, body=body)
        if passage.own_host:
            self.counts["own-page"] += 1
            return await own_host(request, passage.actor, self._state)
        if passage.settled:
            return None
        verdict = await self.judge.whole(request, passage.actor, passage.platforms)
        return self._settled(flow, passage, request, verdict, has_body=False)

    async def _too_large(self, flow: http.HTTPFlow) -> Reply | None:
        passage = passage_of(flow)
        if flow.metadata.get(SHORT_OF_MEMORY):
            self.counts["short-of-memory"] += 1
            return self._fault_reply(flow, "busy")
        if passage is None or passage.own_host:
            return plain("too-large")
        request = read_request(flow, passage.host, body=None)
        verdict = await self.judge.too_large(request, passage.actor, announced(flow.request), passage.platforms)
        return self._settled(flow, passage, request, verdict, has_body=True)

    def _settled(
        self, flow: http.HTTPFlow, passage: Passage, request: Request, verdict: Verdict, *, has_body: bool
    ) -> Reply | None:
        passage.settled = True
        if verdict.reply is None:
            passage.let_go, passage.forwarded, passage.kept = verdict.let_go, verdict.forwarded, verdict.kept
            if has_body:
                endless = announced(flow.request) is None
                live = [each for each in verdict.let_go if endless or each.activity.kind is Kind.LIVE]
                self.passing.stream(flow, passage, request, live)
                # Nothing of the body could change what was decided: it need not be kept.
                given = (request, verdict.forwarded, passage.platforms)
                passage.upload = self.judge.digesting(*given) if verdict.act else None
                passage.request = request
                flow.request.stream = passage.upload or True
            elif verdict.digested:
                passage.upload, passage.request = verdict.digested, replace(request, body=None)
        return verdict.reply

    def _passage(self, flow: http.HTTPFlow, actor: Actor) -> Passage | Reply:
        """By which name a request is judged. Raises `ValueError` where it cannot be told."""
        client, target = flow.client_conn, plain_host(flow.request.host)
        named, sni = named_host(flow), plain_host(client.sni or "") or None
        if not self.admission.has_tunnel(client) and speaks_proxy(client):
            # RFC 9112, 3.2.2: a proxy takes the host from the request's target, whatever `Host` says.
            if named != target:
                flow.request.headers["Host"] = _authority(flow)
            # What TLS there is was to the proxy itself.
            named, sni = target, None
        elif sni and named and named != sni:
            # What is judged as one host's must not be another's to the server behind it.
            return plain("misdirected")
        names = [name for name in (named, sni, target) if name]
        if self._host in names:
            return Passage(actor, self._host, own_host=True)
        listed = next((name for name in names if self.is_listed(name)), None)
        if listed is not None and sni is None and listed != target and speaks_proxy(client):
            return plain("misdirected")
        return Passage(actor, listed or names[0], listed=listed is not None)

    async def _checked_target(self, flow: http.HTTPFlow) -> Reply | None:
        """A refusal in words where the connection would be refused anyway; else the address it will go to is kept."""
        client, host, port = flow.client_conn, flow.request.host, flow.request.port
        try:
            redirected = isinstance(client.proxy_mode, TransparentMode) and flow.request.scheme == "http"
            if redirected or isinstance(client.proxy_mode, RegularMode):
                self._pins.setdefault(client, {})[(host, port)] = await self._targets.address_of(host, port)
            elif isinstance(client.proxy_mode, UpstreamMode):
                self._targets.check_unresolved(host, port)
        except Unwanted as unwanted:
            self.counts[f"target-{unwanted.reason}"] += 1
            return plain(unwanted.reason)
        return None

    # ------------------------------------------------------------ answers of platforms

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        passage = passage_of(flow)
        if flow.response is None or passage is None:
            return
        # A browser that learns of HTTP/3 would try to go round the gate.
        flow.response.headers.pop("alt-svc", None)
        if passage.forwarded or passage.kept:
            passage.answer = Tee()
        flow.response.stream = passage.answer or True

    def response(self, flow: http.HTTPFlow) -> None:
        self._under_way.discard(flow)
        self.passing.over(flow)
        passage = passage_of(flow)
        if passage is None or passage.answer is None or flow.response is None:
            return
        forwarded, passage.forwarded = passage.forwarded, ()
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in flow.response.headers.fields
        )
        status, body = flow.response.status_code, bytes(passage.answer.kept)
        try:
            sent = passage.upload.sent() if passage.upload else None
            for decision in forwarded:
                self.judge.came_of(decision, status, headers, body, sent, passage.request, passage.platforms)
            for draft in passage.kept:
                self.judge.keep(draft, passage.actor, status, headers, body, passage.platforms)
        except Exception as error:
            self.guard.caught("response", error)

    def error(self, flow: http.HTTPFlow) -> None:
        self._under_way.discard(flow)
        self.passing.over(flow)
        if (passage := passage_of(flow)) is not None:
            for decision in passage.forwarded:
                self.judge.never_arrived(decision)

    # ------------------------------------------------------------ messages on sockets

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        if (passage := passage_of(flow)) is not None and passage.let_go:
            if passage.opened is None:
                passage.opened = read_request(flow, passage.host, body=b"")
            self.passing.stream(flow, passage, passage.opened, passage.let_go)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        self.passing.over(flow)

    async def socket_message(self, message: SocketMessage) -> None:
        """A message that a client sent: unless this says otherwise, its socket is closed."""
        if (passage := passage_of(message.flow)) is not None:
            await self.sockets.judged(passage, message)


def closed_because(settings: Settings, authority: Authority | None) -> str | None:
    """Why nothing may be decrypted, `None` where it may."""
    if not settings.interception.authority or not settings.interception.notice:
        return "`interception.authority` and `interception.notice` are not set"
    return None if authority is not None else "there is no CA"


def _is_chosen_upstream(client: Client, server: Server) -> bool:
    """Whether the admin's own choice of mode leads there: a parent proxy, or the one server of a reverse proxy."""
    return isinstance(client.proxy_mode, UpstreamMode | ReverseMode) and server.address == client.proxy_mode.address


def _authority(flow: http.HTTPFlow) -> str:
    host, port = flow.request.host, flow.request.port
    name = f"[{host}]" if ":" in host else host
    return name if port == DEFAULT_PORTS.get(flow.request.scheme) else f"{name}:{port}"


def _strip_upgrades(message: http.Request) -> None:
    """No upgrade but to a WebSocket that we can read: anything else would be a tunnel past the gate."""
    headers = message.headers
    if "upgrade" not in headers:
        return
    asked = [headers.get(name, "").strip().lower() for name in ("upgrade", "sec-websocket-version")]
    if asked != ["websocket", "13"] or message.method != "GET":
        headers.pop("upgrade", None)
        headers.pop("http2-settings", None)
        headers["Connection"] = "close"
    elif "sec-websocket-extensions" in headers:
        offers = [offer.strip() for offer in headers["sec-websocket-extensions"].split(",")]
        known = [offer for offer in offers if offer.partition(";")[0].strip() == DEFLATE]
        if known:
            headers["sec-websocket-extensions"] = ", ".join(known)
        else:
            del headers["sec-websocket-extensions"]


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return [str(address[4][0]) for address in found]
