"""What was sent in earlier steps, and the act that it goes out with: one act of several. Pure.

A step's words and bytes are put to what its ids stand for (`after`); the act that uses an id is judged with them
(`joined`). Who keeps them, for whom and how long, is not known here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gerbang.model import Activity, Earlier, Edit, Gap, Media, Step, Text
from gerbang.recognition.extract import MEDIA
from gerbang.recognition.matcher import Platforms
from gerbang.wire.streamed import Running, Sent

SENT_EARLIER = "sent-earlier"
UNSEEN_MEDIA = "unseen-media"
FIELD = "sent-earlier."
"""What a text's field begins with where its words came in an earlier step."""

NUMBERS = 100
"""Decisions that are named as earlier steps of one thing: the first, and the latest."""

WORDS = 256 << 10
"""Characters of words that are kept of one thing; of more, those that came last are not, which is a gap."""

PARAGRAPHS = 2_000
"""Paragraphs of one thing whose changes are followed; of what stands behind them nothing is kept, which is a gap."""

TOO_LONG = Gap("too-large", "words sent earlier")
OUT_OF_ORDER = Gap(UNSEEN_MEDIA, "its parts did not come in order")
INCOMPLETE = Gap(UNSEEN_MEDIA, "not all of its bytes were seen")
UNKNOWN = Gap(UNSEEN_MEDIA, "not sent through this gate of late")

_NUMBER = re.compile(r"\[\d+\]")

type Find = Callable[[str], Earlier | None]


@dataclass(frozen=True, slots=True)
class Thing:
    """What ids stand for: what is known of it, and how far its bytes have come.

    `announced` is how many bytes it will have, where that was said; `broken` says that some came out of order.
    """

    earlier: Earlier = field(default_factory=Earlier)
    running: Running | None = None
    announced: int | None = None
    broken: bool = False


def joined(activity: Activity, find: Find) -> Activity:
    """The act with what was sent earlier: its words in fields that say so, digests of its media, its gaps.

    `find` gives what an id stands for. An attachment of which that is not known is the gap `unseen-media`. The gap
    `sent-earlier` goes where all that it stands for was seen.
    """
    step = activity.step
    if step is None and not activity.media:
        return activity
    belongs = step.belongs if step else ()
    uses = step.uses if step else ()
    gathered = _Gathered(activity)
    attached: list[Media] = []
    for media in activity.media:
        if media.id is None or media.digest is not None or media.id in belongs:
            attached.append(media)
            continue
        known = find(media.id)
        attached += _attached(media, known)
        gathered.take(known, replaced=media.id in uses)
        if known is None or not known.seen:
            gathered.miss(known)
    unseen = False
    for identity in uses:
        known = find(identity)
        gathered.take(known, replaced=True)
        unseen = unseen or known is None or not (known.whole or known.seen)
        if known is not None and known.media:
            attached += (one for one in known.media if one not in attached)
            if any(one.digest is None for one in known.media):
                gathered.miss(known)
    lifted = SENT_EARLIER if uses and not unseen else None
    own = (gap for gap in activity.gaps if gap.reason != lifted)
    first = [known.numbers[0] for one in belongs if (known := find(one)) is not None and known.numbers]
    return replace(
        activity,
        media=tuple(attached[:MEDIA]),
        texts=tuple(gathered.texts),
        gaps=tuple(dict.fromkeys((*own, *gathered.gaps))),
        belongs_to=tuple(dict.fromkeys(first)),
        sent_earlier=_some([*gathered.numbers]),
    )


def with_words(activity: Activity, words: Sequence[str]) -> Activity:
    """The act as it would be with words that were sent in an earlier step: for trials of a policy."""
    if not words:
        return activity
    said = Earlier(("EARLIER",), tuple(Text(f"step-{number}", value) for number, value in enumerate(words)), whole=True)
    return joined(replace(activity, step=Step(uses=("earlier",))), {"earlier": said}.get)


