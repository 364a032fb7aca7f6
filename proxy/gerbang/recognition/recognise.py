"""What a request is about to do. Never raises: what could not be read is a gap."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from gerbang.model import PUBLISHING, SOCKET, Activity, Gap, Kind, Request
from gerbang.recognition.asked import Told, message_of, role_of, told_of
from gerbang.recognition.claims import CompiledClaim
from gerbang.recognition.document import INERT_ROLES, Batch, Housekeeping, Signature
from gerbang.recognition.extract import account, activity, kept, media
from gerbang.recognition.matcher import HostRole, Platform, Platforms
from gerbang.recognition.paths import SEGMENTS, Captures
from gerbang.recognition.shape import shape_of
from gerbang.recognition.unclaimed import LETTERS, human_texts, letters
from gerbang.wire.framed import Framing, packets
from gerbang.wire.message import Message, members, segments
from gerbang.wire.selectors import Selector, as_text, parse_selector
from gerbang.wire.values import Unreadable, Value
from gerbang.wire.xmlrpc import Call

ELEMENTS = 200
"""Elements of a batch that are looked at; more is the gap `too-large`."""

ROUTES = 4
"""Paths that a request's fields lead to and that are tried; of more, the last."""

_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
_METHOD_NAMES = _READS | {"POST", "PUT", "PATCH", "DELETE"}
_EMBEDDED = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
# What a browser sends by itself of a page that is read (CSP, Reporting API), and never another program of its own.
_REPORTS = frozenset({"application/csp-report", "application/reports+json"})
_REPORT = frozenset({"type", "body", "url", "age", "user_agent", "attempts"})
_PARAMETERS = re.compile(r";[^/]*")


@dataclass(frozen=True, slots=True)
class Recognition:
    """`activities` is empty where this is no act; `reason` says why, or which signature claimed it.

    `awaits_body`: the body was not read, and it could change which activity this is, or holds words or a target.
    Then `activities` are those that the headers prove already, without what the body would add. `streams`: the body
    will not be read, and need not be: it is an upload by its headers. `kept` is what a draft says, which is no act.
    """

    activities: tuple[Activity, ...]
    reason: str
    awaits_body: bool = False
    streams: bool = False
    kept: tuple[Activity, ...] = ()


def recognise(request: Request, platforms: Platforms) -> Recognition:
    """The activities of a request to a listed host. With `request.body` `None`, what its headers alone prove."""
    role, request = role_of(request, platforms)
    if role is None:
        return Recognition((), "not-listed")
    return recognise_as(request, role, platforms)


def recognise_as(request: Request, role: HostRole, platforms: Platforms) -> Recognition:
    """As `recognise`, for a host whose platform is known from elsewhere."""
    told = told_of(request, role, platforms)
    return _all_of(told, [_at_role(request, one, platforms) for one in told.tried])


def _at_role(request: Request, role: HostRole, platforms: Platforms) -> Recognition:
    platform = platforms.platform(role.platform)
    if platform is None or role.role in INERT_ROLES:
        return Recognition((), role.role)
    message = message_of(request, platform, request.body)
    reading = _Reading(platform, role.role, request.host)
    try:
        if message.on_socket and message.body and (framing := platform.framing(message, role.role)):
            return _of_packets(reading, message, framing, message.body)
        return reading.recognise(message)
    except Exception:
        # A fault of ours must not let a write pass as no act: it is one that could not be read.
        if request.method.upper() in _READS and not reading.may_write(message):
            return Recognition((), "read")
        gaps = (Gap("unreadable", "the request could not be taken apart"),)
        unread = Activity(platform.name, Kind.WRITE, request.host, unclaimed=True, gaps=gaps)
        return Recognition((unread,), "unreadable")


def _of_packets(reading: "_Reading", message: Message, framing: Framing, data: bytes) -> Recognition:
    """What the packets of one message are, each by itself; where they are none, the message as it is."""
    try:
        inner = [Message.of_packet(message, packet) for packet in packets(framing, data)]
    except Unreadable:
        return reading.recognise(message)
    return _together([reading.recognise(packet) for packet in inner])


def recognise_unread(request: Request, gap: Gap, platforms: Platforms) -> Recognition:
    """The activities of a request whose body was given up on, each with the gap that says why.

    An upload has none and `streams`: that a film is larger than what is read says nothing against it.
    """
    role, request = role_of(request, platforms)
    if role is None:
        return Recognition((), "not-listed")
    told = told_of(replace(request, body=None), role, platforms)
    return _all_of(told, [_unread_at_role(request, one, gap, platforms) for one in told.tried])


