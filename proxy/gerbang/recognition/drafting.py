"""Cases of what was learnt: the recorded request cut down, and near misses, each with what recognition says of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from gerbang.errors import DocumentError
from gerbang.model import SOCKET, Activity, Kind
from gerbang.recognition.cases import Trial, parse_cases, with_earlier
from gerbang.recognition.document import INERT_ROLES, PlatformDocument
from gerbang.recognition.marked import STATES, Sent, ids_answered, is_flag, is_word, named_ids, plain
from gerbang.recognition.matcher import Platforms, compile_platforms
from gerbang.recognition.places import Leaf, Place, field_place, squeezed
from gerbang.recognition.pruning import DROPPED, Invention, body_of, rewritten
from gerbang.recognition.recognise import Recognition, recognise
from gerbang.recognition.writing import block
from gerbang.wire.message import Message
from gerbang.wire.values import Value
from gerbang.wire.xmlrpc import Call

SAME = "same"
"""Marks a near case that is the same act all the same; it is taken out before it is written."""

KEPT = 2
"""Values of one selector that stand for all of them in a case."""

BODIES = frozenset({"json", "form", "parts", "text", "base64"})
AUDIENCE = frozenset({"visibility", "audience", "privacy", "see", "scope", "access"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for: the `marker` that was posted; `day` is that of the recording (`2026-11-24`)."""

    marker: str
    day: str
    platform: str | None = None
    activity: Kind | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A platform that has a document, with that and its cases as they are written."""

    document: PlatformDocument
    text: str
    cases: str


@dataclass
class Claim:
    """A signature or a housekeeping entry as it will be written, and how its request is told from others."""

    sent: Sent
    template: str
    captures: Mapping[str, str]
    name: tuple[str, str] | None
    where: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    """Selectors of what else in it is a person's words."""
    ids: frozenset[str] = frozenset()
    """Selectors of ids for which the signature asks."""


