"""The Merkle tree of RFC 9162, section 2.1, kept as its right edge: one hash for each full subtree.

Adding a line costs about two hashes and the whole state of a tree of any size is a few dozen
of them, so that a seal can carry it and a start need not read the journal from its beginning.
"""

import hashlib
from collections.abc import Iterable

EMPTY = hashlib.sha256().digest()


class Tree:
    """A tree that grows; `edge` holds the full subtrees from left to right, in hex."""

    def __init__(self, size: int = 0, edge: Iterable[str] = ()) -> None:
        self.size = size
        self._edge = [bytes.fromhex(part) for part in edge]
        if size < 0 or len(self._edge) != size.bit_count() or any(len(part) != 32 for part in self._edge):
            raise ValueError("the edge does not fit a tree of this size")

    @property
    def edge(self) -> tuple[str, ...]:
        return tuple(part.hex() for part in self._edge)

    def add(self, leaf: bytes) -> None:
        part = hashlib.sha256(b"\x00" + leaf).digest()
        size = self.size
        while size & 1:
            part = _node(self._edge.pop(), part)
            size >>= 1
        self._edge.append(part)
        self.size += 1

    def root(self) -> bytes:
        if not self._edge:
            return EMPTY
        part = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            part = _node(left, part)
        return part


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
