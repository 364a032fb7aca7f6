"""Cases of a platform: requests in their real shape, and the activity that each must give.

    - name: a post is read with its words
      request: {url: "https://x.com/i/api/graphql/AbC/CreateTweet", json: {variables: {tweet_text: Selamat pagi}}}
      expect: {activity: post, signature: post, texts: [Selamat pagi]}
      near:
        - {name: asked for with GET, request: {method: GET}, expect: null, reason: read}
        - {name: as an answer, set: {variables.reply.in_reply_to_tweet_id: "9"}, expect: {activity: comment}}

A near case takes over its case's request and changes it: keys of `request` replace (`null` takes away), `set` and
`drop` change fields of the JSON or form body. `texts` and `gaps` are always compared, other keys where given.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlsplit

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard
from pydantic import AfterValidator, BeforeValidator, Field

from gerbang.documents import Plain, Steps, listed, read_yaml, shown, told, validated
from gerbang.errors import DocumentErrors, GerbangError, Place
from gerbang.model import SOCKET, Activity, Gap, Request
from gerbang.recognition.document import Part, PlatformDocument
from gerbang.recognition.matcher import Platforms, compile_platforms
from gerbang.recognition.recognise import Recognition, recognise, recognise_unread
from gerbang.recognition.series import Answer, Series

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}
BOUNDARY = "----gerbangcases"


def _pairs(value: Any) -> Any:
    return list(value.items()) if isinstance(value, Mapping) else value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise told(f"`{shown(value)}` is no whole address", "write it like `https://x.com/home`, or `wss://x.com/ws`")
    return value


def _worded(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_worded)]
Fields = Annotated[tuple[tuple[Word, Word | None], ...], BeforeValidator(_pairs)]


class PartOfForm(Part):
    name: str
    text: str | None = None
    base64: str | None = None
    filename: str | None = None
    type: str | None = None


class CaseRequest(Part):
    """`url` is whole. The body is one of `json`, `form`, `parts` (multipart), `text`, `base64`; or it is `unread`.

    With `wss://` it is one message on the socket which that address opens.
    """

    url: Annotated[str, AfterValidator(_url)] = ""
    method: str | None = None
    headers: Mapping[str, str | None] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    form: Fields | None = None
    parts: tuple[PartOfForm, ...] | None = None
    text: str | None = None
    base64: str | None = None
    encoding: Literal["gzip", "deflate", "br", "zstd"] | None = None
    target: str | None = None
    """The target as sent, where it is not the path and query of `url`."""
    unread: bool = False
    given_up: str | None = None
    """The gap's reason where the body was given up on."""


class ExpectedMedia(Part):
    id: Word | None = None
    type: str | None = None
    name: str | None = None
    digest: str | None = None
    size: int | None = None


class Expected(Part):
    activity: str
    signature: str | None = None
    texts: tuple[Word, ...] = ()
    gaps: tuple[str, ...] = ()
    account: Word | None = None
    audience: Word | None = None
    target: Word | None = None
    changes: Word | None = None
    media: tuple[ExpectedMedia, ...] | None = None
    belongs: Annotated[tuple[Word, ...], BeforeValidator(listed)] = ()
    uses: Annotated[tuple[Word, ...], BeforeValidator(listed)] = ()
    belongs_to: Annotated[tuple[Word, ...], BeforeValidator(listed)] = ()
    sent_earlier: Annotated[tuple[Word, ...], BeforeValidator(listed)] = ()
    unclaimed: bool = False


class AnswerOfCase(Part):
    """What the platform answered to an earlier request."""

    status: int = 200
    headers: Mapping[str, str] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    text: str = ""


class EarlierRequest(Part):
    """A request of the same person's that went out before, with its answer; `sent_earlier` counts them from 1."""

    request: CaseRequest
    answer: AnswerOfCase = AnswerOfCase()


class NearCase(Part):
    name: str
    before: tuple[EarlierRequest, ...] | None = None
    request: Mapping[str, Any] = Field(default_factory=dict)
    set: Mapping[str, Any] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()
    expect: Annotated[tuple[Expected, ...] | None, BeforeValidator(lambda v: [v] if isinstance(v, Mapping) else v)]
    reason: str | None = None
    awaits_body: bool = False


class Case(Part):
    name: str
    request: CaseRequest
    expect: Annotated[tuple[Expected, ...] | None, BeforeValidator(lambda v: [v] if isinstance(v, Mapping) else v)]
    reason: str | None = None
    awaits_body: bool = False
    before: tuple[EarlierRequest, ...] = ()
    near: tuple[NearCase, ...] = ()


class Defaults(Part):
    headers: Mapping[str, str] = Field(default_factory=dict)


