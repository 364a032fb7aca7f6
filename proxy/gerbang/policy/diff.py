"""What differs between two policies, in sentences: for whoever is to put one in the other's place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gerbang.model import Effect, Evidence, Mode
from gerbang.policy.conditions import Condition
from gerbang.policy.rules import Clause, Policy, Rule, Words

ADDED, GONE = "added", "gone"
NOTHING = Words(
    "Tiada perbezaan pada peraturan dan klausa.",
    "No rule and no clause differs.",
)
ONLY_TITLES = Words(
    "Yang berbeza hanyalah tajuk dokumen, atau undang-undang yang tidak dipetik oleh mana-mana klausa.",
    "What differs is only the title of a document, or a law that no clause cites.",
)

_EFFECTS: Mapping[Effect, Words] = {
    Effect.ALLOW: Words("dibenarkan", "allowed"),
    Effect.RECORD: Words("dibenarkan dan direkodkan", "allowed and recorded"),
    Effect.COACH: Words("ditahan sehingga pegawai mengesahkan", "held until the officer confirms"),
    Effect.APPROVE: Words("ditahan sehingga diluluskan", "held until it is approved"),
    Effect.BLOCK: Words("disekat", "blocked"),
}
_MODES: Mapping[Mode, Words] = {
    Mode.ENFORCE: Words("dikuatkuasakan", "enforced"),
    Mode.OBSERVE: Words("diperhatikan sahaja", "only observed"),
}
_EVIDENCE: Mapping[Evidence, Words] = {
    Evidence.SEALED: Words("disimpan secara termeterai", "kept sealed"),
    Evidence.MASKED: Words("disimpan dengan bahagian peka ditutup", "kept with what is sensitive masked"),
    Evidence.NONE: Words("tidak disimpan", "not kept"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `clause` is the id under which it is told, `name` the rule (empty for the clause itself),
    `key` what of it: `added`, `gone`, or the key of the document; `before` and `after` as they were written."""

    clause: str
    name: str
    key: str
    before: str | None
    after: str | None
    said: Words

    def sentence(self, language: str) -> str:
        """The change with its clause and rule before it."""
        short = self.clause.rpartition("/")[2]
        return (
            f"{short} {self.name}: {self.said.said(language)}" if self.name else f"{short}: {self.said.said(language)}"
        )


def differences(old: Policy, new: Policy) -> tuple[Change, ...]:
    """All changes from the old to the new, by clause, the clause's own first."""
    found = [*_clauses(old, new), *_rules(old, new)]
    return tuple(sorted(found, key=lambda change: (change.clause, change.name)))


def by_clause(changes: Iterable[Change]) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """The changes under each clause."""
    for clause, group in groupby(changes, key=lambda change: change.clause):
        yield clause, tuple(group)


# ---------------------------------------------------------------- clauses


def _clauses(old: Policy, new: Policy) -> Iterator[Change]:
    for name in old.clauses.keys() | new.clauses.keys():
        before, after = old.clauses.get(name), new.clauses.get(name)
        if before is None and after is not None:
            said = Words(f"klausa baharu: {after.text.ms}", f"is a new clause: {after.text.en}")
            yield Change(name, "", ADDED, None, after.text.en, said)
        elif after is None and before is not None:
            said = Words(f"klausa digugurkan: {before.text.ms}", f"the clause is gone: {before.text.en}")
            yield Change(name, "", GONE, before.text.en, None, said)
        elif before is not None and after is not None:
            yield from _clause(before, after)


def _clause(before: Clause, after: Clause) -> Iterator[Change]:
    texts = (
        ("text", before.text, after.text, Words("teks", "its text")),
        ("none", before.none, after.none, Words("sebab tiada peraturan", "its reason for having no rule")),
        ("note", before.note, after.note, Words("catatan", "its note")),
    )
    for key, one, other, what in texts:
        yield from _words(after.id, "", key, one, other, what)
    for regime in sorted(before.cites.keys() | after.cites.keys()):
        one, other = _law(before, regime), _law(after, regime)
        if one != other:
            key = f"cites.{regime}"
            what = Words(f"undang-undang bagi `{regime}`", f"the law behind it for `{regime}`")
            yield from _words(after.id, "", key, one, other, what)


def _law(clause: Clause, regime: str) -> Words | None:
    if regime not in clause.cites:
        return None
    return Words("; ".join(clause.law(regime, "ms")), "; ".join(clause.law(regime, "en")))


# ---------------------------------------------------------------- rules


