"""Paths as documents write them: templates with named parts, and what stands in those of a request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

SEGMENTS = 64
"""Parts of a path that are looked at, from its end."""

# What no operation's name holds: a server may cut it off with what stands behind it.
ODD = re.compile(r"[^\w.-]", re.ASCII)

type Captures = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a path template: a literal, or a head and tail around anything; `capture` names what is between."""

    literal: str | None
    head: str = ""
    tail: str = ""
    capture: str | None = None

    def match(self, low: str, given: str, captures: dict[str, str]) -> bool:
        if self.literal is not None:
            return low == self.literal
        if len(low) < len(self.head) + len(self.tail) or not low.startswith(self.head) or not low.endswith(self.tail):
            return False
        if self.capture is None:
            return not ODD.search(low)
        if self.capture:
            captures[self.capture] = given[len(self.head) : len(given) - len(self.tail)]
        return True


@dataclass(frozen=True, slots=True)
class Template:
    """`/blog/{base...}/wp-json/wp/v2/posts/{id}`: `{name}` is one part, `{name...}` at either end any number."""

    parts: tuple[_Part, ...]
    leading: bool
    trailing: bool

    @classmethod
    @lru_cache(maxsize=1 << 13)  # of the class, which is never let go
    def parse(cls, source: str) -> "Template":
        names = [name for name in source.split("/") if name]
        leading = bool(names) and names[0].endswith("...}")
        trailing = len(names) > (1 if leading else 0) and names[-1].endswith("...}")
        middle = names[(1 if leading else 0) : (-1 if trailing else None)]
        return cls(tuple(cls._part(name) for name in middle), leading, trailing)

    @staticmethod
    def _part(name: str) -> _Part:
        if "{" in name:
            head, _, rest = name.partition("{")
            capture, _, tail = rest.partition("}")
            return _Part(None, head.lower(), tail.lower(), capture)
        if "*" in name:
            head, _, tail = name.partition("*")
            return _Part(None, head.lower(), tail.lower())
        return _Part(name.lower())

    def match(self, low: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
        """What stands in the named parts, or `None` where the path is another one."""
        free = len(low) - len(self.parts)
        if free < 0 or (free and not (self.leading or self.trailing)):
            return None
        if not (self.leading and self.trailing):
            return self._at(free if self.leading else 0, low, given)
        return next((found for start in range(free + 1) if (found := self._at(start, low, given)) is not None), None)

    def _at(self, start: int, low: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
        captures: dict[str, str] = {}
        # From the end: that is where paths of one platform differ.
        for at in range(len(self.parts) - 1, -1, -1):
            part = self.parts[at]
            if part.literal is not None:  # mostly, and a call takes longer than comparing
                if low[start + at] != part.literal:
                    return None
            elif not part.match(low[start + at], given[start + at], captures):
                return None
        return captures

    def anchor(self) -> tuple[int, int, str] | None:
        """The literal by which the lookup finds this: the path's length (0 for any), where it stands, what it is.

        It stands that far from the path's end (-1 is the last part), or from its start where the end is open.
        """
        if self.trailing and self.leading:
            return None
        last = len(self.parts) - 1
        for at in range(last, -1, -1):
            literal = self.parts[at].literal
            if literal is not None:
                if self.trailing:
                    return 0, at, literal
                return 0 if self.leading else len(self.parts), at - last - 1, literal
        return None
