"""The way in: a platform document's text to its signatures, and the signatures of all platforms to one lookup."""

from gerbang.recognition.document import PlatformDocument, parse_platform
from gerbang.recognition.matcher import HostRole, Platforms, compile_platforms

__all__ = ["HostRole", "PlatformDocument", "Platforms", "compile_platforms", "parse_platform"]
