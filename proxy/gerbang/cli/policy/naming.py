"""A policy as it is named at the command line: a folder, a file, a kept policy's digest, or `active`."""

import re
from pathlib import Path

from gerbang.activations import Activations
from gerbang.errors import SettingsError
from gerbang.loading import read_document
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.policy.rules import Policy
from gerbang.settings import Settings
from gerbang.trying import load_policies

ACTIVE = "active"
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
HINT = "name a folder, a file, `active`, or 8 or more characters of a digest that `gerbang policy list` shows"


def named_policy(chosen: Settings, name: str) -> Policy:
    """The policy of that name. Raises a `GerbangError` where there is none, or it is wrong."""
    path = Path(name)
    if path.is_dir():
        return load_policies(chosen, path).policy
    if path.is_file():
        return compile_policy([parse_policy(read_document(path), str(path))])
    activations = Activations(chosen.state)
    return activations.policy(kept_digest(activations, name))


def kept_digest(activations: Activations, name: str) -> str:
    """The whole digest of a policy that is kept."""
    listed = [entry.digest for entry in activations.read()]
    if name == ACTIVE:
        if not listed:
            raise SettingsError("no policy came into force yet", hint="run `gerbang policy activate`")
        return listed[-1]
    listed += [plan.digest for plan in activations.open_plans()]
    found = {digest for digest in listed if digest.startswith(name)} if _DIGEST.fullmatch(name) else set()
    if not found:
        raise SettingsError(f"there is no policy `{name}`", hint=HINT)
    if len(found) > 1:
        raise SettingsError(f"`{name}` begins several digests", hint="write more of it")
    return found.pop()
