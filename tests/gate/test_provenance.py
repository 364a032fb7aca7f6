"""Which page made a browser send a request."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request
from gerbang.gate.provenance import SITES, provenance
from gerbang.model import Provenance


@pytest.mark.parametrize(
    ("headers", "site", "host"),
    [
        ({}, None, None),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://x.com"}, "same-origin", None),
        ({"Sec-Fetch-Site": "none"}, "none", None),
        ({"Sec-Fetch-Site": "cross-site"}, "cross-site", None),
        ({"Sec-Fetch-Site": "Cross-Site", "Origin": "https://Jahat.example:8443"}, "cross-site", "jahat.example"),
        # The browser's word counts: it knows what a site is, and `Origin` alone does not tell.
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://api.x.com"}, "same-site", None),
        ({"Sec-Fetch-Site": "elsewhere", "Origin": "https://x.com"}, "same-origin", None),
        ({"Origin": "https://x.com:443"}, "same-origin", None),
        ({"Origin": "http://x.com"}, "same-site", None),
        ({"Origin": "https://mobile.x.com"}, "same-site", None),
        ({"Origin": "https://notx.com"}, "cross-site", "notx.com"),
        ({"Origin": "https://x.com.jahat.example"}, "cross-site", "x.com.jahat.example"),
        ({"Origin": "https://[2001:db8::1]"}, "cross-site", "[2001:db8::1]"),
        ({"Origin": "null"}, "cross-site", None),
        ({"Origin": "file:///etc/passwd"}, "cross-site", None),
    ],
)
def test_where_a_request_came_from(headers: dict[str, str], site: str | None, host: str | None) -> None:
    expected = None if site is None else Provenance(site, host)
    assert provenance(a_request("x.com", method="POST", headers=headers)) == expected


def test_a_site_on_a_port_of_its_own_is_its_own_origin() -> None:
    request = replace(a_request("blog.contoh.my", headers={"Origin": "https://blog.contoh.my:8443"}), port=8443)
    assert provenance(request) == Provenance("same-origin")
    assert provenance(replace(request, port=443)) == Provenance("same-site")


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_header_raises_and_what_comes_out_is_bounded(origin: str, site: str) -> None:
    found = provenance(a_request("x.com", headers={"Origin": origin, "Sec-Fetch-Site": site}))
    assert found is None or (found.site in SITES and len(found.host or "") <= 253)
