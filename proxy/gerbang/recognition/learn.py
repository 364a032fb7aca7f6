"""From a browser's recording in which somebody posted a text: a signature for that act, and cases that hold it.

What is proposed is tried before it is told: the document is read, its cases are run, and what a near miss gives is what
recognition says of it. What has to be decided by a person says so in a comment or a note.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gerbang.errors import DocumentError
from gerbang.model import Kind, Request
from gerbang.recognition.cases import parse_cases, run_cases
from gerbang.recognition.document import parse_platform
from gerbang.recognition.drafting import AUDIENCE, CaseDrafts, Claim, Known, Wish
from gerbang.recognition.marked import (
    INTERFACES,
    READS,
    SECOND,
    STATES,
    Sent,
    absent,
    alike,
    chosen_of,
    ids_answered,
    is_draft,
    is_flag,
    is_id,
    links_answered,
    listed,
    named_ids,
    operation,
    plain,
    read,
    refuse_without_bodies,
    words_of,
)
from gerbang.recognition.matcher import Platforms, compile_platforms
from gerbang.recognition.places import Leaf, leaves, opened, squeezed
from gerbang.recognition.secrets import is_secret
from gerbang.recognition.series import Answer
from gerbang.recognition.unclaimed import bare, human_texts
from gerbang.recognition.writing import block
from gerbang.wire.message import Message, segments
from gerbang.wire.values import Value

SHORTEST = 8
"""Letters of a marker, so that it is found where it was posted and nowhere by chance."""
OTHERS = 4
"""Fields with other words of a person's that a signature is given."""