class _Gathered:
    """An act's words with those of what it uses, and the gaps of the latter."""

    def __init__(self, activity: Activity) -> None:
        self.texts = list(activity.texts)
        self.gaps: dict[Gap, None] = {}
        self.numbers: dict[str, None] = {}
        emptied = activity.step.emptied if activity.step else ()
        self._own = _places((*(text.field for text in activity.texts), *emptied))

    def take(self, known: Earlier | None, *, replaced: bool = False) -> None:
        """Add what is known; with `replaced`, without the fields that the act itself says anew."""
        if known is None:
            return
        self.numbers.update(dict.fromkeys(known.numbers))
        self.gaps.update(dict.fromkeys(known.gaps))
        for text in known.texts:
            if not text.value:
                continue  # a paragraph that holds the place of what stood there
            # What the thing itself has from elsewhere is not said anew by its own fields.
            own = replaced and not text.field.startswith(FIELD)
            if own and not self._own.isdisjoint(_places([text.field])):
                continue
            told = text if text.field.startswith(FIELD) else Text(f"{FIELD}{text.field}", text.value)
            if told not in self.texts:
                self.texts.append(told)

    def miss(self, known: Earlier | None) -> None:
        if not any(gap.reason == UNSEEN_MEDIA for gap in (known.gaps if known else ())):
            self.gaps[UNKNOWN if known is None else INCOMPLETE] = None


def _places(fields: Iterable[str]) -> set[str]:
    """Where words may stand. Fields that share a place are one to whom they are said; so are those that differ in the
    number of a parameter only, for one call has the same struct in another place than the other."""
    return {_NUMBER.sub("", place) for field in fields for place in field.split(" or ")}


def _attached(media: Media, known: Earlier | None) -> Iterable[Media]:
    """An attachment, or in its place what is known of it."""
    if known is None or not known.media:
        return (media,)
    if len(known.media) > 1:
        return known.media
    one = known.media[0]
    return (Media(media.id, media.type or one.type, media.name or one.name, one.digest, one.size or media.size),)


def _some(numbers: Sequence[str]) -> tuple[str, ...]:
    if len(numbers) <= NUMBERS:
        return tuple(numbers)
    return (numbers[0], *numbers[1 - NUMBERS :])


# ---------------------------------------------------------------- what a step adds


# What `joined` says of each act anew, by what is known then.
TOLD_ANEW = frozenset({INCOMPLETE, UNKNOWN, OUT_OF_ORDER})


def after(thing: Thing, activity: Activity, number: str | None, sent: Sent | None = None) -> Thing:
    """What ids stand for after one more step went out. `sent` is the step's body, where it was digested on its way."""
    known = thing.earlier
    changed = _with_media(thing, activity, sent)
    texts, too_long = _words(known, activity)
    gaps = dict.fromkeys(gap for gap in (*known.gaps, *activity.gaps) if gap not in TOLD_ANEW)
    if too_long:
        gaps[TOO_LONG] = None
    if changed.broken:
        gaps[OUT_OF_ORDER] = None
    numbers = known.numbers if number is None or number in known.numbers else _some([*known.numbers, number])
    whole = known.whole or bool(activity.step and activity.step.whole)
    return replace(changed, earlier=Earlier(numbers, texts, changed.earlier.media, tuple(gaps), whole))


def merged(things: Sequence[Thing]) -> Thing:
    """One thing of several that turn out to be the same."""
    first, *others = things
    for other in others:
        one, two = first.earlier, other.earlier
        running = first.running or other.running
        media = one.media if any(each.digest for each in one.media) or not two.media else two.media
        earlier = Earlier(
            _some([*dict.fromkeys((*one.numbers, *two.numbers))]),
            tuple(dict.fromkeys((*one.texts, *two.texts))),
            media,
            tuple(dict.fromkeys((*one.gaps, *two.gaps))),
            one.whole or two.whole,
        )
        first = Thing(earlier, running, first.announced or other.announced, first.broken or other.broken)
    return first


def followed(known: Earlier, step: Earlier) -> Earlier:
    """What is known with one more step of which the record tells: of the bytes it has the latest."""
    kind = next((media.type for media in (*known.media, *step.media) if media.type), None)
    media = tuple(replace(one, type=kind) for one in step.media) or known.media
    return Earlier(
        _some([*dict.fromkeys((*known.numbers, *step.numbers))]),
        (*known.texts, *step.texts),
        media,
        tuple(dict.fromkeys((*known.gaps, *step.gaps))),
        known.whole or step.whole,
    )


