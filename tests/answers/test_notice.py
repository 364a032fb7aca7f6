"""The notice as a document: filled in, both languages, and wrong ones named with their place."""

import pytest

from builders import a_notice
from gerbang.answers.notice import LONGEST_TEXT, MOST_PARTS, Notice, parse_notice
from gerbang.answers.words import Language
from gerbang.errors import DocumentErrors

GOOD = """title: {ms: Notis, en: Notice}
parts:
  - heading: {ms: Kuasa, en: Authority}
    text: {ms: "{authority} {version}", en: "{authority} {version}"}
"""


def test_it_is_filled_in_once_and_not_read_as_a_pattern() -> None:
    notice = Notice("{authority}", "{version}", parse_notice(GOOD, "notice.yaml"))
    assert notice.told(Language.EN).parts == (("Authority", "{version} {authority}"),)
    assert Notice("", "", notice.shape).told(Language.MS, "belum").parts == (("Kuasa", "belum belum"),)


def test_its_digest_tells_words_version_and_authority_apart() -> None:
    made = [
        a_notice(),
        a_notice("2026-02"),
        a_notice(authority="Lain"),
        Notice("2026-01", "x", parse_notice(GOOD, "n")),
    ]
    assert len({notice.digest for notice in made}) == len(made)
    assert a_notice().digest == a_notice().digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '{authority} {version}", en',
            '{autority} {version} {authority}", en',
            "4:16: nothing is known to fill in for `{autority}`",
        ),
        ('en: "{authority} {version}"', 'en: "{version}"', "the notice does not name its authority in `en`"),
        (", en: Notice", "", "1:8: `en` is missing"),
        ("title:", "tittle:", "tittle"),
        ("Kuasa", "x" * 201, "3:19: "),
        ('"{authority} {version}", en', '"{authority} {version}' + "x" * LONGEST_TEXT + '", en', "at most 4000"),
        ("Kuasa", "3", "3"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(DocumentErrors) as trouble:
        parse_notice(GOOD.replace(old, new, 1), "notice.yaml")
    assert said in str(trouble.value)
    assert str(trouble.value).startswith("notice.yaml:")


def test_so_many_parts_and_no_more() -> None:
    head, part = GOOD.split("parts:\n")
    parse_notice(f"{head}parts:\n{part * MOST_PARTS}", "n")
    with pytest.raises(DocumentErrors):
        parse_notice(f"{head}parts:\n{part * (MOST_PARTS + 1)}", "n")
