"""Where in a request something stands: `variables.tweet_text`, `form.comment`, `xmlrpc.params[3].title`.

    ROOT.name.name        a member by name; names of header and form may hold `-`, `:` and `*` at the end
    [3]  []               a list's element, or each of them
    [key=box-*]           those of a list's elements whose `key` is this; `*` at the end stands for anything
    ["any.name"]          a name with dots or brackets in it
    .*                    every member
    .**                   everything below that is no list and no object, however deep
    .**.name              every member of that name, however deep
    A or B                what either holds
    A | html              the words a reader sees of HTML; `percent`, `base64` and `data` (a data URL) undo those
    A | operation         the name of the operation of a GraphQL text; another text as it is
    A | join              all values put together as one
    A | protobuf 1.5.2    what stands at those field numbers of a message in base64, which may be several values
    A | part -2           of what stands between the dots, colons and blanks of a token the second from the end
    A | runs text, :{name}:   the words of rich text in a tree of objects: of each that has one of these its first;
                          what stands in one list is one text

Roots: `query header cookie path basic form json xmlrpc` (`query` alone is the path that a query begins with in place of
a field), `field` (query, form or JSON), `variables` (of a GraphQL call, in JSON, a form or the query), `protobuf` (a
body of that kind, by field numbers; what stands behind them goes into JSON at that place), `parts` (parts of a
multipart body that have no name), `body` (the whole as an attachment, where it is none of those), `raw` (the same,
whatever it is). A step into a text reads it as JSON first; in a form, `a.b` is also `a[b]`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from itertools import takewhile
from urllib.parse import unquote, unquote_to_bytes

from gerbang.wire.charsets import scrubbed
from gerbang.wire.html import visible
from gerbang.wire.message import FlatRoot, Message, members
from gerbang.wire.protobuf import as_words, find, from_base64
from gerbang.wire.values import Blob, Pairs, Value

VALUES = 2_000
"""Values that one selector gives at most."""

BELOW = 20_000
"""Lists, objects and values that are looked at below one `**`; where there are more, that is the gap `too-large`."""

_OF_BODY = ("form", "json", "xmlrpc", "field", "variables", "protobuf", "parts", "body", "raw")
ROOTS = ("query", "header", "cookie", "path", "basic", *_OF_BODY)
BODY_ROOTS = frozenset(_OF_BODY)
_WHOLE = ("query", "json", "parts", "body", "raw")


class Each(Enum):
    ELEMENT = "[]"
    MEMBER = "*"
    BELOW = "**"


@dataclass(frozen=True, slots=True)
class Having:
    """Those of a list's elements that have a member with this value, or with one that begins so."""

    member: str
    value: str
    begins: bool

    def fits(self, element: Value) -> bool:
        texts = (as_text(value) for name, value in members(element) if name == self.member)
        return any(text == self.value or (self.begins and text.startswith(self.value)) for text in texts if text)


type Step = str | int | Each | Having


@dataclass(frozen=True, slots=True)
class Found:
    """What a selector gives. `unknown`: nothing was found, but the body is not wholly known."""

    values: tuple[Value, ...]
    unknown: bool = False


NOTHING = Found(())
UNKNOWN = Found((), unknown=True)