class CaseDocument(Part):
    """`sites` gives the hosts of self-hosted software in these cases."""

    platform: str
    sites: tuple[str, ...] = ()
    defaults: Defaults = Defaults()
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One request with what it must give, and what was sent before it. `signature` is the expected one, `None` where
    it is no act."""

    name: str
    place: Place
    request: Request
    given_up: str | None
    expected: tuple[Expected, ...] | None
    reason: str | None
    awaits_body: bool
    before: tuple[tuple[Request, Answer], ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    trial: Trial
    what: str

    def __str__(self) -> str:
        return f"{self.trial.place}: {self.trial.name}: {self.what}"


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one platform, near ones unfolded."""

    platform: str
    sites: tuple[str, ...]
    trials: tuple[Trial, ...]


def parse_cases(text: str, file: str) -> Cases:
    """The cases, or `DocumentErrors` with a line for each thing that is wrong."""
    tree = read_yaml(text, file)
    document = validated(CaseDocument, tree)
    trials: list[Trial] = []
    errors: list[GerbangError] = []
    for number, case in enumerate(document.cases):
        trials.append(_trial(case, case.request, document, tree.place(("cases", number)), case.name, case.before))
        for index, near in enumerate(case.near):
            path: Steps = ("cases", number, "near", index)
            name = f"{case.name}, {near.name}"
            try:
                changed = _changed(tree.written(("cases", number, "request")), near)
                request = validated(CaseRequest, replace(tree.under((*path, "request")), value=changed))
            except DocumentErrors as several:
                errors += several.errors
            except (LookupError, TypeError, ValueError):
                errors.append(tree.error(path, f"`{shown(near.name)}` changes a field that is not there"))
            else:
                before = case.before if near.before is None else near.before
                trials.append(_trial(near, request, document, tree.place(path), name, before))
    if errors:
        raise DocumentErrors(errors)
    return Cases(document.platform, document.sites, tuple(trials))


def run_cases(cases: Cases, document: PlatformDocument, others: Sequence[PlatformDocument] = ()) -> tuple[Failure, ...]:
    """Every case that gives something else than it must. Among `others` is the document that this one uses."""
    return tuple(failing(cases, document, others))


def failing(cases: Cases, document: PlatformDocument, others: Sequence[PlatformDocument] = ()) -> Iterator[Failure]:
    """The same, one by one as they are found."""
    used = [other for other in others if other.platform == document.uses]
    platforms = compile_platforms([*used, document], dict.fromkeys(cases.sites, document.platform))
    for trial in cases.trials:
        if trial.given_up is not None:
            found = recognise_unread(trial.request, Gap(trial.given_up), platforms)
        else:
            found = recognise(trial.request, platforms)
        if trial.before:
            found = with_earlier(found, trial, platforms)
        yield from (Failure(trial, what) for what in _differences(trial, found))


def with_earlier(found: Recognition, trial: Trial, platforms: Platforms) -> Recognition:
    """What was found, as the gate judges it after the requests before."""
    series = Series(platforms)
    for number, (request, answer) in enumerate(trial.before, 1):
        series.goes_out(request, recognise(request, platforms), answer, str(number))
    return replace(found, activities=tuple(series.with_earlier(one) for one in found.activities))


# ---------------------------------------------------------------- comparing


def _differences(trial: Trial, found: Recognition) -> Iterator[str]:
    if found.awaits_body != trial.awaits_body:
        yield "the body is wanted" if found.awaits_body else "the body is not wanted"
    expected = trial.expected or ()
    if len(found.activities) != len(expected):
        kinds = (
            ", ".join(f"`{one.kind}` by `{one.signature}`" for one in found.activities) or f"no act ({found.reason})"
        )
        yield f"gives {kinds}, not " + (", ".join(f"`{one.activity}`" for one in expected) or "no act")
        return
    if not expected and trial.reason is not None and found.reason != trial.reason:
        yield f"is no act because of `{found.reason}`, not `{trial.reason}`"
    for activity, wanted in zip(found.activities, expected, strict=True):
        yield from _unlike(activity, wanted)


def _unlike(activity: Activity, wanted: Expected) -> Iterator[str]:
    given: dict[str, Any] = {
        "activity": str(activity.kind),
        "texts": tuple(text.value for text in activity.texts),
        "gaps": tuple(gap.reason for gap in activity.gaps),
        "unclaimed": activity.unclaimed,
        "signature": activity.signature,
        "account": activity.account.id or activity.account.handle,
        "audience": activity.audience,
        "target": activity.target,
        "changes": activity.changes,
        "belongs": activity.step.belongs if activity.step else (),
        "uses": activity.step.uses if activity.step else (),
        "belongs_to": activity.belongs_to,
        "sent_earlier": activity.sent_earlier,
    }
    always = {"activity", "texts", "gaps", "unclaimed"}
    for name, value in given.items():
        if (name in always or name in wanted.model_fields_set) and value != getattr(wanted, name):
            yield f"{name} is `{value}`, not `{getattr(wanted, name)}`"
    if wanted.media is not None:
        if len(wanted.media) != len(activity.media):
            yield f"has {len(activity.media)} attachments, not {len(wanted.media)}"
            return
        for media, expected in zip(activity.media, wanted.media, strict=True):
            for name in expected.model_fields_set:
                if getattr(media, name) != getattr(expected, name):
                    yield f"attachment's {name} is `{getattr(media, name)}`, not `{getattr(expected, name)}`"


