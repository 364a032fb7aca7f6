"""What a reader sees, in time that grows with the length and no faster."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.html import visible


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("Selamat pagi", "Selamat pagi"),
        ("<p>Satu</p><p>Dua</p>", "Satu\nDua"),
        ('<!-- wp:paragraph {"align":"left"} -->\n<p>Satu</p>\n<!-- /wp:paragraph -->', "Satu"),
        ("ra<b>hsi</b>a", "rahsia"),
        ("a &lt;b&gt; &amp; c &#8212; d", "a <b> & c — d"),
        ("2 < 3 dan <3 untuk semua", "2 < 3 dan <3 untuk semua"),
        ("Satu<br>Dua<br/>Tiga", "Satu\nDua\nTiga"),
        ("<script>var a = 'tidak';</SCRIPT>ya", "ya"),
        ("<style>p {}</style>ya", "ya"),
        ('<img src="a.png" alt="Gambar poster">', "Gambar poster"),
        ("<!-- tidak ditutup", "<!-- tidak ditutup"),
        ("<p tidak ditutup", "<p tidak ditutup"),
        ("<script>tidak ditutup", "tidak ditutup"),
        ("  a \n\n  b  ", "  a \n\n  b  "),
        ("<p>  a   b  </p>", "a b"),
    ],
)
def test_visible(markup: str, seen: str) -> None:
    assert visible(markup) == seen


@pytest.mark.parametrize(
    "unit",
    ["<", "<a", "<!--", "<script>", "<script", "</script", '<a "', "&", "&#", "<p>", "-->", '<img alt="', "<!-- -->"],
)
def test_hostile_markup_takes_linear_time(unit: str) -> None:
    markup = unit * (1_000_000 // len(unit))
    start = process_time()
    visible(markup)
    assert process_time() - start < 3


@given(st.text(alphabet="<>/!-a \"'&;p=script", max_size=80))
def test_no_text_makes_it_raise(markup: str) -> None:
    visible(markup)
