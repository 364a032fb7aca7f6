"""The tree is RFC 9162's, however it was grown."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.record.merkle import Tree

LEAVES = st.lists(st.binary(max_size=8), max_size=40)


def root_by_definition(leaves: list[bytes]) -> bytes:
    """Section 2.1.1, word for word: split at the largest power of two below the number of leaves."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(leaves: list[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


@given(LEAVES)
def test_the_root_is_the_standards(leaves: list[bytes]) -> None:
    assert grown(leaves).root() == root_by_definition(leaves)


def test_the_known_vector_of_certificate_transparency() -> None:
    """The eight test leaves of google/certificate-transparency's merkle tree tests, seen 2026-11."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    root = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert grown([bytes.fromhex(leaf) for leaf in leaves]).root().hex() == root


@given(LEAVES, LEAVES)
def test_a_tree_goes_on_from_its_edge(before: list[bytes], after: list[bytes]) -> None:
    first = grown(before)
    again = Tree(first.size, first.edge)
    for leaf in after:
        again.add(leaf)
    assert again.root() == root_by_definition(before + after)


@pytest.mark.parametrize(
    ("size", "edge"), [(3, ["00" * 32]), (1, ["00"]), (-1, []), (1, ["zz" * 32]), (0, ["00" * 32])]
)
def test_an_edge_that_fits_no_such_tree_is_refused(size: int, edge: list[str]) -> None:
    with pytest.raises(ValueError):
        Tree(size, edge)