@dataclass(frozen=True, slots=True)
class Branch:
    root: str
    steps: tuple[Step, ...]
    from_root: tuple[Step, ...] = ()
    """The steps from the outermost object of JSON or of a form."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector, compiled. `path` is how it is written, without what is done to the value."""

    path: str
    branches: tuple[Branch, ...]
    transforms: tuple["Transform", ...] = field(default=(), compare=False)
    runs: "Runs | None" = None
    """How the words of rich text are found, before anything else is done to them."""

    @property
    def needs_body(self) -> bool:
        return any(branch.root in BODY_ROOTS for branch in self.branches)

    @property
    def deep(self) -> bool:
        """Whether it gives all that is somewhere below, ids and words alike."""
        return any(
            step is Each.BELOW and not isinstance(after, str)
            for branch in self.branches
            for step, after in zip(branch.steps, (*branch.steps[1:], None), strict=False)
        )

    @property
    def last_names(self) -> tuple[str, ...]:
        """The name at the end of each branch."""
        names = ((step for step in reversed(branch.steps) if isinstance(step, str)) for branch in self.branches)
        return tuple(name for found in names if (name := next(found, None)) is not None)

    def find(self, message: Message, captures: Mapping[str, str]) -> Found:
        values: list[Value] = []
        unknown = False
        for branch in self.branches:
            found = _branch(branch, message, captures)
            values += found
            if not found and branch.root in BODY_ROOTS and message.partial:
                unknown = True
        if not values:
            return UNKNOWN if unknown else NOTHING
        values = _most(values, message)
        if self.runs is not None:
            values = [*self.runs.texts(values, message)]
        return Found(tuple(self._transformed(values, message) if self.transforms else values))

    def _transformed(self, values: Sequence[Value], message: Message) -> list[Value]:
        texts = [text for value in values if (text := as_text(value)) is not None]
        for transform in self.transforms:
            texts = _most(transform(texts), message)
        return [*texts]

    def reads(self, root: str) -> bool:
        return any(branch.root == root for branch in self.branches)

    def texts(self, message: Message, captures: Mapping[str, str]) -> list[str]:
        """The values that are texts or numbers, as text, without lone surrogates."""
        texts = (as_text(value) for value in self.find(message, captures).values)
        return [scrubbed(text) for text in texts if text is not None]


def _most[One](values: list[One], message: Message) -> list[One]:
    """As many as are looked at; that there were more is a gap."""
    if len(values) <= VALUES:
        return values
    message.cut("values")
    return values[:VALUES]


def as_text(value: Value) -> str | None:
    """
    >>> as_text(True), as_text(7), as_text("a"), as_text(None), as_text([1])
    ('true', '7', 'a', None, None)
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Blob):
        return value.words
    return None


type Transform = Callable[[list[str]], list[str]]


def _of_data_url(value: str) -> str:
    head, comma, data = value.partition(",")
    if not comma or not head.startswith("data:"):
        return value
    return _of_base64(data) if head.endswith(";base64") else unquote(data)


def _of_base64(value: str) -> str:
    return from_base64(value).decode("utf-8", "replace")


def _each(change: Callable[[str], str]) -> Transform:
    return lambda values: [change(value) for value in values]


_OPERATIONS = re.compile(r"(?:\A|[\s}])(?:query|mutation|subscription)\s+(\w+)\s*[({@]")


def _operation(value: str) -> str:
    """
    >>> _operation("mutation StoryCreateMutation($input: Input!) {"), _operation("CometFeedQuery")
    ('StoryCreateMutation', 'CometFeedQuery')
    >>> _operation("query A { a } mutation B { b }")
    'query A { a } mutation B { b }'
    """
    names = _OPERATIONS.findall(value)
    return names[0] if len(names) == 1 else value


TRANSFORMS: dict[str, Transform] = {
    "html": _each(visible),
    "percent": _each(unquote),
    "base64": _each(_of_base64),
    "data": _each(_of_data_url),
    "join": lambda values: ["".join(values)] if values else [],
    "operation": _each(_operation),
}


def _of_protobuf(path: tuple[int, ...]) -> Transform:
    def values(messages: list[str]) -> list[str]:
        found = [value for message in messages for value in find(from_base64(message), path)]
        texts = (as_words(value) if isinstance(value, bytes) else str(value) for value in found)
        return [text for text in texts if text is not None]

    return values


_BETWEEN = re.compile(r"[.:\s]+")


def _of_token(number: int) -> Transform:
    def parts(values: list[str]) -> list[str]:
        split = ([part for part in _BETWEEN.split(value) if part] for value in values)
        return [found[number] for found in split if -len(found) <= number < len(found)]

    return parts


@dataclass(frozen=True, slots=True)
class Runs:
    """The words of rich text. Each form is a name, or has one in braces: `text`, `:{name}:`."""

    forms: tuple[tuple[str, str, str], ...]

    @classmethod
    def parse(cls, source: str) -> "Runs":
        forms = []
        for written in source.split(","):
            form = _FORM.fullmatch(written.strip())
            if form is None:
                raise ValueError(f"`runs {source}` needs names, as in `runs text, :{{name}}:`")
            forms.append(("", form["bare"], "") if form["bare"] else (form["head"], form["name"], form["tail"]))
        return cls(tuple(forms))

    def texts(self, values: Sequence[Value], message: Message) -> list[str]:
        """Each list's words put together, with those of what stands within its words; lists without words apart."""
        found: list[str] = []
        room = BELOW
        for value in values:
            tree = message.expect_json(value) if isinstance(value, str) else value
            if tree is None and isinstance(value, str) and value.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
                tree = [{self.forms[0][1]: value}]  # no tree, but what its sender wrote in place of one
            texts, room = self._of(tree, room, message)
            found += texts
            if len(found) >= VALUES:
                message.cut("values")
                break
        return found[:VALUES]

    def _of(self, tree: Value, room: int, message: Message) -> tuple[list[str], int]:
        """The words of one tree, and how much may still be looked at behind it: trees may stand within each other."""
        texts: list[str] = []
        run: list[str] | None = None
        # Begin and end of a run stand among what is waiting, so that nothing here calls itself.
        waiting: list[Value | _Mark] = [tree]
        while waiting and room:
            room -= 1
            one = waiting.pop()
            if isinstance(one, _Mark):
                texts.append("".join(run or ()))
                run = None
            elif isinstance(one, list):
                if run is None and any(self._said(inner) is not None for inner in one):
                    run = []
                    waiting.append(_Mark.END)
                waiting += reversed(one)
            elif isinstance(one, dict | Pairs):
                said = self._said(one)
                if said is not None:
                    (texts if run is None else run).append(said)
                taken = said is not None and {name for _, name, _ in self.forms}
                inner = [value for name, value in members(one) if not (taken and name in taken)]
                waiting += [value for value in reversed(inner) if isinstance(value, list | dict | Pairs)]
        if waiting:
            message.cut("values")
        if run is not None:
            texts.append("".join(run))
        return texts, room

    def _said(self, value: Value) -> str | None:
        if not isinstance(value, dict | Pairs):
            return None
        for head, name, tail in self.forms:
            for given, inner in members(value):
                if given == name and isinstance(inner, str) and inner:
                    return f"{head}{inner}{tail}"
        return None


