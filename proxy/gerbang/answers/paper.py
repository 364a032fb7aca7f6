"""The paper that pages are written on: templates, the one stylesheet, and the headers that keep a page to itself.

Templates are compiled once, when this module is loaded. Pages have no script and nothing from elsewhere; the
content policy allows the one stylesheet by its digest.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gerbang.answers.words import Language, say, term
from gerbang.model import Reply

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("gerbang.answers"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
TEMPLATES: Final = {
    name.removesuffix(".html"): _ENVIRONMENT.get_template(name)
    for name in _ENVIRONMENT.list_templates(extensions=["html"])
}

# Our own file, not anybody's input: it stands in the page as it is, and its digest in the content policy.
_ENVIRONMENT.globals["style"] = _STYLE = Markup(  # noqa: S704
    files("gerbang.answers").joinpath("templates/style.css").read_text("utf-8").strip()
)
STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

BASE_POLICY: Final = f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; base-uri 'none'"

# What a page on a platform's own address may do. The sandbox gives it an origin of its own, so that the platform's
# scripts, which share the address, cannot read it through a frame or a window that they opened. It may stand in a
# frame, since that is where some comment forms stand, and has nothing that could be clicked by trickery.
# Both words, for a frame that has one of them of its own, as Jetpack's has, allows what both allow.
_WAY_OUT = "allow-top-navigation allow-top-navigation-by-user-activation"
GUEST_POLICY: Final = f"{BASE_POLICY}; form-action 'none'; sandbox {_WAY_OUT}"

ALONE: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


def page(
    template: str,
    language: Language,
    status: int,
    values: Mapping[str, object],
    *,
    policy: str,
    headers: tuple[tuple[str, str], ...] = (),
    head_only: bool = False,
) -> Reply:
    """A page of that template. Everything in `values` is escaped where it is put in."""
    text = TEMPLATES[template].render(
        language=language.value,
        other=language.other.value,
        say=lambda key, **arguments: say(key, language, **arguments),
        term=lambda group, word, arguments=None: term(group, word, language, arguments),
        **values,
    )
    return Reply(
        status,
        (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", language.value),
            ("Content-Security-Policy", policy),
            *ALONE,
            *headers,
        ),
        # A lone surrogate of a hostile body cannot be written as UTF-8; it becomes a question mark.
        b"" if head_only else text.encode("utf-8", "replace"),
    )