@dataclass
class CaseDrafts:
    """What makes cases of one recording: its publish and drafts, and what stands for the ids and words in it."""

    wish: Wish
    chosen: Sent
    drafts: tuple[Sent, ...]
    known: Sequence[Known]
    invented: Invention = field(default_factory=Invention)

    def cases(
        self,
        platform: str,
        base: Known | None,
        document: PlatformDocument,
        claim: Claim,
        draft: Claim | None,
        kind: Kind,
        signature: str,
        hosts: Mapping[str, Sequence[str]],
        role: str,
    ) -> tuple[str, str]:
        entries = [self._case(claim, f"the {kind} of the recording is read with its words", hosts, role)]
        if draft is not None:
            if not self.chosen.has_marker:
                answer = {"status": draft.sent.answer.status if draft.sent.answer else 200, **self._answer(draft)}
                entries[0]["before"] = [{"request": self._request(draft), "answer": answer}]
            entries.append(self._case(draft, "a draft of it is no act", hosts, role))
        head = block({"platform": platform}, 0) + "cases:\n"
        # Each says what recognition says of it: written once without, and again with that.
        drawn = parse_cases(head + block([_without_marks(one) for one in entries], 2), f"{platform}.cases.yaml")
        others = [one.document for one in self.known if one.document.platform != platform]
        compiled = compile_platforms([*others, document])
        found = iter([_recognised(one, compiled) for one in drawn.trials])
        for entry in entries:
            for one in (entry, *entry["near"]):
                given = next(found)
                near = one.pop("near", None)
                one.update(_expected([*given.activities], given.reason, awaits=given.awaits_body))
                if near is not None:
                    one["near"] = near
            # What is the same act all the same is no near miss.
            entry["near"] = [near for near in entry["near"] if near.pop(SAME, False) or not _by(near, signature)]
            if not entry["near"]:
                del entry["near"]
        if not _by(entries[0], signature):
            raise DocumentError(
                "what was learnt does not know its own request, cut down to a case",
                hint="see what it is with `gerbang platforms recognise`, and write its signature by hand",
            )
        new = block(entries, 2)
        if base is not None and base.cases:
            return base.cases.rstrip() + "\n\n" + new, new
        return head + new, head + new

    def _case(self, claim: Claim, name: str, hosts: Mapping[str, Sequence[str]], role: str) -> dict[str, Any]:
        request = self._request(claim)
        return {"name": name, "request": request, "expect": None, "near": [*self._near(claim, request, hosts, role)]}

    def _near(
        self, claim: Claim, request: Mapping[str, Any], hosts: Mapping[str, Sequence[str]], role: str
    ) -> Iterator[dict[str, Any]]:
        """The request with one thing changed by which it is told."""
        url = str(request["url"])
        bodies = {key: None for key in BODIES if key in request}
        parts = urlsplit(url)
        path = parts.path.rstrip("/")
        if claim.sent is self.chosen and not claim.sent.has_marker:
            yield {**_near("where the draft was not seen", {}), "before": [], SAME: True}
        elsewhere = parts._replace(path=f"{path}/lain").geturl()
        if claim.sent.message.on_socket:
            opening = parts._replace(scheme="https").geturl()
            yield _near("sent without a socket", {"url": opening, "method": "POST"})
            yield _near("the request that opens the socket", {"url": opening, "method": "GET", **bodies})
        else:
            yield _near("asked for with GET", {"method": "GET", **bodies})
            other = "PUT" if claim.sent.request.method == "POST" else "POST"
            yield _near(f"sent with {other}", {"method": other})
        yield _near("at another path", {"url": elsewhere})
        if claim.name:
            yield self._changed("by another name", request, claim, claim.name[0], "lain")
        for selector, condition in claim.where.items():
            if isinstance(condition, Mapping) and condition.get("given"):
                yield self._changed(f"without `{selector}`", request, claim, selector, DROPPED)
            else:
                yield self._changed(f"with another `{selector}`", request, claim, selector, True)
        others = [one for name, listed in hosts.items() if name not in (*INERT_ROLES, role) for one in listed]
        if others and not others[0].startswith("*"):
            yield _near("on another host", {"url": parts._replace(netloc=others[0]).geturl()})

    def _changed(
        self, name: str, request: Mapping[str, Any], claim: Claim, selector: str, value: Any
    ) -> dict[str, Any]:
        """A near case in which one field is another, or is not there."""
        short = _field_of(request, selector)
        if short is not None:
            said = "true" if value is True and "form" in request else value
            made = {"drop": [short]} if value is DROPPED else {"set": {short: said}}
            return {"name": name, **made, "expect": None}
        whole = self._request(claim, {selector.partition(" | ")[0]: (selector, value)})
        return _near(name, {key: one for key, one in whole.items() if key == "url" or key in BODIES})

    def _request(self, claim: Claim, other: Mapping[str, tuple[str, Any]] | None = None) -> dict[str, Any]:
        """The request of a case: what is needed of the one that was recorded, with ids and words that are invented."""
        other = other or {}
        message, sent = claim.sent.message, claim.sent.request
        made: dict[str, Any] = {"url": self._url(claim, other)}
        if sent.method not in ("POST", SOCKET):
            made["method"] = sent.method
        if "xmlrpc.method" in other and message.call is not None:
            message = _called(message, message.call)
        kept: Counter[str] = Counter()

        def left(leaf: Leaf) -> Any:
            value = self._left(claim, leaf, other)
            if value is DROPPED or self._is_marked(claim, leaf):
                return value
            kept[leaf.selector] += 1
            return value if kept[leaf.selector] <= KEPT else DROPPED

        made |= body_of(message, left)
        if not any(made.get(key) for key in BODIES):
            made = {key: one for key, one in made.items() if key not in BODIES}
            if sent.method == "POST":
                made["method"] = "POST"
        return made

    def _url(self, claim: Claim, other: Mapping[str, tuple[str, Any]]) -> str:
        request = claim.sent.request
        path = claim.template
        for key, value in claim.captures.items():
            path = path.replace(f"{{{key}}}", quote(self.invented.id(value), safe="~@:+"))
        kept = []
        for name, value in parse_qsl(claim.sent.message.raw_query, keep_blank_values=True):
            left = self._left(claim, Leaf(field_place("query", name), value), other)
            if left is not DROPPED:
                kept.append((name, str(left)))
        scheme = "wss" if claim.sent.message.on_socket else request.scheme
        usual = 443 if request.scheme == "https" else 80
        port = "" if request.port == usual else f":{request.port}"
        return f"{scheme}://{request.host}{port}{path}" + (f"?{urlencode(kept)}" if kept else "")

    def _left(self, claim: Claim, leaf: Leaf, other: Mapping[str, tuple[str, Any]]) -> Any:
        """What a case keeps of a value, `DROPPED` where nothing."""
        selector = leaf.selector
        if selector in other:
            written, value = other[selector]
            if written.endswith("| operation") and value == "lain":
                return "mutation Lain { lain }"
            return value if not isinstance(leaf.value, str) or value is DROPPED or value != True else "true"  # noqa: E712
        for place in claim.sent.places:
            if selector in place.holds:
                words = self._is_marked(claim, leaf)
                return self._marked(place, leaf) if words else self.invented.sentence(str(leaf.value))
        if claim.sent.inline and (leaf.name == "query" or leaf.place == "body"):
            return leaf.value if leaf.name == "query" else self.wish.marker
        if claim.name and selector == claim.name[0].partition(" | ")[0]:
            return f"mutation {claim.name[1]} {{ ok }}" if "| operation" in claim.name[0] else leaf.value
        if selector in claim.where or is_flag(leaf) or plain(leaf.name) in STATES:
            return leaf.value
        if selector in claim.others:
            return self.invented.sentence(str(leaf.value))
        if self._names_something(claim, leaf):
            return _as_sent(leaf.value, self.invented.id(str(leaf.value)))
        if plain(leaf.name) in AUDIENCE and isinstance(leaf.value, str) and is_word(leaf.value):
            return leaf.value
        return DROPPED

    def _is_marked(self, claim: Claim, leaf: Leaf) -> bool:
        """Whether a value holds the marker, or a piece of it."""
        marker = squeezed(self.wish.marker)
        if (leaf.selector, leaf.value) in claim.sent.holding:
            return True
        pieces = [place for place in claim.sent.places if leaf.selector in place.holds and _in_pieces(place)]
        return bool(pieces) and squeezed(str(leaf.value)) in marker

    def _marked(self, place: Place, leaf: Leaf) -> Any:
        chain = tuple(place.selector.split(" | ")[1:])
        if _in_pieces(place) or place.exact:
            return leaf.value
        return rewritten(str(leaf.value), self.wish.marker, chain)

    def _names_something(self, claim: Claim, leaf: Leaf) -> bool:
        """Whether a value is an id that the signature asks for."""
        if leaf.selector in claim.ids:
            return True
        ids = {value for draft in self.drafts for _, value in ids_answered(draft)}
        return str(leaf.value) in ids and not self.chosen.has_marker

    def _answer(self, draft: Claim) -> dict[str, Any]:
        """The answer to a draft, as far as its id goes."""
        wanted = {*named_ids(self.chosen)}
        for selector, value in ids_answered(draft.sent):
            if value in wanted:
                made: Any = self.invented.id(value)
                for step in reversed(re.findall(r"[\w-]+", selector)[1:]):
                    made = {step: made}
                return {"json": made}
        return {}


