"""`gerbang platforms`: which are known, whether their signatures hold, what a recording would be taken for."""

import typer

from gerbang.cli.platforms.learning import learn_from
from gerbang.cli.platforms.listing import list_hosts, list_housekeeping, list_platforms, show_platform
from gerbang.cli.platforms.recognising import recognise_file
from gerbang.cli.platforms.testing import run_platforms
from gerbang.cli.platforms.unclaimed import list_unclaimed

app = typer.Typer(no_args_is_help=True, help="Platforms: list them, test their signatures, recognise a recording.")

app.command("list")(list_platforms)
app.command("show")(show_platform)
app.command("hosts")(list_hosts)
app.command("test")(run_platforms)
app.command("recognise")(recognise_file)
app.command("learn")(learn_from)
app.command("unclaimed")(list_unclaimed)
app.command("housekeeping")(list_housekeeping)
