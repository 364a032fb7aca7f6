"""Gerbang: a posting gate between an office's networks and the social platforms."""

from importlib.metadata import version

__version__ = version("gerbang")
