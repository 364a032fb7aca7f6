"""The way in: a platform document's text to its signatures, and the signatures of all platforms to one lookup."""

from gerbang.recognition.document import INERT_ROLES, PlatformDocument, parse_platform
from gerbang.recognition.matcher import UNTOLD, HostRole, Platforms, compile_platforms

__all__ = ["INERT_ROLES", "UNTOLD", "HostRole", "PlatformDocument", "Platforms", "compile_platforms", "parse_platform"]
