"""Options that several commands of `gerbang policy` share."""

from pathlib import Path
from typing import Annotated

import typer

FolderArgument = Annotated[
    Path | None, typer.Argument(help="A folder of policies; else those of the settings.", show_default=False)
]