# ---------------------------------------------------------------- requests


def _trial(
    case: Case | NearCase,
    request: CaseRequest,
    document: CaseDocument,
    place: Place,
    name: str,
    before: Sequence[EarlierRequest],
) -> Trial:
    headers = document.defaults.headers
    return Trial(
        name=name,
        place=place,
        request=build(request, headers),
        given_up=request.given_up,
        expected=case.expect,
        reason=case.reason,
        awaits_body=case.awaits_body,
        before=tuple((build(one.request, headers), _answer(one.answer)) for one in before),
    )


def _answer(answer: AnswerOfCase) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body = answer.text.encode()
    if answer.json_body is not None:
        body = json.dumps(answer.json_body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **headers}
    return Answer(answer.status, tuple(headers.items()), body)


def build(case: CaseRequest, defaults: Mapping[str, str] | None = None) -> Request:
    """The request as a client sends it."""
    body, content_type = _body(case)
    headers = {name.lower(): value for name, value in (defaults or {}).items()}
    url = urlsplit(case.url)
    on_socket = url.scheme in ("ws", "wss")
    if content_type and not on_socket:
        headers["content-type"] = content_type
    if case.encoding and body:
        body = ENCODERS[case.encoding](body)
        headers["content-encoding"] = case.encoding
    for name, value in case.headers.items():
        if value is None:
            headers.pop(name.lower(), None)
        else:
            headers[name.lower()] = value
    target = case.target or (url.path or "/") + (f"?{url.query}" if url.query else "")
    sends = body or case.unread or case.given_up
    method = case.method or (SOCKET if on_socket else "POST" if sends else "GET")
    unread = case.unread or case.given_up is not None
    return Request(method, url.hostname or "", target, tuple(headers.items()), None if unread else body)


def _body(case: CaseRequest) -> tuple[bytes, str | None]:
    if "json_body" in case.model_fields_set and case.json_body is not None:
        return json.dumps(case.json_body, ensure_ascii=False).encode(), "application/json"
    if case.form is not None:
        fields = (f"{quote_plus(name)}={quote_plus(value or '')}" for name, value in case.form)
        return "&".join(fields).encode(), "application/x-www-form-urlencoded"
    if case.parts is not None:
        return multipart(case.parts), f"multipart/form-data; boundary={BOUNDARY}"
    if case.text is not None:
        return case.text.encode(), None
    if case.base64 is not None:
        return base64.b64decode(case.base64), None
    return b"", None


def multipart(parts: tuple[PartOfForm, ...]) -> bytes:
    body = b""
    for part in parts:
        disposition = f'form-data; name="{part.name}"' + (f'; filename="{part.filename}"' if part.filename else "")
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n".encode()
        if part.type:
            body += f"Content-Type: {part.type}\r\n".encode()
        data = base64.b64decode(part.base64) if part.base64 is not None else (part.text or "").encode()
        body += b"\r\n" + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def _changed(raw: Plain, near: NearCase) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(json.dumps(raw))
    bodies = {"json", "form", "parts", "text", "base64"}
    if bodies & set(near.request):
        request = {key: value for key, value in request.items() if key not in bodies}
    for key, value in near.request.items():
        if key == "headers" and isinstance(value, Mapping):
            request["headers"] = {**request.get("headers", {}), **value}
        elif value is None:
            request.pop(key, None)
        else:
            request[key] = value
    for path, value in near.set.items():
        holder, last = _holder(request, path)
        if isinstance(holder, list):
            holder[int(last)] = value
        else:
            holder[last] = value
    for path in near.drop:
        holder, last = _holder(request, path)
        del holder[last]
    return request


def _holder(request: dict[str, Any], path: str) -> tuple[Any, str]:
    """The object in the body that holds a field, made where it is missing. A form's names are taken whole."""
    if "form" in request:
        if not isinstance(request["form"], dict):
            raise TypeError("a form of pairs")
        return request["form"], path
    holder = request.setdefault("json", {})
    *names, last = path.split(".")
    for name in names:
        if isinstance(holder, list):
            holder = holder[int(name)]
        else:
            if not isinstance(holder.get(name), dict | list):
                holder[name] = {}
            holder = holder[name]
    return holder, last
