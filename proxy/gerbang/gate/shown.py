"""What an approver gets to read of an act."""

from typing import Final

from gerbang.checks.examine import MASKED
from gerbang.model import Decision, Evidence
from gerbang.record.event import Shown

WORDS: Final = 10_000  # characters
OFFICIAL: Final = "official-information"


def words_shown(decision: Decision) -> Shown:
    """What an approver may read of an act: its texts, with what checks found hidden; nothing where a rule keeps no
    evidence, and nothing that may be official information."""
    if decision.evidence is Evidence.NONE:
        return Shown(why="evidence")
    if any(finding.category == OFFICIAL for finding in decision.findings):
        return Shown(why="official")
    texts = [text.value for text in decision.activity.texts]
    for finding in decision.findings:
        if finding.text < len(texts):
            value, start, end = texts[finding.text], finding.start, finding.end
            texts[finding.text] = value[:start] + MASKED * (end - start) + value[end:]
    words, left = [], WORDS
    for text in texts:
        words.append(text[:left])
        left -= len(words[-1])
    return Shown(tuple(word for word in words if word), cut=sum(map(len, texts)) > WORDS)