def _without_marks(entry: Mapping[str, Any]) -> dict[str, Any]:
    near = [{key: one for key, one in each.items() if key != SAME} for each in entry["near"]]
    return {**entry, "near": near}


def _recognised(trial: Trial, platforms: Platforms) -> Recognition:
    found = recognise(trial.request, platforms)
    return with_earlier(found, trial, platforms) if trial.before else found


def _field_of(request: Mapping[str, Any], selector: str) -> str | None:
    """How `set` and `drop` of a case name a field of its body, where they can."""
    root, _, path = selector.partition(".")
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", path):
        return None
    if root == "form":
        return path if "." not in path and isinstance(fields := request.get("form"), dict) and path in fields else None
    holder = request.get("json") if root == "json" else None
    for step in path.split("."):
        if not isinstance(holder, dict) or step not in holder:
            return None
        holder = holder[step]
    return path


def _in_pieces(place: Place) -> bool:
    return place.selector.rpartition(" | ")[2].startswith(("join", "runs"))


def _near(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "request": dict(request), "expect": None}


def _by(entry: Mapping[str, Any], signature: str) -> bool:
    expected = entry["expect"]
    listed = expected if isinstance(expected, list) else [expected]
    return any(one is not None and one.get("signature") == signature for one in listed)


def _expected(acts: Sequence[Activity], reason: str, *, awaits: bool) -> dict[str, Any]:
    more = {"awaits_body": True} if awaits else {}
    if not acts:
        return {"expect": None, "reason": reason, **more}
    told = [_told(act) for act in acts]
    return {"expect": told[0] if len(told) == 1 else told, **more}


def _told(act: Activity) -> dict[str, Any]:
    made: dict[str, Any] = {"activity": str(act.kind)}
    if act.signature:
        made["signature"] = act.signature
    if act.texts:
        made["texts"] = [text.value for text in act.texts]
    if act.gaps:
        made["gaps"] = [gap.reason for gap in act.gaps]
    for name in ("audience", "target", "changes"):
        if (value := getattr(act, name)) is not None and not act.unclaimed:
            made[name] = value
    if act.step is not None and act.step.uses and not act.unclaimed and not act.media:
        made["uses"] = list(act.step.uses)
    if act.media and not act.unclaimed:
        made["media"] = [_media_told(one.id, one.name, one.type) for one in act.media]
    if act.unclaimed:
        made["unclaimed"] = True
    return made


def _media_told(identity: str | None, name: str | None, kind: str | None) -> dict[str, str]:
    return {key: value for key, value in (("id", identity), ("name", name), ("type", kind)) if value is not None}


def _as_sent(value: Value, made: str) -> Any:
    return int(made) if isinstance(value, int) and made.isdigit() else made


def _called(message: Message, call: Call) -> Message:
    return Message.within(message, message.method, message.path, call=replace(call, method="lain.lain"))
