"""Content checks: texts in, findings out. No I/O, no clock."""

from gerbang.checks.examine import CHECKS, Checks, compile_checks, examine, mask
from gerbang.checks.lexicon import LexiconDocument, parse_lexicon
from gerbang.checks.normalise import Normal, normal_form

__all__ = [
    "CHECKS",
    "Checks",
    "LexiconDocument",
    "Normal",
    "compile_checks",
    "examine",
    "mask",
    "normal_form",
    "parse_lexicon",
]
