"""What goes to a protected recipient is neither judged nor recorded; nothing else slips in beside it."""

import pytest

from gerbang.errors import DocumentErrors
from gerbang.policy.protected import Protected, parse_protected

LIST = """\
protected:
  - id: anti-corruption
    title: {ms: Suruhanjaya, en: Commission}
    hosts: [lapor.example]
  - id: union
    title: {ms: Kesatuan, en: Union}
    targets: {x: ["@KesatuanContoh", "9001"], facebook: [kesatuan.contoh]}
"""


@pytest.mark.parametrize(
    ("host", "platform", "target", "covered"),
    [
        ("lapor.example", None, None, True),
        ("WWW.Lapor.Example", None, None, True),
        ("lapor.example.", None, None, True),
        ("a.b.lapor.example", "wordpress", None, True),
        ("xlapor.example", None, None, False),
        ("lapor.example.org", None, None, False),
        ("example", None, None, False),
        ("", None, None, False),
        ("x.com", "x", "kesatuancontoh", True),
        ("x.com", "x", "@kesatuancontoh", True),
        ("x.com", "x", "9001", True),
        ("x.com", "facebook", "9001", False),
        ("x.com", "x", "90011", False),
        ("x.com", "x", None, False),
    ],
)
def test_covers(host: str, platform: str | None, target: str | None, covered: bool) -> None:
    assert parse_protected(LIST, "protected.yaml").covers(host, platform, target) is covered


def test_an_empty_list_covers_nothing() -> None:
    assert parse_protected("protected: []", "p.yaml") == Protected()
    assert parse_protected("protected:\n", "p.yaml") == Protected()


@pytest.mark.parametrize(
    ("there", "instead", "expected"),
    [
        ("[lapor.example]", "[com]", "p.yaml:4:13: `com` is no host; write a name with a dot"),
        ("[lapor.example]", "['*.example']", "`*.example` is no host"),
        ("[lapor.example]", "['https://lapor.example']", "`https://lapor.example` is no host"),
        ("    hosts: [lapor.example]\n", "", "p.yaml:2:5: recipient `anti-corruption` has neither hosts nor targets"),
        ("hosts:", "host:", "p.yaml:4:5: unknown key `host`; did you mean `hosts`?"),
        ("{x: [", "{X: [", "`X` is no name"),
        ("protected:", "protect:", "unknown key `protect`; did you mean `protected`?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(there: str, instead: str, expected: str) -> None:
    with pytest.raises(DocumentErrors, match=r"p\.yaml:") as caught:
        parse_protected(LIST.replace(there, instead), "p.yaml")
    assert expected in str(caught.value)
