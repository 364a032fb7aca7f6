"""Each answer of an installation, right and wrong."""

import re
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from gerbang.errors import GerbangError
from gerbang.installing import plan as answers
from gerbang.installing.plan import LONGEST_ANSWER, LONGEST_NAME, MOST_ANSWERS, Known, Site, load_known

KNOWN = Known(
    {"PJY": ("Wilayah Persekutuan Putrajaya", "Federal Territory of Putrajaya"), "JHR": ("Johor", "Johor")},
    ("federal", "state"),
    ("mastodon", "wordpress"),
)

OWN = answers.networks("10.1.0.0/16")


def test_the_shipped_documents_are_known() -> None:
    known = load_known()
    assert len(known.states) == 16
    assert {"federal", "state", "statutory-body"} <= set(known.legal_regimes)
    assert "wordpress" in known.platforms


@pytest.mark.parametrize(
    ("take", "typed", "given"),
    [
        (answers.organisation, "  Jabatan Contoh ", "Jabatan Contoh"),
        (answers.organisation, "J" * LONGEST_NAME, "J" * LONGEST_NAME),
        (answers.office, "ibu-pejabat", "ibu-pejabat"),
        (lambda text: answers.state(text, KNOWN), "pjy", "PJY"),
        (lambda text: answers.state(text, KNOWN), "Putrajaya", "PJY"),
        (lambda text: answers.state(text, KNOWN), "wilayah persekutuan putrajaya", "PJY"),
        (answers.networks, "10.1.0.0/16, 10.2.0.0/16", (ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16"))),
        (answers.networks, "2001:db8::/32", (ip_network("2001:db8::/32"),)),
        (answers.networks, "", ()),
        (lambda text: answers.sites(text, KNOWN), "Blog.Contoh.MY", (Site("blog.contoh.my", "wordpress"),)),
        (
            lambda text: answers.sites(text, KNOWN),
            "a.my=mastodon b.my",
            (Site("a.my", "mastodon"), Site("b.my", "wordpress")),
        ),
        (answers.listen, "[::1]:8080", "[::1]:8080"),
        (answers.sign_in_name, "aminah", "aminah"),
        (answers.officer_password, "é" * 36, "é" * 36),
    ],
)
def test_what_is_typed_is_taken(take: Callable[[str], object], typed: str, given: object) -> None:
    assert take(typed) == given


@pytest.mark.parametrize(
    ("take", "typed", "said"),
    [
        (answers.plain, "a\x1b[31mb", "a line of at most 200 letters and signs is expected"),
        (answers.plain, "x" * (LONGEST_ANSWER + 1), "a line of at most 200 letters and signs is expected"),
        (answers.organisation, "", "the agency's name has 0 characters; use 1 to 64 of them"),
        (answers.organisation, "J" * (LONGEST_NAME + 1), "the agency's name has 65 characters; use 1 to 64 of them"),
        (answers.office, "Ibu Pejabat", "`Ibu Pejabat` will not do for the office's short name; use small letters"),
        (lambda text: answers.state(text, KNOWN), "putrjaya", "did you mean `PJY` (Wilayah Persekutuan Putrajaya)?"),
        (lambda text: answers.state(text, KNOWN), "PJX", "did you mean `PJY`"),
        (
            lambda text: answers.state(text, KNOWN),
            "Atlantis",
            "`Atlantis` is no state that the calendar knows; expected",
        ),
        (
            lambda text: answers.chosen(text, KNOWN.legal_regimes, "the legal regime"),
            "fedral",
            "did you mean `federal`?",
        ),
        (answers.networks, "10.1.0.0", None),
        (answers.networks, "10.1.0.1/16", "`10.1.0.1/16` is no network"),
        (answers.networks, "10.1.0.0/16 10.1.0.0/16", "the network `10.1.0.0/16` is given twice"),
        (answers.networks, " ".join(f"10.{n}.0.0/16" for n in range(MOST_ANSWERS + 1)), "more than 50 are given"),
        (
            lambda text: answers.apart(answers.networks(text), answers.networks("10.1.0.0/16")),
            "10.1.0.0/16",
            "is the office's",
        ),
        (lambda text: answers.sites(text, KNOWN), "not a host!", "is no host name"),
        (lambda text: answers.sites(text, KNOWN), "a.my=wordpres", "did you mean `wordpress`?"),
        (lambda text: answers.sites(text, KNOWN), "a.my A.MY", "the site `a.my` is given twice"),
        (answers.listen, "8080", "is no address; expected `host:port`"),
        (answers.listen, "10.1.0.5:99999", "is no address"),
        (answers.sign_in_name, "ali:baba", "will not do for a sign-in name"),
        (answers.sign_in_name, "#ali", "will not do for a sign-in name"),
        (answers.sign_in_name, "unknown", "will not do for a sign-in name"),
        (answers.account, "Puan Nora", "will not do for an account name"),
        (answers.console_password, "pendek", "the password has 6 characters; use 12 to 256"),
        (answers.officer_password, "é" * 37, "the officer's password is longer than 72 bytes"),
        (answers.passphrase, "pendek", "the passphrase for the root is too short; use 12 characters or more"),
    ],
)
def test_what_will_not_do_is_said_in_a_sentence(take: Callable[[str], object], typed: str, said: str | None) -> None:
    if said is None:
        assert take(typed), "an address is a network of one"
        return
    with pytest.raises(GerbangError, match=re.escape(said)) as refused:
        take(typed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("take", "secret"),
    [
        (answers.console_password, "rahsia-9z"),
        (answers.console_password, "rahsia-9z" * 40),
        (answers.officer_password, "rahsia-9z"),
        (answers.officer_password, "rahsia-9z" * 9),
        (answers.passphrase, "rahsia-9z"),
    ],
)
def test_no_complaint_repeats_a_secret(take: Callable[[str], str], secret: str) -> None:
    with pytest.raises(GerbangError) as refused:
        take(secret)
    assert "rahsia" not in str(refused.value)


def test_the_proxy_is_proposed_where_the_office_can_reach_it() -> None:
    assert answers.proposed_listen(answers.networks("127.0.0.0/8")) == "127.0.0.1:8080"
    assert answers.proposed_listen(answers.networks("203.0.113.0/24")) == "127.0.0.1:8080"