_RUNS = "runs "


class _Mark(Enum):
    END = "end of a run"


_FORM = re.compile(r"(?P<bare>[\w-]+)|(?P<head>[^{},]*)\{(?P<name>[\w-]+)\}(?P<tail>[^{},]*)")


def _transform(source: str) -> Transform:
    name, _, numbers = source.partition(" ")
    if name == "runs":
        raise ValueError("`runs` reads what stands in the request, so it comes first")
    if name == "part":
        if not re.fullmatch(r"-?\d{1,3}", numbers):
            raise ValueError(f"`{source}` needs a number, as in `part -2`")
        return _of_token(int(numbers))
    if name == "protobuf":
        if not _NUMBERS.fullmatch(numbers):
            raise ValueError(f"`{source}` needs field numbers, as in `protobuf 1.5.2`")
        return _of_protobuf(tuple(map(int, numbers.split("."))))
    if source not in TRANSFORMS:
        raise ValueError(f"unknown transform `{source}`; expected one of {_listed((*TRANSFORMS, *_WITH_MORE))}")
    return TRANSFORMS[source]


_WITH_MORE = ("protobuf", "part", "runs")
_NUMBERS = re.compile(r"[1-9]\d{0,8}(\.[1-9]\d{0,8})*")
_EVERY: dict[str, Step] = {"*": Each.MEMBER, "**": Each.BELOW}
_STEP = re.compile(
    r"""\.(?P<name>[\w:@$*-]+)|\[(?P<index>\d+)\]|(?P<each>\[\])|\["(?P<quoted>[^"]+)"\]"""
    r"""|\[(?P<member>[\w:@$-]+)=(?P<value>[\w:@$./-]+)(?P<begins>\*?)\]"""
)


@lru_cache(maxsize=1 << 14)  # the same few stand in hundreds of signatures, and a changed pack says most of them again
def parse_selector(source: str) -> Selector:
    """Raises `ValueError` with a sentence that says what is wrong."""
    path, *names = (part.strip() for part in source.split("|"))
    branches = tuple(_parsed_branch(part.strip()) for part in path.split(" or "))
    runs = Runs.parse(names.pop(0)[len(_RUNS) :]) if names and names[0].startswith(_RUNS) else None
    return Selector(path, branches, tuple(_transform(name) for name in names), runs)