def _rules(old: Policy, new: Policy) -> Iterator[Change]:
    for name in old.rules.keys() | new.rules.keys():
        before, after = old.rules.get(name), new.rules.get(name)
        if before is None and after is not None:
            what = _whole(after)
            said = Words(f"peraturan baharu: {what.ms}", f"is a new rule: {what.en}")
            yield Change(after.clause.id, after.name, ADDED, None, what.en, said)
        elif after is None and before is not None:
            what = _whole(before)
            said = Words(f"peraturan digugurkan; sebelum ini {what.ms}", f"the rule is gone; it was: {what.en}")
            yield Change(before.clause.id, before.name, GONE, what.en, None, said)
        elif before is not None and after is not None:
            yield from _rule(before, after)


def _rule(before: Rule, after: Rule) -> Iterator[Change]:
    clause, name = after.clause.id, after.name

    def change(key: str, one: str | None, other: str | None, ms: str, en: str) -> Change:
        return Change(clause, name, key, one, other, Words(ms, en))

    def became(key: str, one: str, other: str, was: Words, now: Words) -> Change:
        return change(key, one, other, f"dahulu {was.ms}, kini {now.ms}", f"was {was.en}, is now {now.en}")

    if before.effect != after.effect:
        yield became("effect", before.effect, after.effect, _EFFECTS[before.effect], _EFFECTS[after.effect])
    if before.mode != after.mode:
        yield became("mode", before.mode, after.mode, _MODES[before.mode], _MODES[after.mode])
    if before.clause.id != after.clause.id:
        one, other = before.clause.id, after.clause.id
        said = f"kini di bawah klausa `{other}`, dahulu `{one}`", f"answers now to clause `{other}`, before to `{one}`"
        yield change("clause", one, other, *said)
    yield from _conditions(before, after, change)
    yield from _exemptions(before, after, change)
    if before.final != after.final:
        said = (
            ("kini muktamad: tiada dokumen lain boleh melonggarkannya", "is final now: no other document may weaken it")
            if after.final
            else (
                "tidak lagi muktamad: dokumen lain boleh menggantikannya",
                "is no longer final: another document may replace it",
            )
        )
        yield change("final", _yes(before.final), _yes(after.final), *said)
    if before.evidence != after.evidence:
        was, now = _EVIDENCE[before.evidence], _EVIDENCE[after.evidence]
        said = (
            f"apa yang ditemui dahulu {was.ms}, kini {now.ms}",
            f"what was found was {was.en}, is now {now.en}",
        )
        yield change("evidence", before.evidence, after.evidence, *said)
    if before.asks != after.asks:
        one, other = _listed(before.asks), _listed(after.asks)
        said = (
            f"dahulu meminta pegawai {one or 'tiada apa-apa'}, kini {other or 'tiada apa-apa'}",
            f"asked the officer for {one or 'nothing'}, asks now for {other or 'nothing'}",
        )
        yield change("ask", one or None, other or None, *said)
    if before.release_for != after.release_for:
        was, now = _length(before.release_for), _length(after.release_for)
        said = (
            f"pelepasan dahulu {was.ms}, kini {now.ms}",
            f"a release was {was.en}, is now {now.en}",
        )
        yield change("release_for", _seconds(before.release_for), _seconds(after.release_for), *said)
    if before.covered_by != after.covered_by:
        one, other = _listed(before.covered_by), _listed(after.covered_by)
        said = (
            f"dahulu dilepaskan oleh {one or 'tiada peraturan lain'}, kini oleh {other or 'tiada peraturan lain'}",
            f"was released with {one or 'no other rule'}, is now with {other or 'no other rule'}",
        )
        yield change("covered_by", one or None, other or None, *said)
    if before.overrides != after.overrides:
        yield _overriding(before, after, change)
    yield from _words(clause, name, "title", before.title, after.title, Words("tajuk", "its title"))
    what = Words("mesej kepada pegawai", "its message to the officer")
    yield from _words(clause, name, "message", before.message, after.message, what)


type _Make = Callable[[str, str | None, str | None, str, str], Change]


def _conditions(before: Rule, after: Rule, change: _Make) -> Iterator[Change]:
    was = {condition.key: condition for condition in before.when}
    now = {condition.key: condition for condition in after.when}
    for key in [*was, *(key for key in now if key not in was)]:
        one, other = was.get(key), now.get(key)
        if one is None and other is not None:
            said = f"kini hanya jika `{key}: {other.wanted}`", f"applies now only where `{key}: {other.wanted}`"
            yield change(f"when.{key}", None, other.wanted, *said)
        elif other is None and one is not None:
            said = f"tidak lagi mensyaratkan `{key}: {one.wanted}`", f"no longer asks for `{key}: {one.wanted}`"
            yield change(f"when.{key}", one.wanted, None, *said)
        elif one is not None and other is not None and one.wanted != other.wanted:
            yield change(f"when.{key}", one.wanted, other.wanted, *_taken(key, one, other))


