"""`gerbang alerts`: who is told of serious decisions, and whether it reaches them."""

from datetime import datetime
from typing import Annotated

import typer

from gerbang.alerts.sending import deliver, destination
from gerbang.alerts.state import read_states
from gerbang.alerts.telling import trial
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import now
from gerbang.errors import SettingsError, one_of

app = typer.Typer(no_args_is_help=True, help="Alerts by e-mail and webhook.")

COLUMNS = ("name", "by", "to", "rules", "language", "at_most", "sent", "failed", "last_sent", "failing")


@app.command("list")
def list_alerts(as_json: JsonOption = False) -> None:
    """The alerts of the settings, and what was sent. Rules that name one in a policy are not shown here."""
    chosen = settings()
    states = read_states(chosen.alerts_folder, [alert.name for alert in chosen.alerts])
    rows = []
    for alert in chosen.alerts:
        state = states.get(alert.name)
        rows.append(
            (
                alert.name,
                "email" if alert.email else "webhook",
                destination(alert),
                list(alert.rules),
                alert.language,
                alert.at_most,
                state.sent if state else 0,
                state.failed if state else 0,
                _shown(state.last_sent) if state else None,
                state.why if state and state.failing is not None else None,
            )
        )
    if as_json:
        emit([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    elif rows:
        table(COLUMNS, rows, as_json=False)
    else:
        say("no alerts; `[[alerts]]` in the settings makes one")


@app.command()
def test(name: Annotated[str, typer.Argument(help="The alert's name in the settings.")]) -> None:
    """Send a trial message, now and once. It is not written into the journal and counts for no limit."""
    alerts = {alert.name: alert for alert in settings().alerts}
    if name not in alerts:
        hint = one_of(alerts, name) if alerts else "`[[alerts]]` in the settings makes one"
        raise SettingsError(f"there is no alert `{name}`", hint=hint)
    alert, moment = alerts[name], now()
    deliver(alert, trial(name, alert.language, moment), moment.timestamp())
    say(f"taken for {destination(alert)}")


def _shown(moment: float | None) -> str | None:
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M}" if moment is not None else None