PUBLISHED = frozenset({"publish", "published", "public", "posted", "active", "send", "sent"})
_GUESSES = (
    (Kind.COMMENT, "comment comments reply replies respond response answer answers balas balasan komen ulasan"),
    (Kind.MESSAGE, "message messages dm chat chats conversation conversations inbox mesej"),
    (Kind.EDIT, "edit edits update modify revise"),
    (Kind.SHARE, "share shares repost reblog retweet quote boost"),
    (Kind.VOTE, "vote votes poll"),
    (Kind.PROFILE, "profile bio about"),
    (Kind.UPLOAD, "upload uploads"),
)
_MEDIA = re.compile(r"(media|file|attachment|image|photo|picture|video)s?(_?ids?)?", re.IGNORECASE)
_TARGET = re.compile(
    r"(in_?reply_?to|reply_?to|parent|thread|topic|post|article|story|channel|room|conversation|recipient|group|page"
    r"|board|chat|to|target)(_?id)?",
    re.IGNORECASE,
)
_TITLES = frozenset({"title", "subject", "caption", "description", "alt", "summary", "spoilertext", "tajuk"})
_ACCOUNT = re.compile(r"(user|uid|member|account|login|author|profile)", re.IGNORECASE)
_GENERIC = frozenset(
    {
        "www",
        "m",
        "graph",
        "gateway",
        "touch",
        "mbasic",
        "mobile",
        "app",
        "api",
        "web",
        "my",
        "forum",
        "blog",
        "beta",
        "old",
        "new",
    }
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learnt: `document` and `cases` are whole files. `pieces` are what is new in them, where the platform
    was known (`known`). `notes` say what was found, chosen and guessed."""

    platform: str
    document: str
    cases: str
    known: bool
    pieces: tuple[str, str]
    notes: tuple[str, ...]


def learn(recording: Sequence[tuple[Request | None, Answer | None]], wish: Wish, known: Sequence[Known]) -> Lesson:
    """Raises `DocumentError` where the recording has no such post, and says what was searched."""
    if len(re.findall(r"\w", wish.marker)) < SHORTEST:
        raise DocumentError(
            f"the marker `{wish.marker}` is too short to be found for certain",
            hint=f"post a sentence of {SHORTEST} letters and more that stands nowhere else",
        )
    platforms = compile_platforms([one.document for one in known])
    documents = {one.document.platform: one.document for one in known}
    sent = [
        read(number, request, answer, wish.marker, documents.get(role.platform) if role else None)
        for number, (request, answer) in enumerate(recording)
        if request is not None
        for role in (platforms.at(request.host),)
    ]
    refuse_without_bodies(sent)
    marked = [one for one in sent if one.has_marker and one.request.method not in READS]
    if not marked:
        raise absent(sent, wish.marker)
    notes: list[str] = []
    chosen, drafts = chosen_of(sent, marked, platforms, notes)
    return Proposal(sent, chosen, drafts, wish, known, platforms, notes).lesson()


# ---------------------------------------------------------------- the proposal


@dataclass
class Proposal:
    sent: Sequence[Sent]
    chosen: Sent
    drafts: tuple[Sent, ...]
    wish: Wish
    known: Sequence[Known]
    platforms: Platforms
    notes: list[str]

    def lesson(self) -> Lesson:
        chosen = self.chosen
        role = self.platforms.at(chosen.request.host)
        base = next((one for one in self.known if role and one.document.platform == role.platform), None)
        claim = self._claim(chosen)
        draft = self._claim(self.drafts[-1]) if self.drafts else None
        if draft is not None:
            self._part_from_draft(claim, draft)
        kind = self.wish.activity or self._guessed(claim)
        for one in (claim, draft) if draft is not None else (claim,):
            one.others = self._others(one)
            one.ids = frozenset(found for found in (self._media(one), self._target(one, kind)) if found)
        hosts = {str(name): [*listed] for name, listed in (base.document.hosts if base else self._hosts()).items()}
        spoken = role.role if role else next(name for name, listed in hosts.items() if chosen.request.host in listed)
        platform = base.document.platform if base else self.wish.platform or _named_after(chosen.request.host)
        if base is not None and self.wish.platform not in (None, platform):
            raise DocumentError(
                f"`{chosen.request.host}` is a host of the platform `{platform}`, not of `{self.wish.platform}`",
                hint=f"leave `--platform` out, or name `{platform}`",
            )
        taken = {one.document.platform for one in self.known}
        if base is None and platform in taken:
            raise DocumentError(
                f"there is a platform `{platform}` already, and `{chosen.request.host}` is none of its hosts",
                hint="give another name by `--platform`, or add the host to its document",
            )
        surfaces, surface, draft_surface = self._surfaces(base, claim, draft, spoken)
        signature = self._signature(claim, draft, kind, surface, base)
        housekeeping = self._housekeeping(draft, draft_surface) if draft else None
        text, pieces = self._document(platform, base, hosts, surfaces, signature, housekeeping)
        document = parse_platform(text, f"{platform}.yaml")
        drafts = CaseDrafts(self.wish, chosen, self.drafts, self.known)
        cases, new = drafts.cases(platform, base, document, claim, draft, kind, signature["id"], hosts, spoken)
        others = [one.document for one in self.known]
        if failed := run_cases(parse_cases(cases, f"{platform}.cases.yaml"), document, [*others, document]):
            self.notes.append(f"a case does not hold, and wants a person: {failed[0]}")
        self._tell(claim, base)
        return Lesson(platform, text, cases, base is not None, (pieces, new), tuple(self.notes))

    # ------------------------------------------------------------ how a request is told

    def _claim(self, one: Sent) -> Claim:
        name = operation(one.message)
        template, captures = self._template(one, name[1] if name else "")
        claim = Claim(one, template, captures, name)
        for leaf in leaves(one.message):
            if name and leaf.selector == name[0]:
                continue
            if is_flag(leaf) and leaf.value in (False, 0, "0", "false", ""):
                claim.where[leaf.selector] = ["false"] if leaf.value == "false" else {"truthy": False}
            elif plain(leaf.name) in STATES and str(leaf.value).lower() in PUBLISHED:
                claim.where[leaf.selector] = [_worded(leaf.value)]
        same = [
            other
            for other in self.sent
            if not other.has_marker
            and other.request.method == one.request.method
            and other.request.host == one.request.host
            and (operation(other.message) or ("", ""))[1] == (name[1] if name else "")
            and _fits(template, other.message.path)
        ]
        # An editor saves what is half written, too: a draft is told from the publish as those with the marker are.
        saved = [other for other in same if is_draft(other)] if claim.where or self.drafts or is_draft(one) else []
        same = [other for other in same if other not in saved]
        if saved and not self.drafts:
            self.notes.append(
                f"by their looks drafts, to be written as housekeeping: {listed(saved)}; one with the whole marker, "
                "recorded before it is posted, does so"
            )
        words = next((place.holds[0] for place in one.places if not place.holds[0].startswith("body")), None)
        vague = not name and not re.search(r"/[^{/]", template)
        if words and (vague or any(not _has(other, words) for other in same)):
            claim.where[words] = {"given": True}
        if same and all(words is None or _has(other, words) for other in same):
            note = f"nothing tells it from {listed(same)}, which is the same operation, or must be told apart"
            if note not in self.notes:  # of the publish and of its draft
                self.notes.append(note)
        return claim

    def _template(self, one: Sent, name: str) -> tuple[str, Mapping[str, str]]:
        """The path with a name for each part that is an id, by its look or since other requests differ there."""
        path = segments(one.message.path)
        others = [
            segments(other.message.path)
            for other in self.sent
            if other.request.host == one.request.host and other is not one
        ]
        captures: dict[str, str] = {}
        made: list[str] = []
        for at, part in enumerate(path):
            varies = len({other[at] for other in others if _differs_only_at(other, path, at)}) > 1
            if part != name and (is_id(path, at, name) or (varies and at > 0)):
                key = _capture_name(path[at - 1] if at else "", captures)
                captures[key] = part
                made.append(f"{{{key}}}")
            else:
                made.append(part)
        return "/" + "/".join(made), captures

    def _part_from_draft(self, claim: Claim, draft: Claim) -> None:
        """Conditions that hold for the publish and not for the draft, where nothing else tells one from the other."""
        if (claim.template, claim.name, claim.sent.request.method) != (
            draft.template,
            draft.name,
            draft.sent.request.method,
        ):
            return
        given = {leaf.selector: leaf for leaf in leaves(claim.sent.message)}
        for leaf in leaves(draft.sent.message):
            drafted = is_flag(leaf) or plain(leaf.name) in STATES
            other = given.get(leaf.selector)
            if drafted and (other is None or other.value != leaf.value):
                if leaf.selector not in claim.where:
                    claim.where[leaf.selector] = {"truthy": False} if other is None else [_worded(other.value)]
                if "truthy" not in claim.where[leaf.selector]:  # else it is what the publish is not, as it stands
                    draft.where[leaf.selector] = [_worded(leaf.value)]

    def _guessed(self, claim: Claim) -> Kind:
        words = words_of(claim.sent) | {word.lower() for key in claim.captures for word in (key, key + "s")}
        if claim.sent.message.on_socket:
            guess = Kind.MESSAGE
        elif claim.sent.request.method in ("PUT", "PATCH") and claim.sent.has_marker:
            guess = Kind.EDIT
        else:
            guess = next((kind for kind, said in _GUESSES if words & {*said.split()}), Kind.POST)
        self.notes.append(f"`{guess}` is a guess, by the words of its path and name; `--activity` says it otherwise")
        return guess

    # ------------------------------------------------------------ hosts and surfaces

    def _hosts(self) -> dict[str, list[str]]:
        host = self.chosen.request.host
        page = _page(self.chosen.message)
        visited = [
            one.request.host
            for one in self.sent
            if one.message.header("sec-fetch-dest") == "document" and alike(one.request.host, host)
        ]
        found: dict[str, list[str]] = {"app": [*dict.fromkeys(visited)]}
        if page and page != host:
            if not alike(page, host):
                self.notes.append(
                    f"the page is on {page}, and posts to {host}: list that host only if it serves nothing else"
                )
            elif page not in found["app"]:
                found["app"].append(page)
        if host not in found["app"]:
            found["api" if found["app"] or page not in ("", host) else "app"] = [host]
        for draft in self.drafts:
            there = draft.request.host
            if not any(there in listed for listed in found.values()):
                found.setdefault("api", []).append(there)
        return {role: listed for role, listed in found.items() if listed}

    def _surfaces(
        self, base: Known | None, claim: Claim, draft: Claim | None, role: str
    ) -> tuple[dict[str, Any], str, str]:
        taken = set(base.document.surfaces) if base else set()
        name = free("sent", taken)
        made = {name: _surface(claim, role)}
        if draft is None:
            return made, name, name
        other = _surface(draft, self._role_of(draft, role))
        if other == made[name]:
            return made, name, name
        saved = free("saved", taken)
        return {**made, saved: other}, name, saved

    def _role_of(self, claim: Claim, role: str) -> str:
        host = claim.sent.request.host
        if host == self.chosen.request.host:
            return role
        known = self.platforms.at(host)
        if known:
            return known.role
        return next((name for name, listed in self._hosts().items() if host in listed), role)

    # ------------------------------------------------------------ the document

    def _signature(
        self, claim: Claim, draft: Claim | None, kind: Kind, surface: str, base: Known | None
    ) -> dict[str, Any]:
        taken = {one.id for one in base.document.signatures} if base else set()
        made: dict[str, Any] = {
            "id": free(str(kind), taken),
            "activity": str(kind),
            "confidence": "reported",
            "source": "a recording of our own",
            "seen": self.wish.day[:7],
            "surface": surface,
        }
        made |= _told_by(claim)
        texts = self._texts(claim)
        if texts:
            made["texts"] = texts
        if claim.sent.inline:
            made["anywhere"] = True
        if media := self._media(claim):
            made["media"] = {"id": media}
        if audience := self._field(claim, lambda leaf: plain(leaf.name) in AUDIENCE):
            made["audience"] = audience
        if target := self._target(claim, kind):
            made["target"] = target
            if kind in (Kind.EDIT, Kind.DELETE):
                made["changes"] = target
        if draft is not None and not claim.sent.has_marker:
            made["uses"] = self._link(claim, draft)
            made["gap"] = "sent-earlier"
        outcome: dict[str, str] = {}
        if found := next(ids_answered(claim.sent), None):
            outcome["id"] = found[0]
        if link := next(links_answered(claim.sent), None):
            outcome["url"] = link
        if outcome:
            made["outcome"] = outcome
        return made

    def _texts(self, claim: Claim) -> list[str]:
        """The marker's places, and what else in the request is a person's words."""
        made = [place.selector for place in claim.sent.places]
        held = {hold for place in claim.sent.places for hold in place.holds}
        return [*made, *(selector for selector in claim.others if selector not in held)]

    def _others(self, claim: Claim) -> tuple[str, ...]:
        """Selectors of other people's-words fields of the request, without the marker's."""
        message = claim.sent.message
        wanted = squeezed(self.wish.marker)
        held = {hold for place in claim.sent.places for hold in place.holds}
        told = {_leafed(text.field) for text in human_texts(message) if wanted not in squeezed(text.value)}
        found: dict[str, None] = {}
        for leaf in leaves(message):
            selector = leaf.selector
            if selector in held or leaf.place.startswith("query") or is_secret(leaf.name) or leaf.name == "query":
                continue
            value = leaf.value
            if not isinstance(value, str) or not value.strip() or selector in claim.where:
                continue
            titled = plain(leaf.name) in _TITLES and not bare(value)
            if _leafed(leaf.place) in told or titled:
                found[selector] = None
        roots = [place.selector.partition(" | runs")[0] for place in claim.sent.places if " | runs" in place.selector]
        return tuple(one for one in found if not any(one.startswith(root) for root in roots))[:OTHERS]

    def _media(self, claim: Claim) -> str | None:
        def named(leaf: Leaf) -> bool:
            names = re.findall(r"[\w-]+", leaf.place)
            near = [name for name in names if not name.isdigit()][-2:]
            return any(_MEDIA.fullmatch(name) for name in near) and bare(str(leaf.value)) and not _is_type(leaf)

        return self._field(claim, named)

    def _field(self, claim: Claim, fits: Any) -> str | None:
        held = {hold for place in claim.sent.places for hold in place.holds}
        for leaf in leaves(claim.sent.message):
            usable = isinstance(leaf.value, str | int) and not isinstance(leaf.value, bool) and str(leaf.value)
            if usable and leaf.selector not in held and leaf.selector not in claim.where and fits(leaf):
                return leaf.selector
        return None

    def _target(self, claim: Claim, kind: Kind) -> str | None:
        if claim.captures:
            return f"path.{[*claim.captures][-1]}"
        if kind is Kind.POST:
            return None
        return self._field(claim, lambda leaf: bool(_TARGET.fullmatch(leaf.name)) and bare(str(leaf.value)))

    def _link(self, claim: Claim, draft: Claim) -> str:
        """Where the publish names the draft's id."""
        ids = {*draft.captures.values(), *(identity for _, identity in ids_answered(draft.sent))}
        for key, value in claim.captures.items():
            if value in ids:
                return f"path.{key}"
        return self._field(claim, lambda leaf: str(leaf.value) in ids) or "path.id"

    def _housekeeping(self, draft: Claim, surface: str) -> dict[str, Any]:
        made: dict[str, Any] = {"surface": surface, **_told_by(draft), "reason": "draft"}
        if self.chosen.has_marker:
            return made
        keeps: dict[str, Any] = {"texts": self._texts(draft)}
        wanted = {*named_ids(self.chosen)}
        belongs = next((key for key, value in draft.captures.items() if value in wanted), None)
        if belongs:
            keeps["belongs"] = f"path.{belongs}"
            keeps["whole"] = {draft.sent.places[0].holds[0]: {"given": True}}
        elif gives := next((selector for selector, value in ids_answered(draft.sent) if value in wanted), None):
            keeps["gives"] = gives
        made["keeps"] = keeps
        return made

    def _document(
        self,
        platform: str,
        base: Known | None,
        hosts: Mapping[str, Sequence[str]],
        surfaces: Mapping[str, Any],
        signature: Mapping[str, Any],
        housekeeping: Mapping[str, Any] | None,
    ) -> tuple[str, str]:
        """The document whole, and what is new in it."""
        surfaced = "".join(block({name: made}, 2) for name, made in surfaces.items())
        signed = block([signature], 2)
        kept = block([housekeeping], 2) if housekeeping else ""
        if base is not None:
            text = _put_in(_put_in(base.text, "surfaces", surfaced), "signatures", signed)
            pieces = f"# under `surfaces`:\n{surfaced}# first under `signatures`:\n{signed}"
            if kept:
                text = _put_in(text, "housekeeping", kept)
                pieces += f"# first under `housekeeping`:\n{kept}"
            return text, pieces
        comment = (
            "# Learnt from a recording. Decide what is marked, and run `gerbang platforms test` after each change.\n"
        )
        text = comment + block({"platform": platform, "title": platform.replace("-", " ").title()}, 0)
        wrapped = {"wrapped": self.chosen.message.wrapped} if self.chosen.message.wrapped else {}
        text += block({"version": self.wish.day, **wrapped, "hosts": hosts}, 0)
        text += self._suggested_account()
        text += f"surfaces:\n{surfaced}signatures:\n{signed}"
        if kept:
            text += f"housekeeping:\n{kept}"
        return text, text

    def _suggested_account(self) -> str:
        names = [
            name
            for name, value in self.chosen.message.cookies
            if _ACCOUNT.search(name) and not is_secret(name) and 0 < len(value) <= 60
        ]
        if not names:
            return "# account: nothing in the recording says plainly who acts; see docs/platforms.md\n"
        listed = ", ".join(f"cookie.{name}" for name in names[:3])
        return f"# decide: does one of these name the acting account? {listed}\n# account: {{id: cookie.{names[0]}}}\n"

    # ------------------------------------------------------------ what is told

    def _tell(self, claim: Claim, base: Known | None) -> None:
        if claim.sent.inline:
            self.notes.append(
                "no selector parts the words from what stands about them, so all words of the request are taken"
            )
        for place in claim.sent.places:
            if not place.exact:
                self.notes.append(f"`{place.selector}` gives more than the marker: look at what stands beside it")
        if claim.captures:
            self.notes.append(f"taken for ids in the path: {', '.join(f'{{{key}}}' for key in claim.captures)}")
        if not claim.name and not claim.where:
            self.notes.append("it is told by method and path alone; a field that names the operation was not found")
        if base is None:
            self.notes.append(
                "hosts that are listed are decrypted: list none that serves other things than the platform"
            )


def _surface(claim: Claim, role: str) -> dict[str, Any]:
    made: dict[str, Any] = {"hosts": role, "method": claim.sent.request.method}
    if claim.name:
        made["name"] = claim.name[0]
    return made


def _told_by(claim: Claim) -> dict[str, Any]:
    made: dict[str, Any] = {"path": claim.template}
    if claim.name:
        made["name"] = claim.name[1]
    if claim.where:
        made["where"] = {selector: one[0] if isinstance(one, list) else one for selector, one in claim.where.items()}
    return made


def _put_in(text: str, key: str, piece: str) -> str:
    """A document with something more, first under one of its keys."""
    found = re.search(rf"^{key}:[ \t]*(#.*)?\n", text, re.MULTILINE)
    if found is None:
        if re.search(rf"^{key}:", text, re.MULTILINE):
            raise DocumentError(
                f"the document has its `{key}` on one line, so nothing can be put under it",
                hint="write them a line each, or put in what is printed without `--out`",
            )
        return text.rstrip() + f"\n{key}:\n{piece}"
    return text[: found.end()] + piece + text[found.end() :]


def _fits(template: str, path: str) -> bool:
    given, parts = segments(path), segments(template)
    return len(given) == len(parts) and all(
        part.startswith("{") or part == one for part, one in zip(parts, given, strict=True)
    )


def _has(other: Sent, selector: str) -> bool:
    return any(leaf.selector == selector for leaf in leaves(other.message))


def _differs_only_at(other: Sequence[str], path: Sequence[str], at: int) -> bool:
    return len(other) == len(path) and all(
        one == two for number, (one, two) in enumerate(zip(other, path, strict=True)) if number != at
    )


def _capture_name(before: str, taken: Mapping[str, str]) -> str:
    word = "" if before.lower() in INTERFACES else re.sub(r"[^a-z]", "", before.lower())
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return free(word if len(word) > 2 else "id", {*taken})


def free(name: str, taken: set[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}-{number}", number + 1
    return made


def _page(message: Message) -> str:
    """The host of the page that sent a request."""
    try:
        return (urlsplit(message.header("origin") or message.header("referer")).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _named_after(host: str) -> str:
    labels = host.split(".")
    plain = [label for label in labels[:-1] if label not in _GENERIC and label not in SECOND]
    name = re.sub(r"[^a-z0-9-]", "", (plain or labels)[-1 if len(plain) == 1 else 0])
    return name if re.match("[a-z]", name) else f"site-{name}"


def _worded(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_type(leaf: Leaf) -> bool:
    return plain(leaf.name) in ("type", "kind", "mime", "mimetype", "contenttype", "count", "size", "width", "height")


def _leafed(place: str) -> str:
    """A place as both ways of finding it say it: without the root's own name."""
    return re.sub(r"^(field|form|query|json|variables)\b(\.variables)?", "", opened(place))
