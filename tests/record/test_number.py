"""Decision numbers: whoever says or types one wrongly is told so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.record.number import ALPHABET, check_number, decision_number

RANDOM = st.binary(min_size=7, max_size=7)


@given(RANDOM)
def test_a_number_is_three_groups_of_four_and_reads_as_itself(random: bytes) -> None:
    number = decision_number(random)
    assert [len(group) for group in number.split("-")] == [4, 4, 4]
    assert check_number(number) == number


@given(RANDOM)
def test_small_letters_spaces_and_look_alikes_do_not_matter(random: bytes) -> None:
    number = decision_number(random)
    said = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert check_number(f"  {said} ") == number


@given(RANDOM, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(random: bytes, place: int, letter: str) -> None:
    letters = decision_number(random).replace("-", "")
    if letters[place] != letter:
        assert check_number(letters[:place] + letter + letters[place + 1 :]) is None


@given(RANDOM, st.integers(0, 11), st.integers(0, 11))
def test_two_characters_that_changed_places_are_found(random: bytes, one: int, other: int) -> None:
    letters = list(decision_number(random).replace("-", ""))
    swapped = list(letters)
    swapped[one], swapped[other] = letters[other], letters[one]
    if swapped != letters:
        assert check_number("".join(swapped)) is None


@pytest.mark.parametrize(
    "text", ["", "7K3M", "U" * 12, "0000-0000-00000", "٠" * 12, "0" * 41, "-" * 40, "000000000000é"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert check_number(text) is None


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="7 random bytes"):
        decision_number(b"short")


def test_each_of_the_55_bits_counts() -> None:
    made = {decision_number((1 << bit).to_bytes(7)) for bit in range(55)}
    assert len(made) == 55
