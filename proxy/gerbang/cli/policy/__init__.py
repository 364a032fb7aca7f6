"""`gerbang policy`: whether the documents are right, whether they do what was meant, and why they decide as they do."""

import typer

from gerbang.cli.policy.activating import activate, cancel, confirm, list_activations, rollback
from gerbang.cli.policy.checking import check
from gerbang.cli.policy.covering import show_coverage
from gerbang.cli.policy.differing import diff
from gerbang.cli.policy.explaining import explain_act
from gerbang.cli.policy.replaying import replay
from gerbang.cli.policy.simulating import simulate_period
from gerbang.cli.policy.testing import run_all_cases

app = typer.Typer(no_args_is_help=True, help="The rules: check them, try them, and see why they decide as they do.")

app.command("check")(check)
app.command("test")(run_all_cases)
app.command("activate")(activate)
app.command("confirm")(confirm)
app.command("cancel")(cancel)
app.command("rollback")(rollback)
app.command("list")(list_activations)
app.command("diff")(diff)
app.command("explain")(explain_act)
app.command("coverage")(show_coverage)
app.command("replay")(replay)
app.command("simulate")(simulate_period)