def _words(known: Earlier, activity: Activity) -> tuple[tuple[Text, ...], bool]:
    """The words after a step, and whether some did not find room. A field that is said again is what it says now."""
    emptied = activity.step.emptied if activity.step else ()
    said = _places((*(text.field for text in activity.texts), *emptied))
    room = WORDS
    kept: list[Text] = []
    before = (text for text in known.texts if text.field.startswith(FIELD) or said.isdisjoint(_places([text.field])))
    texts, cut = _edited([*before, *activity.texts], activity.step.edits if activity.step else ())
    for text in texts:
        if len(text.value) <= room:
            kept.append(text)
            room -= len(text.value)
        else:
            # Those behind it are told by their places.
            kept.append(Text(text.field, ""))
            cut = True
    return tuple(kept), cut


def _edited(texts: list[Text], edits: Sequence[Edit]) -> tuple[list[Text], bool]:
    """The words with the changes of paragraphs, and whether some stood too far down. Those of a thing that was not
    seen from its beginning keep their places all the same."""
    cut = False
    for field_ in dict.fromkeys(edit.field for edit in edits):
        blank = Text(field_, "")
        lines = [text for text in texts if text.field == field_]
        for edit in edits:
            if edit.field != field_:
                continue
            if edit.text is None:
                del lines[edit.at : edit.at + 1]
                continue
            if edit.at >= PARAGRAPHS or (edit.inserted and len(lines) >= PARAGRAPHS):
                cut = True
                continue
            lines += [blank] * (edit.at + (not edit.inserted) - len(lines))
            lines[edit.at : edit.at + (not edit.inserted)] = [Text(field_, edit.text) if edit.text else blank]
        texts = [*(text for text in texts if text.field != field_), *lines]
    return texts, cut


def _with_media(thing: Thing, activity: Activity, sent: Sent | None) -> Thing:
    """The thing with what a step says of its file, and with the bytes that came."""
    step, given, known = activity.step, activity.media, thing.earlier.media
    if len(given) > 1 or len(known) > 1:
        return replace(thing, earlier=replace(thing.earlier, media=given or known))
    here, one = given[0] if given else Media(), known[0] if known else Media()
    file = sent.file if sent is not None and sent.file is not None else here if here.digest else None
    if not given and not known and file is None:
        return thing
    announced = here.size if here.digest is None and here.size is not None else thing.announced
    running, broken = thing.running, thing.broken
    named = Media(one.id or here.id, one.type or here.type, one.name or here.name)
    if file is None:
        whole = replace(named, digest=one.digest, size=one.size if one.digest else announced)
    elif step is None or (step.part is None and step.offset is None):
        kind, name = here.type or one.type or file.type, here.name or one.name or file.name
        whole = Media(named.id, kind, name, file.digest, file.size)
        running, broken = None, False
    else:
        first = not step.part and not step.offset
        running = sent.after if sent is not None and (first or sent.before is running) else None
        broken = running is None or (broken and not first)
        complete = running is not None and announced in (None, running.size)
        # What a part calls itself says nothing of the file.
        named = Media(named.id, one.type, one.name)
        whole = replace(named, digest=running.digest, size=running.size) if running and complete else named
    return Thing(replace(thing.earlier, media=(whole,)), running, announced, broken)


def goes_on_from(thing: Thing | None, activity: Activity) -> Running | None:
    """What the bytes of a step's file go on from; `None` where they are not the next of it."""
    step = activity.step
    if step is None or (step.part is None and step.offset is None):
        return None
    if not step.part and not step.offset:
        return Running()
    running = thing.running if thing else None
    if running is None:
        return None
    in_turn = step.part is None or step.part == running.parts
    return running if in_turn and (step.offset is None or step.offset == running.size) else None


def place_of(activity: Activity, platforms: Platforms) -> str:
    """Where ids count: one site of software that has many, by its name or its host, or all of a platform."""
    known = platforms.platform(activity.platform)
    if known is None or not (known.document.on_sites or known.document.uses):
        return ""
    return activity.site or activity.host


def ids_of(activity: Activity, gives: Sequence[str] = ()) -> tuple[str, ...]:
    """All ids under which a step is found."""
    return tuple(dict.fromkeys((*(activity.step.belongs if activity.step else ()), *gives)))
