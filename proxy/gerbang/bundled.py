"""Where the data that ships with the program lies: beside the package in a wheel, at the top of a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent.parent


def bundled(name: str) -> Path:
    """The shipped folder or file of that name, such as `policies/platforms` or `migrations`.

    Raises `FileNotFoundError` where an installation is incomplete.
    """
    for base in (PACKAGE, CHECKOUT):
        if (found := base / name).exists():
            return found
    raise FileNotFoundError(f"{name} is missing from this installation of gerbang")
