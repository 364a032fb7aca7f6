"""Platform documents: hosts by role, and one signature per operation. `policies/platforms/NAME.yaml`.

A *surface* is a way of speaking to the platform (GraphQL, a REST prefix, an admin page): host roles, methods,
path, and where the operation's name stands. A signature is an operation on a surface; a housekeeping entry is
an operation that is no act. Signatures are tried in the order written, housekeeping after all of them.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from gerbang import documents
from gerbang.documents import Steps, Tree, listed, read_yaml, refuse, shown, spelled, told, validated
from gerbang.errors import DocumentError, one_of
from gerbang.model import SOCKET, Confidence, Kind
from gerbang.recognition.patterns import compile_pattern
from gerbang.recognition.secrets import is_secret
from gerbang.wire.charsets import known
from gerbang.wire.framed import Framing
from gerbang.wire.selectors import parse_selector

ROLES = ("app", "api", "upload", "cards", "chat", "cdn", "telemetry")
Role = Literal["app", "api", "upload", "cards", "chat", "cdn", "telemetry"]

INERT_ROLES = frozenset({"cdn", "telemetry"})
"""Hosts of these roles carry no acts."""


class Part(documents.Part):
    """A part of a document whose keys are partly words of Python's: in code they have other names."""

    model_config = ConfigDict(populate_by_name=True)


def _selector(value: str) -> str:
    parse_selector(value)
    return value


# What forums put below whatever somebody writes there, and no seal on a request.
_SIGNATURES = frozenset({"signature", "signature_html", "signature_raw"})


def _text_selector(value: str) -> str:
    for name in parse_selector(value).last_names:
        if is_secret(name) and name not in _SIGNATURES:
            raise ValueError(f"`{value}` is named like a secret, which is never taken as text")
    return value


def _pattern(value: str) -> str:
    try:
        compile_pattern(value)
    except ValueError as error:
        raise ValueError(f"`{value}` is no RE2 pattern: {error}") from error
    return value


def _charset(value: str) -> str:
    if known(value) is None:
        raise told(f"unknown charset `{shown(value)}`", "write one such as `gbk` or `windows-1252`")
    return value


