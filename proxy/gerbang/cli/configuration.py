"""Which settings a command runs with: the file of `--config`, `GERBANG_CONFIG` or the current folder."""

from functools import cache
from pathlib import Path

from gerbang.settings import Settings, load_settings

_file: Path | None = None


def choose(file: Path | None) -> None:
    """Remember the file that the command line named."""
    global _file
    _file = file
    settings.cache_clear()


def chosen() -> Path | None:
    """The file that the command line or the environment named."""
    return _file


@cache
def settings() -> Settings:
    """The settings of this run. Raises `SettingsError`."""
    return load_settings(_file)