def _taken(key: str, one: Condition, other: Condition) -> tuple[str, str]:
    was, now = [_part(word) for word in one.words], [_part(word) for word in other.words]
    more, fewer = [word for word in now if word not in was], [word for word in was if word not in now]
    if key in {"media", "remedial"}:
        return f"`{key}` dahulu {was[0]}, kini {now[0]}", f"`{key}` was {was[0]}, is now {now[0]}"
    ms = [*([f"kini merangkumi {_listed(more)}"] if more else []), *([f"tidak lagi {_listed(fewer)}"] if fewer else [])]
    en = [
        *([f"takes now {_listed(more)} too" if not fewer else f"takes now {_listed(more)}"] if more else []),
        *([f"no longer {_listed(fewer)}"] if fewer else []),
    ]
    # The same words in another order decide the same.
    return f"`{key}` {', '.join(ms) or 'disusun semula'}", f"`{key}` {', '.join(en) or 'stands in another order'}"


def _exemptions(before: Rule, after: Rule, change: _Make) -> Iterator[Change]:
    was, now = [one.text for one in before.unless], [one.text for one in after.unless]
    for text in was:
        if text not in now:
            yield change("unless", text, None, f"tidak lagi dikecualikan jika `{text}`", f"no longer exempt: `{text}`")
    for text in now:
        if text not in was:
            yield change("unless", None, text, f"kini dikecualikan jika `{text}`", f"is now exempt where `{text}`")


def _overriding(before: Rule, after: Rule, change: _Make) -> Change:
    one = f"{before.overrides.rule} ({before.overrides.authority})" if before.overrides else None
    other = f"{after.overrides.rule} ({after.overrides.authority})" if after.overrides else None
    if after.overrides is None:
        return change("overrides", one, None, f"tidak lagi menggantikan `{one}`", f"no longer replaces `{one}`")
    by = after.overrides
    return change(
        "overrides",
        one,
        other,
        f"kini menggantikan `{by.rule}`: {by.reason} ({by.authority})",
        f"replaces now `{by.rule}`: {by.reason} ({by.authority})",
    )


# ---------------------------------------------------------------- words


def _whole(rule: Rule) -> Words:
    """A rule in a line: what it does, where, and unless what."""
    when = ", ".join(f"{condition.key}: {condition.wanted}" for condition in rule.when)
    unless = "; ".join(one.text for one in rule.unless)
    effect, mode = _EFFECTS[rule.effect], _MODES[rule.mode]
    watched = rule.mode is not Mode.ENFORCE
    ms = [f"{effect.ms} jika `{when}`", *([f"kecuali `{unless}`"] if unless else []), *([mode.ms] if watched else [])]
    en = [f"{effect.en} where `{when}`", *([f"unless `{unless}`"] if unless else []), *([mode.en] if watched else [])]
    if rule.overrides:
        ms.append(f"menggantikan `{rule.overrides.rule}`")
        en.append(f"in place of `{rule.overrides.rule}`")
    return Words(", ".join(ms), ", ".join(en))


def _words(
    clause: str, name: str, key: str, before: Words | None, after: Words | None, what: Words
) -> Iterator[Change]:
    """A text that is another, told in the language of which the reader asks."""
    if before == after:
        return
    if before is None and after is not None:
        said = Words(f"kini ada {what.ms}: {after.ms}", f"has now {what.en.removeprefix('its ')}: {after.en}")
    elif after is None and before is not None:
        said = Words(f"{what.ms} digugurkan: {before.ms}", f"{what.en} is gone: {before.en}")
    else:
        said = _reworded(what, before, after)
    one, other = (_both(before) if before else None), (_both(after) if after else None)
    yield Change(clause, name, key, one, other, said)


def _reworded(what: Words, before: Words | None, after: Words | None) -> Words:
    if before is None or after is None:
        return what
    same = Words("berubah dalam bahasa Inggeris sahaja", "changed in Malay only")
    ms = f'dahulu "{before.ms}", kini "{after.ms}"' if before.ms != after.ms else f'{same.ms}: "{after.en}"'
    en = f'was "{before.en}", is now "{after.en}"' if before.en != after.en else f'{same.en}: "{after.ms}"'
    return Words(f"{what.ms} {ms}", f"{what.en} {en}")


def _both(words: Words) -> str:
    return words.en if words.ms == words.en else f"{words.ms} / {words.en}"


def _part(word: object) -> str:
    return ("true" if word else "false") if isinstance(word, bool) else str(word)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _seconds(value: int | None) -> str | None:
    return None if value is None else str(value)


def _length(value: int | None) -> Words:
    if value is None:
        return Words("untuk satu perbuatan itu sahaja", "for the one act only")
    if value % 3600 == 0:
        hours = value // 3600
        return Words(f"selama {hours} jam", f"for {hours} hour{'s' if hours > 1 else ''}")
    minutes = value // 60
    return Words(f"selama {minutes} minit", f"for {minutes} minute{'s' if minutes > 1 else ''}")