def _worded(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value


Name = Annotated[str, spelled("[a-z][a-z0-9-]*", "name", "use small letters, digits and hyphens")]
Reason = Annotated[str, spelled("[a-z][a-z-]*", "reason", "use small letters and hyphens")]
SelectorText = Annotated[str, AfterValidator(_selector)]
Word = Annotated[str, BeforeValidator(_worded)]
Words = Annotated[tuple[Word, ...], BeforeValidator(listed)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Charset = Annotated[str, AfterValidator(_charset)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "SOCKET"]


class Condition(Part):
    """What a field must be. Where a field occurs more than once, one value that fits is enough."""

    one_of: Words = ()
    none_of: Words = ()
    """Met by absence too: only fields that are certainly one of these are refused."""
    present: bool | None = None
    """Whether there is a value that is not empty."""
    given: bool | None = None
    """Whether the field is there at all, empty or not."""
    truthy: bool | None = None
    """As PHP takes it: `0`, false, empty and absent are not, and the word `false` is."""
    matches: Pattern | None = None
    excludes: Pattern | None = None
    """A pattern that is found in no value; met by absence too."""
    words: bool | None = None
    """Whether its values together hold a person's words, as those of a write that no signature claims do."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        return data if isinstance(data, Mapping) else {"one_of": data}


class Value(Part):
    """One value: from a selector, the first group of a pattern in it, put into a form (`comment-{}`); or a constant."""

    source: SelectorText | None = Field(default=None, alias="from")
    match: Pattern | None = None
    form: str | None = Field(default=None, alias="as")
    value: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        return {"from": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise told("a value has either `from` or `value`")
        return self


Values = Annotated[tuple[Value, ...], BeforeValidator(listed)]
Texts = Annotated[tuple[Annotated[str, AfterValidator(_text_selector)], ...], BeforeValidator(listed)]


class AccountSource(Part):
    id: Value | None = None
    handle: Value | None = None
    agree: bool = False
    """Whether nobody is named where the places that name somebody name several."""


Accounts = Annotated[tuple[AccountSource, ...], BeforeValidator(listed)]


class MediaSource(Part):
    """Where an attachment stands: its id, or the file itself, or both.

    Of an id every value counts, and in each every match of its pattern; several in one text stand between commas.
    Where a file comes in several requests, `part` is the number of this part (from 0), `offset` the bytes before it.
    """

    id: Value | None = None
    file: SelectorText | None = None
    type: SelectorText | None = None
    name: SelectorText | None = None
    size: SelectorText | None = None
    part: Value | None = None
    offset: Value | None = None


Medias = Annotated[tuple[MediaSource, ...], BeforeValidator(listed)]


class OutcomeSource(Part):
    """Where the response names the new post. In `link`, `{id}` stands for its id."""

    id: Values = ()
    url: Values = ()
    link: str | None = None


class SocketRefusalShape(Part):
    """What the page gets on its socket in place of what it sent. Without one, the socket is closed."""

    message: str
    content_type: str = "application/json"
    id: Value | None = None
    """By what the page knows which of its messages this is about."""


class StepKeys(Part):
    """What makes one act of several: see `model.Step`. An upload belongs to the media that it names and gives the id
    that its outcome names; what else names media uses them.
    """

    belongs: Values = ()
    gives: Values = ()
    """Where the answer names what was sent, for later steps."""
    whole: Mapping[SelectorText, Condition] = Field(default_factory=dict)
    """What must be so for the words of this step to be all the words of the thing. Who gives an id says them all."""


class Surface(Part):
    hosts: Annotated[tuple[Role, ...], BeforeValidator(listed)]
    method: Annotated[tuple[Method, ...], BeforeValidator(listed)] = ("POST",)
    under: Annotated[tuple[str, ...], BeforeValidator(listed)] = ("",)
    name: SelectorText | None = None
    wordless: Mapping[SelectorText, Condition] = Field(default_factory=dict)
    """What must be so of an operation that takes no words: where the name is whatever the caller writes, one that is
    called so and brings some is another one."""
    override: bool = False
    """Whether the platform lets a header or field replace the method here."""
    subprotocol: Words = ()
    """Of a socket: the subprotocol that the platform chose."""
    refusal: SocketRefusalShape | None = None
    framing: Framing | None = None
    """Of a socket: the protocol whose packets its binary messages hold."""


class Claim(Part):
    """An operation on a surface: what `path`, `name`, `method` and fields it is known by."""

    surface: str
    path: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    name: Words = ()
    method: Annotated[tuple[Method, ...], BeforeValidator(listed)] = ()
    where: Mapping[SelectorText, Condition] = Field(default_factory=dict)


class Edits(Part):
    """Changes of a list of paragraphs, in the order in which they are made; each names a place in the list."""

    each: SelectorText
    kind: Word
    """Where in a change its kind stands, `type`; the three after it say which kind does what."""
    insert: Words
    replace: Words
    remove: Words
    at: Word
    """Where the place stands, counted from 0."""
    text: Word
    """Where the words stand, `paragraph.text`."""


class Keeps(StepKeys):
    """What of a request that is no act is kept in memory until it is published: a draft's words."""

    texts: Texts = ()
    media: Medias = ()
    edits: Edits | None = None
    """Where words come as changes of paragraphs that were sent before."""


class Housekeeping(Claim):
    """Requests that are no act: reads by POST, drafts, typing, telemetry.

    Every name that a request gives its operation must be one of these: one of several may be there to mislead.
    """

    reason: Reason = "housekeeping"
    keeps: Keeps | None = None


class Signature(Claim, StepKeys):
    id: Name
    activity: Kind
    confidence: Confidence = Confidence.CONFIRMED
    source: str = ""
    seen: Annotated[Word, spelled(r"(\d{4}(-\d{2})?)?", "month", "write when it was seen as `2026-11`")] = ""
    account: Accounts = ()
    texts: Texts = ()
    anywhere: bool = False
    """Whether words in other fields are taken too, as of an unclaimed write: where it is not known where they stand."""
    media: Medias = ()
    uses: Values = ()
    """What was sent earlier and goes out with this, beside its media. Of each selector every value counts."""
    audience: Values = ()
    target: Values = ()
    changes: Values = ()
    gap: Reason | None = None
    gap_where: Mapping[SelectorText, Condition] = Field(default_factory=dict)
    """Fields that must be so for the gap to be there; without any it always is."""
    outcome: OutcomeSource | None = None
    autosaved: bool = False
    """Whether an editor sends it by itself, with the same words again and again."""


class Batch(Claim):
    """A request that holds several. `each` gives the elements; for REST, selectors within each start with `json`.

    A body that is a text is a form, or JSON. Without `element_path` each is sent to `prefix` itself.
    """

    each: SelectorText
    calls: bool = False
    """Whether the elements are XML-RPC calls (`methodName`, `params`)."""
    http: bool = False
    """Whether the elements are whole requests, parts of the type `application/http`."""
    element_method: SelectorText = "json.method"
    element_path: SelectorText | None = "json.path"
    element_body: SelectorText = "json.body"
    element_variables: SelectorText | None = None
    """Where GraphQL's variables stand, if not as `variables` in the body."""
    prefix: str = ""


class RefusalShape(Part):
    """How a page or program of the platform reads a refusal; on some `hosts` and `under` some paths, or anywhere."""

    hosts: Annotated[tuple[Role, ...], BeforeValidator(listed)] = ()
    under: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    status: int = 403
    content_type: str = "application/json"
    body: str


class MethodOverride(Part):
    """Fields that replace the method on surfaces with `override`, the first of them that is given."""

    source: Annotated[tuple[SelectorText, ...], BeforeValidator(listed)] = Field(alias="from")


class Route(Part):
    """A field that holds the path which the server will take instead of the one in the request line.

    Scripts at the paths of `unless` look at no such field, and for their sake a body is not read.
    """

    source: SelectorText = Field(alias="from")
    prefix: str = ""
    unless: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()


class Marker(Part):
    """What tells self-hosted software on a host that nobody listed."""

    path: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    where: Mapping[SelectorText, Condition] = Field(default_factory=dict)


_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HostPattern = Annotated[
    str,
    spelled(rf"(\*\.)?{_LABEL}(\.{_LABEL})+", "host", "write `contoh.my`, or `*.contoh.my` for what is under it", 253),
]


class PlatformDocument(Part):
    platform: Name
    title: str
    version: Annotated[
        Word,
        spelled(
            r"(\d{4}-\d{2}-\d{2}|\d+(\.\d+){0,3})?", "version", "write a day as `2026-11-24`, or numbers as `1.4.2`"
        ),
    ] = ""
    self_hosted: bool = False
    """Whether others run it too: its `hosts` are well-known ones, and what it numbers counts for a host. A document
    without `hosts` is of such software in any case."""
    uses: Name | None = None
    """The platform whose software runs here too: what this document does not say itself is taken from that one's."""
    php: bool = False
    """Whether the server is PHP, to which `post.title` and `post_title` are one name."""
    camel: bool = False
    """Whether its JSON is that of Protocol Buffers, in which `video_id` and `videoId` are one name."""
    wrapped: str | None = None
    """The form's field that holds all the others as JSON, behind a signature."""
    charset: Charset | None = None
    """That of its forms, where they are no UTF-8 and browsers do not say what they are."""
    hosts: Mapping[Role, tuple[HostPattern, ...]] = Field(default_factory=dict)
    markers: tuple[Marker, ...] = ()
    account: Accounts = ()
    method_override: MethodOverride | None = None
    routes: tuple[Route, ...] = ()
    refusal: Annotated[tuple[RefusalShape, ...], BeforeValidator(listed)] = ()
    surfaces: Mapping[str, Surface]
    batches: tuple[Batch, ...] = ()
    signatures: tuple[Signature, ...]
    housekeeping: tuple[Housekeeping, ...] = ()

    @property
    def on_sites(self) -> bool:
        """Whether this is software that stands on hosts of whoever runs it."""
        return self.self_hosted or not self.hosts


def parse_platform(text: str, file: str) -> PlatformDocument:
    """The document, or `DocumentErrors` with a line for each thing that is wrong."""
    tree = read_yaml(text, file)
    document = validated(PlatformDocument, tree)
    refuse(_contradictions(document, tree))
    return document


def _to_one_place(batch: Batch) -> bool:
    return bool(batch.prefix) and batch.element_path is None


def _contradictions(document: PlatformDocument, tree: Tree) -> Iterator[DocumentError]:
    """What no part can see of itself: names that point nowhere, ids that stand twice, a login that would be read."""
    seen: dict[str, int | None] = {}
    for name, surface in document.surfaces.items():
        for key in ("subprotocol", "refusal", "framing") if SOCKET not in surface.method else ():
            if getattr(surface, key):
                yield tree.error(("surfaces", name, key), f"`{key}` is for surfaces with the method `SOCKET`", key=True)
        if surface.override and SOCKET in surface.method:
            yield tree.error(("surfaces", name, "override"), "the method of a message cannot be replaced", key=True)
    for number, shape in enumerate(document.refusal):
        for path in shape.under:
            if not path.startswith("/"):
                yield tree.error(("refusal", number, "under"), f"path `{shown(path)}` must start with `/`")
    groups = {
        "signatures": document.signatures,
        "housekeeping": document.housekeeping,
        "batches": document.batches,
    }
    for group, claims in groups.items():
        for number, claim in enumerate(claims):
            at: Steps = (group, number)
            if claim.surface not in document.surfaces:
                hint = one_of(document.surfaces, claim.surface)
                yield tree.error((*at, "surface"), f"unknown surface `{shown(claim.surface)}`", hint)
                continue
            surface = document.surfaces[claim.surface]
            if isinstance(claim, Batch) and SOCKET in (claim.method or surface.method) and not _to_one_place(claim):
                hint = "let its elements go to a `prefix`, with `element_path: null`"
                yield tree.error((*at, "surface"), "a batch is of requests, not of messages on a socket", hint)
            if claim.name and surface.name is None:
                yield tree.error((*at, "name"), f"surface `{claim.surface}` has no `name`", key=True)
            for path in templates(surface, claim):
                if not path.startswith("/"):
                    yield tree.error((*at, "path"), f"path `{shown(path)}` must start with `/`")
            if isinstance(claim, Signature):
                if claim.id in seen:
                    first = f"the first is on line {seen[claim.id]}"
                    yield tree.error((*at, "id"), f"two signatures are called `{claim.id}`", first)
                seen.setdefault(claim.id, tree.place((*at, "id")).line)
                if claim.activity is Kind.LOGIN and _reads_body(claim, surface):
                    yield tree.error(at, f"`{claim.id}` is a login, whose body is never read")
                if claim.autosaved and not (claim.texts and claim.target):
                    hint = "say what is saved and where: `texts` and `target`"
                    yield tree.error((*at, "autosaved"), f"`{claim.id}` is autosaved without both", hint, key=True)


def _reads_body(claim: Signature, surface: Surface) -> bool:
    selectors = [*claim.where, *([surface.name] if surface.name and claim.name else [])]
    if claim.texts or claim.media or claim.anywhere:
        return True
    values = [*claim.audience, *claim.target, *claim.changes, *claim.belongs, *claim.uses]
    values += [value for account in claim.account for value in (account.id, account.handle) if value]
    selectors += [value.source for value in values if value.source]
    return any(parse_selector(name).needs_body for name in selectors)


def merged(document: PlatformDocument, base: PlatformDocument) -> PlatformDocument:
    """A document with what it takes from the one that it `uses`.

    Its own surfaces stand for the other's of the same name, its own signatures for those of the same id. Its claims are
    tried before the other's. What else it says itself is not taken.
    """
    own = {signature.id for signature in document.signatures}
    keys = ("account", "routes", "method_override", "refusal")
    taken = {name: getattr(base, name) for name in keys if not getattr(document, name)}
    return document.model_copy(
        update={
            **taken,
            "php": document.php or base.php,
            "camel": document.camel or base.camel,
            "wrapped": document.wrapped or base.wrapped,
            "charset": document.charset or base.charset,
            "surfaces": {**base.surfaces, **document.surfaces},
            "batches": (*document.batches, *base.batches),
            "signatures": (*document.signatures, *(one for one in base.signatures if one.id not in own)),
            "housekeeping": (*document.housekeeping, *base.housekeeping),
        }
    )


def at_one_host(document: PlatformDocument) -> PlatformDocument:
    """A document as it is spoken on a site, which is one host for all and has the role `app`."""
    surfaces = {
        name: surface.model_copy(update={"hosts": _with_app(surface.hosts)})
        for name, surface in document.surfaces.items()
    }
    refusal = tuple(
        shape.model_copy(update={"hosts": _with_app(shape.hosts)}) if shape.hosts else shape
        for shape in document.refusal
    )
    return document.model_copy(update={"surfaces": surfaces, "refusal": refusal})


def _with_app(hosts: tuple[Role, ...]) -> tuple[Role, ...]:
    return hosts if "app" in hosts else (*hosts, "app")


def templates(surface: Surface, claim: Claim) -> tuple[str, ...]:
    """The paths of a claim: each `under` of its surface with each of its own; a name that stands in it put there."""
    paths = [f"{under}{path}" for under in surface.under for path in (claim.path or ("",))]
    capture = name_capture(surface)
    if capture is None or not claim.name:
        return tuple(paths)
    return tuple(path.replace(f"{{{capture}}}", name) for path in paths for name in claim.name)


def name_capture(surface: Surface) -> str | None:
    """The part of the path in which the operation's name stands, where that is where it stands."""
    if surface.name is None:
        return None
    branches = parse_selector(surface.name).branches
    if len(branches) == 1 and branches[0].root == "path" and isinstance(step := branches[0].steps[0], str):
        return step
    return None