def _parsed_branch(source: str) -> Branch:
    root = re.match(r"\w*", source)
    name = root.group() if root else ""
    if name not in ROOTS:
        raise ValueError(f"`{source}` must start with one of {_listed(ROOTS)}")
    steps: list[Step] = []
    at = len(name)
    while at < len(source):
        match = _STEP.match(source, at)
        if match is None:
            raise ValueError(f'`{source[at:]}` in `{source}` cannot be read; write `.name`, `[3]`, `[]` or `["name"]`')
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["each"]:
            steps.append(Each.ELEMENT)
        elif match["quoted"] is not None:
            steps.append(match["quoted"])
        elif match["member"] is not None:
            steps.append(Having(match["member"], match["value"], bool(match["begins"])))
        else:
            steps.append(_EVERY.get(match["name"], match["name"]))
        at = match.end()
    if not steps and name not in _WHOLE:
        raise ValueError(f"`{source}` needs a name, as in `{name}.text`")
    if name == "protobuf" and not _numbers(steps[:1]):
        raise ValueError(f"`{source}` needs field numbers, as in `protobuf.3.1`")
    if name == "header":
        steps = [step.lower() if isinstance(step, str) else step for step in steps]
    return Branch(name, tuple(steps), ("variables", *steps) if name == "variables" else tuple(steps))


def _numbers(steps: Sequence[Step]) -> tuple[int, ...]:
    """The field numbers with which a path begins."""
    leading = takewhile(lambda step: isinstance(step, str) and _NUMBERS.fullmatch(step), steps)
    return tuple(int(str(step)) for step in leading)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _branch(branch: Branch, message: Message, captures: Mapping[str, str]) -> list[Value]:
    steps = branch.steps
    match branch.root:
        case "json":
            return _walk(message.json, steps, message)
        case "variables":
            _expect_variables(message)
            return [
                *_walk(message.json, branch.from_root, message),
                *_named("form", branch.from_root, message),
                *_named("query", branch.from_root, message),
            ]
        case "form":
            return _named("form", steps, message)
        case "query" if not steps:
            return [message.leading] if message.leading else []
        case "query":
            return _named("query", steps, message)
        case "field":
            return [
                *_named("query", steps, message),
                *_named("form", steps, message),
                *_walk(message.json, steps, message),
            ]
        case "xmlrpc":
            call = message.call
            return [] if call is None else _walk(({"method": call.method, "params": call.params},), steps, message)
        case "header":
            return [value for name in steps if isinstance(name, str) for value in message.headers.get(name, ())]
        case "cookie":
            return _named("cookies", steps, message)
        case "path":
            return [captures[name] for name in steps if isinstance(name, str) and name in captures]
        case "basic":
            return [message.basic_user] if message.basic_user is not None else []
        case "protobuf":
            numbers = _numbers(steps)
            found_there = find(message.protobuf or b"", numbers)
            words = [as_words(value) if isinstance(value, bytes) else value for value in found_there]
            return _walk(words, steps[len(numbers) :], message)
        case "parts":
            return _walk(message.parts, steps, message)
        case "raw":
            return [message.blob] if message.blob is not None else []
        case _:
            # What people write on a socket may look like a form or like JSON.
            structured = not message.on_socket and (message.form or message.json or message.call is not None)
            return [message.blob] if message.blob is not None and not structured else []


def _expect_variables(message: Message) -> None:
    """Note as a gap that they are given as a text and cannot be read: who does not see that sees a call without any."""
    flat = (*message.by_name("form").get("variables", ()), *message.by_name("query").get("variables", ()))
    given = [value for name, value in flat if name == "variables"]
    given += (value for body in message.json for name, value in members(body) if name == "variables")
    for value in given:
        if isinstance(value, str):
            message.expect_json(value)


