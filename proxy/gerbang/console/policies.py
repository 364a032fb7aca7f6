"""The words of the rules that a past decision names, from the policy that was in force then.

The journal keeps each activated policy whole, and the database has it; its digest says that it is the one.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Final

import structlog

from gerbang.answers.reasons import RuleOfPolicy, Wording, wording
from gerbang.errors import DocumentError
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.store import Store

log = structlog.get_logger()

KEPT: Final = 8  # compiled policies
LOOKED_AT: Final = 50  # activations, the newest; each brings its documents
POLICY: Final = re.compile(r"^policy\s*:", re.MULTILINE)


class PastPolicies:
    """Wordings by the digest of a policy. One that the database has no more has no words, and rules show their ids."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: OrderedDict[str, Mapping[str, RuleOfPolicy]] = OrderedDict()
        self._lock = Lock()

    def wording(self, digest: str) -> Wording:
        return wording(self._rules(digest))

    def in_force(self) -> tuple[str, ...]:
        """The ids of the rules of the policy that was activated last."""
        latest = self._store.activations(1)
        return tuple(sorted(self._rules(latest[0].policy))) if latest else ()

    def _rules(self, digest: str) -> Mapping[str, RuleOfPolicy]:
        with self._lock:
            if digest in self._made:
                self._made.move_to_end(digest)
                return self._made[digest]
        made = self._make(digest)
        if made is None:
            return {}
        with self._lock:
            self._made[digest] = made
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made

    def _make(self, digest: str) -> Mapping[str, RuleOfPolicy] | None:
        found = next((one for one in self._store.activations(LOOKED_AT) if one.policy == digest), None)
        if found is None:
            return None
        texts = {name: text for name, text in found.documents.items() if POLICY.search(text)}
        try:
            policy = compile_policy([parse_policy(text, name) for name, text in texts.items()])
        except DocumentError as error:
            # A program that reads policies otherwise than the one that activated it.
            log.warning("past-policy-unreadable", policy=digest, error=str(error))
            return None
        if policy.digest != digest:
            log.warning("past-policy-differs", policy=digest, found=policy.digest)
            return None
        return policy.rules