def _unread_at_role(request: Request, role: HostRole, gap: Gap, platforms: Platforms) -> Recognition:
    platform = platforms.platform(role.platform)
    if platform is None or role.role in INERT_ROLES:
        return Recognition((), role.role)
    message = message_of(request, platform, None)
    found = _Reading(platform, role.role, request.host, given_up=gap).recognise(message)
    if found.streams:
        return found
    return replace(
        found,
        activities=tuple(_with(one, gap) for one in found.activities),
        kept=tuple(_with(one, gap) for one in found.kept),
    )


def _with(found: Activity, gap: Gap) -> Activity:
    # A login's body is never read, so nothing of it is missing.
    return found if found.kind in (Kind.LOGIN, Kind.VIEW) else replace(found, gaps=(*found.gaps, gap))


def _all_of(told: Told, found: Sequence[Recognition]) -> Recognition:
    """All that signatures claim of what may run on a host, and else the first that is an act, or may be one with its
    body; and what the request is if nothing is known of that, where it would be hidden."""
    if told.gaps:
        (one,) = found
        return replace(one, activities=tuple(_with(act, gap) for act in one.activities for gap in told.gaps))
    if len(found) == 1:
        return found[0]
    known, unknown = found[: len(told.roles)], found[len(told.roles) :]
    claimed = [one for one in known if any(not act.unclaimed for act in one.activities)]
    chosen = claimed or [next((one for one in known if one.activities or one.awaits_body), known[0])]
    # What one takes for a draft, a sign-in or a like is another's post, where it has words.
    said = any(act.texts or act.unclaimed for one in chosen for act in one.activities)
    if not said:
        unread = not _uploads(chosen[0])
        matters = (
            one.awaits_body or any(act.kind is Kind.POST or (unread and act.gaps) for act in one.activities)
            for one in unknown
        )
        chosen += [one for one, counts in zip(unknown, matters, strict=True) if counts]
    return chosen[0] if len(chosen) == 1 else _together(chosen)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One request to one host. `given_up` is the gap where its body will never be known."""

    platform: Platform
    role: str
    host: str
    given_up: Gap | None = None
    depth: int = 0

    def recognise(self, message: Message) -> Recognition:
        replaced = self.platform.overrides and not message.on_socket
        methods = self._methods(message) if replaced else (message.method,)
        paths, routed = self._paths(message)
        found: list[Recognition] = []
        for effective in methods:
            for path, certain in paths:
                result = self._at(path, message, effective, certain=certain and len(methods) == 1, routed=routed)
                if result is not None and result not in found:
                    found.append(result)
        if found:
            return found[0] if len(found) == 1 else _together(found)
        if _READS.issuperset((*methods, message.method)):
            return self._read(message)
        return self._unclaimed(message)

    def may_write(self, message: Message) -> bool:
        """Whether a signature may claim a request, whose method is that of a read, at the path that it has."""
        try:
            candidates = self.platform.candidates(segments(message.path), self.role, message, message.method)
            return any(isinstance(compiled.claim, Signature) for compiled, _ in candidates)
        except Exception:
            return False  # nothing can be told of any request, and pages are still to be read

    def _at(
        self, path: tuple[str, ...], message: Message, effective: str, *, certain: bool, routed: bool | None
    ) -> Recognition | None:
        """What the request is if it goes to this path; `None` where no signature claims it, or none that may.

        A path that is not `certain` is one that only some servers take: it makes an act, and never excuses one.
        """
        settled: tuple[CompiledClaim, Captures] | None = None
        unsure: list[tuple[CompiledClaim, Captures]] = []
        batch: Recognition | None = None
        for compiled, captures in self.platform.candidates(path, self.role, message, effective):
            if (batch or not certain) and _passive(compiled):
                continue
            answer = compiled.holds(message, captures)
            if answer and isinstance(compiled.claim, Batch):
                # Elsewhere than where batches are taken, its field means nothing: then it is what its path says.
                batch = self._claimed(message, compiled, captures)
                continue
            if answer:
                settled = compiled, captures
                break
            if answer is None:
                unsure.append((compiled, captures))
        if batch is not None:
            if settled is None or batch.awaits_body:
                return batch
            return _together([batch, self._claimed(message, *settled)])
        if unsure:
            return self._unsure(message, unsure, settled)
        if settled is None:
            return None
        if _passive(settled[0]):
            if routed is None and message.body is None and self.given_up is None:
                return Recognition((), "awaits-body", awaits_body=True)
            if routed is None or message.fragment or (settled[0].needs_body and message.gaps_read):
                return self._unclaimed(message)
        found = self._claimed(message, *settled)
        if routed is None and message.body is None and self.given_up is None and not _uploads(found):
            return replace(found, awaits_body=True)
        return found

    # ------------------------------------------------------------ which signature

    def _methods(self, message: Message) -> tuple[str, ...]:
        """What replaces the method; several where the request names several, of which nobody knows which counts."""
        texts = (text for selector in self.platform.overrides for text in selector.texts(message, {}))
        named = dict.fromkeys(name for text in texts if (name := text.strip().upper()) in _METHOD_NAMES)
        return tuple(named) or (message.method,)

    def _paths(self, message: Message) -> tuple[list[tuple[tuple[str, ...], bool]], bool | None]:
        """The paths that servers may take, each with whether it is certain; and whether a route leads elsewhere.

        That is `None` where the body may name a route and is not known. A login's body is not looked into.
        """
        asked = segments(message.path)
        if not self.platform.routes and not self.platform.document.php and ";" not in message.path:
            return [(asked, True)], False
        main = _script(asked) if self.platform.document.php else asked
        # A script of its own pays no heed to routes; where there is none of that name the front page does.
        own = bool(main) and main[-1].lower().endswith(".php") and main[-1].lower() != "index.php"
        routes, unknown = self._routes(message, main)
        paths = [(route, not own and len(routes) == 1) for route in routes]
        paths.append((main, own or not routes))
        if main != asked:
            paths.append((asked, False))
        if ";" in (plain := unquote(message.path)):
            bare = segments(_PARAMETERS.sub("", plain))
            paths.append((_script(bare) if self.platform.document.php else bare, False))
        known: dict[tuple[str, ...], bool] = {}
        for path, certain in paths:
            known[path] = known.get(path, False) or certain
        return list(known.items()), None if unknown else bool(routes)

    def _routes(self, message: Message, main: tuple[str, ...]) -> tuple[list[tuple[str, ...]], bool]:
        """Where the request's fields lead, and whether the body may lead elsewhere yet."""
        routes: list[tuple[str, ...]] = []
        unknown = False
        for selector, prefix, scripts in self.platform.routes:
            low = [part.lower() for part in main[-SEGMENTS:]]
            if any(script.match(low, main[-SEGMENTS:]) is not None for script in scripts):
                continue
            found = selector.find(message, {})
            unknown = unknown or found.unknown
            texts = (as_text(value) for value in found.values)
            routes += [segments(f"{prefix}/{route}") for route in texts if route and route.strip("/ ")]
        return routes[-ROUTES:], unknown

    def _unsure(
        self,
        message: Message,
        unsure: Sequence[tuple[CompiledClaim, Captures]],
        settled: tuple[CompiledClaim, Captures] | None,
    ) -> Recognition:
        """The body is not known, or not wholly, and which signature this is hangs on it."""
        possible = [*unsure, *([settled] if settled else [])]
        if message.body is None and self.given_up is None:
            kinds = {one.claim.activity if isinstance(one.claim, Signature) else None for one, _ in possible}
            if settled is None or len(kinds) > 1 or None in kinds:
                return Recognition((), "awaits-body", awaits_body=True)
            return self._claimed(message, *possible[-1])
        # It will never be known, so the most that it can be counts: what publishes, and what is certainly met.
        signatures = [(one, captures) for one, captures in possible if isinstance(one.claim, Signature)]
        if not signatures:
            return self._unclaimed(message)
        chosen = max(
            signatures,
            key=lambda pair: (
                isinstance(pair[0].claim, Signature) and pair[0].claim.activity in PUBLISHING,
                settled is not None and pair[0] is settled[0],
            ),
        )
        return replace(self._claimed(message, *chosen), streams=False)

    def _claimed(self, message: Message, compiled: CompiledClaim, captures: Captures) -> Recognition:
        claim = compiled.claim
        if isinstance(claim, Housekeeping):
            if compiled.keeps is None:
                return Recognition((), claim.reason)
            if message.body is None and self.given_up is None:
                return Recognition((), claim.reason, awaits_body=True)
            draft = kept(self.platform, self.host, compiled.keeps, message, captures)
            return Recognition((), claim.reason, kept=(draft,))
        if isinstance(claim, Batch):
            return self._batch(message, claim, captures)
        found = activity(self.platform, self.host, compiled, claim, message, captures)
        streams = self.given_up is not None and claim.activity is Kind.UPLOAD
        return Recognition((found,), claim.id, self._wanting(message, compiled, claim), streams)

    def _wanting(self, message: Message, compiled: CompiledClaim, claim: Signature) -> bool:
        """Whether a body that was not read may hold words, or whom or what this is about."""
        if message.body is not None or self.given_up is not None or claim.activity is Kind.LOGIN:
            return False
        if claim.activity is Kind.UPLOAD and message.says_media:
            return False
        if claim.anywhere or any(selector.needs_body for selector in compiled.texts):
            return True
        if claim.activity is Kind.UPLOAD:
            # The bytes themselves are streamed through a digest; nothing else of a body matters.
            return False
        values = (*compiled.audience, *compiled.target, *compiled.changes)
        return any(value.source is not None and value.source.needs_body for value in values)

    # ------------------------------------------------------------ batches

    def _batch(self, message: Message, claim: Batch, captures: Captures) -> Recognition:
        if message.body is None and self.given_up is None:
            return Recognition((), "awaits-body", awaits_body=True)
        each = parse_selector(claim.each)
        elements = each.find(message, captures).values
        found: list[Activity] = []
        drafts: list[Activity] = []
        reason = "batch"
        gaps = message.gaps
        if not elements and not gaps and not _is_empty(each, message, captures):
            gaps = (Gap("unreadable", "a batch of which no element was found"),)
        for element in elements[:ELEMENTS] if self.depth == 0 else ():
            inner = self._element(message, claim, element)
            if inner is None:
                gaps = (*gaps, Gap("unreadable", "an element of a batch that cannot be told"))
                continue
            reading = _Reading(self.platform, self.role, self.host, self.given_up, depth=1)
            result = reading.recognise(inner)
            found += result.activities
            drafts += result.kept
            reason = result.reason
        if len(elements) > ELEMENTS or (self.depth and elements):
            gaps = (*gaps, Gap("too-large", "more elements in one batch than are looked at"))
        listed = next(iter(each.branches[0].steps), None)
        if listed and any(name.startswith(f"{listed}[") for name, _ in (*message.query, *message.form)):
            gaps = (*gaps, Gap("unreadable", "a batch that is written as a form"))
        if gaps or (self.given_up and not found):
            sender = account(self.platform.account, message, captures)
            gaps = tuple(dict.fromkeys(gaps))
            found.append(Activity(self.platform.name, Kind.WRITE, self.host, account=sender, unclaimed=True, gaps=gaps))
        return Recognition(tuple(found), reason if not found else "batch", kept=tuple(drafts))

    def _element(self, message: Message, claim: Batch, element: Value) -> Message | None:
        if claim.http:
            return self._request(message, element)
        holder = Message.within(message, message.method, message.path, json=element)
        if claim.calls:
            methods = parse_selector("json.methodName").texts(holder, {})
            params = parse_selector("json.params").find(holder, {}).values
            if len(methods) != 1 or len(params) != 1 or not isinstance(params[0], list):
                return None
            return Message.within(message, message.method, message.path, call=Call(methods[0].strip(), params[0]))
        method = parse_selector(claim.element_method).texts(holder, {}) or ["POST"]
        paths = parse_selector(claim.element_path).texts(holder, {}) if claim.element_path else [""]
        body = parse_selector(claim.element_body).find(holder, {}).values
        if len(method) != 1 or len(paths) != 1 or len(body) > 1 or method[0].upper() == SOCKET:
            return None
        if claim.element_variables and (variables := parse_selector(claim.element_variables).find(holder, {}).values):
            body = ({"variables": variables[0], **dict(members(element))},)
        try:
            url = urlsplit(paths[0])  # WordPress takes the path of a whole address too
        except ValueError:
            return None
        if url.fragment:
            return None
        between = "" if url.path.startswith("/") or not url.path else "/"
        target = claim.prefix + between + url.path + (f"?{url.query}" if url.query else "")
        return Message.within(message, method[0], target, json=body[0] if body else None)

    @staticmethod
    def _request(message: Message, element: Value) -> Message | None:
        inner = Message.of_part(message, element)
        if inner is not None and not inner.path.startswith("/"):
            try:
                url = urlsplit(f"{inner.path}?{inner.raw_query}")
            except ValueError:
                return None
            inner.path = url.path or "/"
        return inner

    # ------------------------------------------------------------ what no signature claims

    def _read(self, message: Message) -> Recognition:
        if message.method == "OPTIONS":
            return Recognition((), "preflight")
        if message.method != "GET" or self.role != "app":
            return Recognition((), "read")
        if any("prefetch" in message.header(name) for name in ("sec-purpose", "purpose", "x-moz")):
            return Recognition((), "prefetch")
        destination = message.header("sec-fetch-dest").lower()
        if destination:
            if destination in _EMBEDDED:
                return Recognition((), "embed")
            if destination == "serviceworker":
                return Recognition((), "service-worker")
            if destination != "document":
                return Recognition((), "read")
        elif "text/html" not in message.header("accept").lower() or message.header("x-requested-with"):
            return Recognition((), "read")
        visitor = account(self.platform.account_of_headers, message, {})
        return Recognition((Activity(self.platform.name, Kind.VIEW, self.host, account=visitor),), "view")

    def _unclaimed(self, message: Message) -> Recognition:
        foreign = self._foreign(message)
        # Programs of other people's pages ask a host of the API: what they send is no button that was pressed.
        if foreign and message.header("sec-fetch-site").lower() == "cross-site" and self.role != "api":
            return Recognition((), "embed")
        if message.body is None and self.given_up is None:
            return Recognition((), "awaits-body", awaits_body=True)
        if _is_report(message):
            return Recognition((), "telemetry")
        texts = human_texts(message)
        # Anybody can write an Origin; only a browser's own word for it lets words pass.
        if foreign and not texts and not message.gaps and self.given_up is None:
            return Recognition((), "embed")
        found = Activity(
            platform=self.platform.name,
            kind=Kind.POST if texts else Kind.WRITE,
            host=self.host,
            account=account(self.platform.account, message, {}),
            texts=texts,
            media=media((), message, {}),
            unclaimed=True,
            gaps=message.gaps,
            shape=shape_of(self.platform, self.role, message, texts),
        )
        return Recognition((found,), "unclaimed")

    def _foreign(self, message: Message) -> bool:
        """Whether somebody else's page says it sent this (a like button, a pixel).

        One that brings a token of its own is a program's, such as a web client of a site that stands elsewhere.
        """
        if message.header("authorization"):
            return False
        if message.header("sec-fetch-site").lower() not in ("cross-site", ""):
            return False
        origin = message.header("origin") or message.header("referer")
        try:
            host = (urlsplit(origin).hostname or "").rstrip(".")
        except ValueError:
            return False
        if not host or host == self.host:
            return False
        return not any(
            host == listed or (listed.startswith("*.") and host.endswith(listed[1:]))
            for hosts in self.platform.document.hosts.values()
            for listed in hosts
        )


