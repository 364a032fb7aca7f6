"""Conditions of documents as functions: what a field must be, and by what name an operation goes."""

from collections.abc import Callable, Mapping, Sequence

from gerbang.recognition.document import Condition
from gerbang.recognition.paths import ODD
from gerbang.recognition.patterns import compile_pattern
from gerbang.recognition.unclaimed import LETTERS, letters
from gerbang.wire.charsets import scrubbed
from gerbang.wire.html import visible
from gerbang.wire.selectors import Found, Selector, as_text, parse_selector
from gerbang.wire.values import Pairs
from gerbang.wire.values import Value as WireValue

type Test = Callable[[Found], bool | None]


def _empty(value: WireValue) -> bool:
    return value is None or value == "" or value == [] or value == {} or (isinstance(value, Pairs) and not value.items)


def _falsy(value: WireValue) -> bool:
    return _empty(value) or value is False or value == "0" or (isinstance(value, int | float) and value == 0)


def test_of(condition: Condition) -> Test:
    """A condition as a function that answers yes, no, or `None`: the body that would tell is not known."""
    tests: list[Callable[[Sequence[WireValue]], bool]] = []
    wanted, refused = frozenset(condition.one_of), frozenset(condition.none_of)
    if wanted:
        tests.append(lambda values: any(as_text(value) in wanted for value in values))
    if refused:
        tests.append(lambda values: not values or any(as_text(value) not in refused for value in values))
    if condition.present is not None:
        present = condition.present
        tests.append(lambda values: any(not _empty(value) for value in values) is present)
    if condition.given is not None:
        given = condition.given
        tests.append(lambda values: bool(values) is given)
    if condition.truthy is not None:
        # Of several, which one a server takes is not known: each is enough.
        if condition.truthy:
            tests.append(lambda values: any(not _falsy(value) for value in values))
        else:
            tests.append(lambda values: not values or any(_falsy(value) for value in values))
    if condition.matches is not None:
        pattern = compile_pattern(condition.matches)
        tests.append(
            lambda values: any(
                pattern.search(scrubbed(text)) for value in values if (text := as_text(value)) is not None
            )
        )
    if condition.excludes is not None:
        excluded = compile_pattern(condition.excludes)
        tests.append(
            lambda values: (
                not any(excluded.search(scrubbed(text)) for value in values if (text := as_text(value)) is not None)
            )
        )
    if condition.words is not None:
        worded = condition.words
        tests.append(
            lambda values: (sum(letters(visible(as_text(value) or "")) for value in values) >= LETTERS) is worded
        )

    def test(found: Found) -> bool | None:
        if found.unknown:
            return None
        return all(check(found.values) for check in tests)

    return test


def names_test(names: Sequence[str], *, every: bool = False) -> Test:
    """An operation's name, in which `*` stands for anything. `every`: all that a request gives it must be known."""
    exact = frozenset(name for name in names if "*" not in name)
    globs = [name.partition("*")[::2] for name in names if "*" in name]

    def named(value: WireValue) -> bool:
        text = as_text(value)
        if text is None:
            return False
        return text in exact or (
            any(text.startswith(head) and text.endswith(tail) for head, tail in globs) and not ODD.search(text)
        )

    def test(found: Found) -> bool | None:
        if found.unknown:
            return None
        if every:
            return bool(found.values) and all(named(value) for value in found.values)
        return any(named(value) for value in found.values)

    return test


def tests_of(where: Mapping[str, Condition]) -> list[tuple[Selector, Test]]:
    return [(parse_selector(source), test_of(condition)) for source, condition in where.items()]