def _named(root: FlatRoot, steps: tuple[Step, ...], message: Message) -> list[Value]:
    """Among fields that have a flat list of names, in which `a[b][]` is a path too."""
    fields = message.by_name(root)
    if not fields:
        return []
    first, rest = steps[0], steps[1:]
    if not isinstance(first, str):
        named = [value for fields_ in fields.values() for _, value in fields_]
        every = named if isinstance(first, Each) and first is not Each.ELEMENT else []
        return _below(every, message) if first is Each.BELOW else every
    prefix = first[:-1] if first.endswith("*") else None
    listed: Sequence[tuple[str, Value]]
    if prefix is not None:
        listed = [field for named in fields.values() for field in named]
    else:
        listed = fields.get(first.partition("[")[0], ())
        if not listed:
            return []
    found: list[Value] = []
    opening = f"{first}["
    for name, value in listed:
        if name == first or (prefix is not None and name.startswith(prefix)):
            found += _walk((value,), rest, message) if rest else (value,)
        elif not rest and message.php and name.startswith(opening):
            found.append(value)  # `publish[]` is a `publish` that is given
        elif rest and name.startswith(opening):
            found += _bracketed(name[len(first) :], value, rest, message)
    return found


def _bracketed(brackets: str, value: Value, steps: tuple[Step, ...], message: Message) -> list[Value]:
    parts = [part.rstrip("]") for part in brackets.split("[")[1:]]
    if Each.BELOW in steps and (below := steps.index(Each.BELOW)) < len(parts):
        parts = parts[:below]
    if len(parts) > len(steps):
        return []
    for part, step in zip(parts, steps, strict=False):
        if isinstance(step, Each) or str(step) == part:
            continue
        return []
    return _walk((value,), steps[len(parts) :], message)


def _walk(values: Sequence[Value], steps: tuple[Step, ...], message: Message) -> list[Value]:
    if not values:
        return []
    # Mostly names within objects within objects.
    if len(values) == 1:
        value, depth = values[0], 0
        for step in steps:
            if type(value) is not dict or type(step) is not str:
                break
            if step not in value:
                return []
            value = value[step]
            depth += 1
        values, steps = (value,), steps[depth:]
    current = list(values)
    for at, step in enumerate(steps):
        following: list[Value] = []
        if step is Each.BELOW:
            after = steps[at + 1] if at + 1 < len(steps) else None
            current = _below(current, message, after if isinstance(after, str) else None)
            continue
        if at and steps[at - 1] is Each.BELOW and isinstance(step, str):
            continue  # found already
        for value in current:
            if isinstance(value, str):
                value = message.nested(value) if isinstance(step, str) else message.expect_json(value)
            if isinstance(step, str):
                if isinstance(value, dict):
                    if step in value:
                        following.append(value[step])
                elif isinstance(value, Pairs):
                    following += value.get_all(step)
            elif step is Each.MEMBER:
                following += (inner for _, inner in members(value))
            elif isinstance(value, list):
                if step is Each.ELEMENT:
                    following += _most(value, message)
                elif isinstance(step, Having):
                    following += [element for element in _most(value, message) if step.fits(element)]
                elif step < len(value):
                    following.append(value[step])
        if not following:
            return []
        current = _most(following, message)
    return current


def _below(values: Sequence[Value], message: Message, named: str | None = None) -> list[Value]:
    """All that is no list and no object, or all that has this name, in the order sent; a text that is JSON is looked
    into."""
    found: list[Value] = []
    waiting = list(reversed(values))
    for _ in range(BELOW):
        if not waiting or len(found) >= VALUES:
            break
        value = waiting.pop()
        if isinstance(value, str) and (nested := message.nested(value)) is not None:
            value = nested
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict | Pairs):
            waiting += [inner for _, inner in members(value)][::-1]
            if named is not None:
                found += (inner for name, inner in members(value) if name == named)
        elif named is None and value is not None and value != "" and not isinstance(value, bool):
            found.append(value)
    if waiting:
        message.cut("values")
    return found


def blobs(found: Found) -> list[Blob]:
    """The files among what was found. A text that is a data URL is the file in it."""
    files = (value if isinstance(value, Blob) else _file_of(value) for value in found.values)
    return [file for file in files if file is not None]


def _file_of(value: Value) -> Blob | None:
    if not isinstance(value, str) or not value.startswith("data:"):
        return None
    head, _, data = value.partition(",")
    kind, *options = head.removeprefix("data:").split(";")
    inner = from_base64(data) if "base64" in options else unquote_to_bytes(data)
    return Blob(inner, type=kind or None)
