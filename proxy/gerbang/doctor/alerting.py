"""Who is told of serious decisions: whether what is needed is there, and whether it went out. Nothing is sent."""

from collections.abc import Iterator

from gerbang.alerts.sending import secret_of
from gerbang.alerts.state import read_state
from gerbang.cli.policy.checking import alert_notes
from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import AlertError

RULES = "correct `alert` in the policy, or `[[alerts]]` in the settings"


def alerts(patient: Patient) -> Iterator[Diagnosis]:
    """Each alert of the settings, and the names in policies that none answers to."""
    settings = patient.settings
    for note in alert_notes(patient.loaded.documents, patient.loaded.policy, settings):
        yield warning(note, RULES)
    for alert in settings.alerts:
        try:
            secret_of(alert)
        except AlertError as error:
            yield bad(f"alert `{alert.name}`: {error.what}", error.hint or "correct it in the settings")
            continue
        try:
            state = read_state(settings.alerts_folder, alert.name)
        except (OSError, ValueError) as error:
            yield bad(f"alert `{alert.name}`: what is kept of it cannot be read: {error}", "look at the state folder")
            continue
        again = f"`gerbang alerts test {alert.name}` tries again"
        if state is None:
            yield good(f"alert `{alert.name}` has not begun; `gerbang serve` begins it")
        elif state.failing is not None:
            yield bad(f"alert `{alert.name}` cannot be sent: {state.why}", again)
        elif state.failed:
            yield warning(f"alert `{alert.name}`: {state.failed} messages were given up, {state.sent} sent", again)
        else:
            yield good(f"alert `{alert.name}`: {state.sent} messages sent")
