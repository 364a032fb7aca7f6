"""The normal form: what it undoes, what it leaves alone, and that every place in it has one in the original."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.checks.normalise import normal_form

ODD = st.sampled_from(
    "\u200b\u202e\u00ad\ufe0f\U000e0061\u0301\u0430\u0395ＡＢ𝓫ⅷ½ﬁ😂很பற\u0bcaسهİßǅ\ud800\u2028\t\n !|*@$#20149xX"
)
TEXTS = st.text(st.one_of(st.characters(), ODD, st.sampled_from("abodh kauBODH.-_")), max_size=80)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("bo\u200bdoh", "bodoh"),
        ("bod\u00adoh", "bodoh"),
        ("\u202ebodoh", "bodoh"),
        ("bo\U000e0061doh", "bodoh"),
        ("b\u043ed\u043eh", "bodoh"),
        ("ΒОDОΗ", "bodoh"),
        ("ｂｏｄｏｈ", "bodoh"),
        ("𝓫𝓸𝓭𝓸𝓱", "bodoh"),
        ("ⓑⓞⓓⓞⓗ", "bodoh"),
        ("🅱🅾🅳🅾🅷", "bodoh"),
        ("bódóh", "bodoh"),
        ("b̶o̶d̶o̶h̶", "bodoh"),
        ("b0d0h", "bodoh"),
        ("4njing", "anjing"),
        ("b4b1", "babi"),
        ("sia1", "sial"),
        ("$ial", "sial"),
        ("s!al", "sial"),
        ("b o d o h", "bodoh"),
        ("b.o.d.o.h", "bodoh"),
        ("b-o-d-o-h", "bodoh"),
        ("b_o_d_o_h", "bodoh"),
        ("b*o*d*o*h", "bodoh"),
        ("b o d o h  k a u", "bodoh kau"),
        ("bodohhhhh", "bodoh"),
        ("saaayang", "sayang"),
        ("maaaaf", "maaf"),
        ("orang2", "orang orang"),
        ("lari2an", "lari larian"),
        ("buat²", "buat buat"),
        ("yg x nak", "yang tidak nak"),
        ("xleh", "tidak boleh"),
        ("#TolakPartiItu", "tolak parti itu"),
        ("bodoh😂kau", "bodoh 😂 kau"),
        ("PAS很好", "pas 很好"),
        ("Qur'an", "qur an"),
    ],
)
def test_disguises_are_undone(written: str, folded: str) -> None:
    assert normal_form(written).text == folded


@pytest.mark.parametrize(
    "word", ["COVID19", "5G", "K1", "A4", "PRU16", "10am", "3rd", "RM50", "900214", "Jld2", "maaf", "saat"]
)
def test_what_is_no_disguise_stays(word: str) -> None:
    assert normal_form(word).text == word.lower()


def test_case_is_kept_beside_the_fold() -> None:
    normal = normal_form("Surat \u0405ULI\u0422 itu")
    assert normal.clean == "Surat SULIT itu"
    assert normal.kept == "Surat SULIT itu"


@given(TEXTS)
def test_every_piece_has_its_place_in_the_original(value: str) -> None:
    normal = normal_form(value)
    assert len(normal.pieces) == len(normal.words) == len(normal.positions)
    for piece, start in zip(normal.pieces, normal.piece_starts, strict=False):
        first, last = normal.span(start, start + len(piece))
        assert 0 <= first < last <= len(value)


@given(TEXTS, st.data())
def test_spans_are_valid_and_in_order(value: str, data: st.DataObject) -> None:
    normal = normal_form(value)
    if not normal.text:
        return
    start = data.draw(st.integers(0, len(normal.text) - 1))
    end = data.draw(st.integers(start + 1, len(normal.text)))
    first, last = normal.span(start, end)
    assert 0 <= first < last <= len(value)
    whole = normal.span(0, len(normal.text))
    assert whole[0] <= first
    assert last <= whole[1]


@given(st.text(st.sampled_from("abcdeghijklmno ,.\n"), max_size=60), st.data())
def test_plain_words_map_letter_for_letter(value: str, data: st.DataObject) -> None:
    normal = normal_form(value)
    for number, piece in enumerate(normal.pieces):
        start, end = normal.positions[number]
        if piece == value[start:end]:
            at = data.draw(st.integers(0, len(piece) - 1))
            begin = normal.piece_starts[number] + at
            assert normal.span(begin, begin + 1) == (start + at, start + at + 1)


@given(TEXTS)
def test_cleaning_twice_changes_nothing_more(value: str) -> None:
    clean = normal_form(value).clean
    assert normal_form(clean).clean == clean


@given(st.text(st.sampled_from("bodhkausilng "), max_size=40), st.data())
def test_unseen_characters_never_change_what_is_read(value: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value)))
    hidden = value[:at] + data.draw(st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad\ufe0f\u034f")) + value[at:]
    assert normal_form(hidden).text == normal_form(value).text


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a ",
        "a.",
        "b0d0h ",
        "\u0301",
        "\u200b",
        "很",
        "😂",
        "!",
        "*",
        "a*",
        "org2 ",
        "#AbC",
        "1",
        "\ud800",
        "அ",
        "K",
        "x\n",
    ],
)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = 9.0
        for _ in range(3):
            begin = time.perf_counter()
            normal = normal_form(text)
            if normal.text:
                normal.span(0, 1)
            best = min(best, time.perf_counter() - begin)
        return best

    small, large = seconds(20_000), seconds(160_000)
    assert large < 40 * max(small, 0.002), (small, large)  # eight times the text; quadratic would be 64 times