def _is_empty(each: Selector, message: Message, captures: Captures) -> bool:
    """Whether where a batch's elements stand there is nothing, or a list of none."""
    if not any(branch.steps for branch in each.branches):
        return not message.body
    lists = Selector(each.path, tuple(replace(branch, steps=branch.steps[:-1]) for branch in each.branches))
    values = lists.find(message, captures).values
    return all((message.nested(value) if isinstance(value, str) else value) in ([], {}, "") for value in values)


def _is_report(message: Message) -> bool:
    """Whether this is what a browser reports of a page (CSP, Reporting API), in the shape that it has."""
    if not message.kinds or not _REPORTS.issuperset(message.kinds) or len(message.json) != 1:
        return False
    if sum(letters(value) for _, value in message.query) >= LETTERS:
        return False
    (value,) = message.json
    if isinstance(value, list):
        return all(isinstance(one, dict) and {"type", "body"} <= one.keys() <= _REPORT for one in value)
    return isinstance(value, dict) and value.keys() == {"csp-report"}


def _passive(compiled: CompiledClaim) -> bool:
    """Whether a claim lets a request go unread."""
    claim = compiled.claim
    return isinstance(claim, Housekeeping) or (isinstance(claim, Signature) and claim.activity is Kind.LOGIN)


def _uploads(found: Recognition) -> bool:
    return bool(found.activities) and all(one.kind is Kind.UPLOAD for one in found.activities)


def _together(found: Sequence[Recognition]) -> Recognition:
    """What a request is to servers that take it differently: all of it."""
    acts = tuple(dict.fromkeys(act for one in found for act in one.activities))
    named = next((one for one in found if one.activities), found[0])
    return Recognition(
        acts,
        named.reason,
        any(one.awaits_body for one in found),
        all(one.streams for one in found),
        tuple(dict.fromkeys(draft for one in found for draft in one.kept)),
    )


def _script(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path to its first `*.php`, which is the script that PHP runs; what follows `index.php` is a path again."""
    for at, part in enumerate(path[:-1]):
        if part.lower().endswith(".php"):
            rest = path[at + 1 :]
            if part.lower() == "index.php" and not any(name.lower().endswith(".php") for name in rest):
                return path
            return path[: at + 1]
    return path
