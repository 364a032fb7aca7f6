# ruff: noqa: E501 (patterns of one line each are read more easily than broken ones)
"""Signs of an official paper: letterhead, references, salutation, numbering, closing.

A label or a marker means what it says only in such a paper. Sources: Pekeliling Perkhidmatan 5/2007 and the
letter-writing guide of AP 5/2014, seen 2026-11.
"""

from gerbang.checks.patterns import PatternSet, compiled
from gerbang.checks.reading import Reading

AGENCY = r"[A-Z]{2,10}(?:[./][A-Z]{1,12}){0,3}"
GRADE = r"(?:\s?\((?:S|R|RB|T|K|SULIT|RAHSIA|TERHAD|[A-Z]{2,5})\)){0,2}"
SERIES = r"\d{1,4}(?:[./-]\d{1,4}){1,5}"
VOLUME = r"(?:\s*/?\s*(?:[Jj][Ll][Dd]|[Jj]ilid|JILID|[Kk][Ll][Tt])\.?\s*(?:\d{1,3}|[IVX]{1,5}))"
ENCLOSURE = r"\s*\(\s*\d{1,4}\s*\)"
# What follows a series must show that it is a file's: the enclosure's number, a volume, or the label before it.
FILE_REFERENCE = rf"\b{AGENCY}{GRADE}[\s./]{{0,2}}{SERIES}(?:{VOLUME}(?:{ENCLOSURE})?|{ENCLOSURE})"
LABELLED_REFERENCE = (
    rf"(?i:\b(?:ruj(?:ukan)?\.?\s*(?:kami|tuan|fail)|no\.?\s*(?:rujukan|fail|ruj)|our\s+ref|your\s+ref|ref\.?\s*no))"
    rf"\.?[^\n]{{0,12}}?\b({AGENCY}{GRADE}[\s./]{{0,2}}{SERIES}{VOLUME}?(?:{ENCLOSURE})?)"
)

SIGNS = {
    "reference": FILE_REFERENCE,
    "labelled-reference": LABELLED_REFERENCE,
    "reference-line": r"(?im)^\s*(?:ruj(?:ukan)?\.?\s*(?:kami|tuan)|no\.?\s*rujukan|our ref|your ref|surat (?:kita|tuan))\b\.?\s*:?",
    "copy-number": r"\b(?:SALINAN|NASKHAH|Salinan|Naskhah|COPY)\s*(?:NO|No|BIL|Bil)?\.?\s*:?\s*\d{1,3}\s*(?:DARIPADA|daripada|DARI|dari|OF|of|/)\s*\d{1,3}",
    "date-line": r"(?im)^\s*tarikh\s*:\s*\d{1,2}\s+(?:januari|februari|mac|april|mei|jun|julai|ogos|september|oktober|november|disember)\s+\d{4}",
    "salutation": r"(?m)^\s*(?:YBhg\.?\s|YB\.?\s|Y\.?Bhg\.?\s)?(?:(?:Tan Sri|Dato'?|Datuk)\s*/?\s*)*(?:Tuan|Puan|TUAN|PUAN)(?:\s*/\s*(?:Puan|Cik|PUAN))?\s*,\s*$",
    "attention": r"(?m)(?:^|\s)\(?u\.\s?p\.?\s*[:.]",
    "directed": r"(?i)\b(?:adalah (?:saya|kami) (?:diarah|di arah)|dengan (?:segala )?hormatnya|sukacita (?:dimaklumkan|merujuk)|saya diarah(?:kan)? (?:merujuk|memaklumkan))",
    "paragraphs": r"(?m)^\s*(?:[2-9]|1\d)(?:\.\d{1,2})?\.?\s+\S",
    "motto": r"\bBERKHIDMAT UNTUK NEGARA\b",
    "closing": r"(?i)\bsaya yang (?:menjalankan amanah|menurut perintah)\b",
    "copies": r"(?m)^\s*(?:s\.\s?k\.?|Salinan [Kk]epada|SALINAN KEPADA|Senarai Edaran|SENARAI EDARAN)\b",
    "minutes": r"\b(?:MINIT|Minit|MEMO|KERTAS|CATATAN|NOTA)\s+(?:CURAI|MESYUARAT|DALAMAN|PERBINCANGAN|PERTIMBANGAN|CADANGAN|MAKLUMAN|DASAR|KABINET|MMKN|JEMAAH|[Cc]urai|[Mm]esyuarat|[Dd]alaman)\b[^\n]{0,80}?(?i:\b(?:bil|no)\b\.?\s*\d{1,3}\s*[/(]\s*\d{4}|\bbil\b)",
    "tasks": r"(?m)(?:Tindakan|TINDAKAN|Makluman|MAKLUMAN)\s*:\s*(?:Bahagian|BAHAGIAN|Unit|UNIT|Semua|SEMUA|[A-Z]{2,8}\b|Pengarah|Ketua)",
    "agenda": r"\b(?:PERKARA[- ]?PERKARA BERBANGKIT|PERKARA BERBANGKIT|HAL-HAL LAIN|PENANGGUHAN MESYUARAT|TURUT HADIR)\b",
    "letterhead": r"(?m)^\s*(?:KEMENTERIAN|JABATAN|PEJABAT|BAHAGIAN|SURUHANJAYA|MAJLIS|UNIT)\s+[A-Z][A-Z ,&'()-]{3,70}$",
    "register": r"\bAm\.? ?(?:43[5-8]|492[AB]?)\b",
    "memorandum": r"\b(?:MEMORANDUM|NOTA)\s+(?:DARIPADA|DARI)\s+(?:YAB |YB )?(?:PERDANA |TIMBALAN )?(?:MENTERI|PERDANA MENTERI)\b",
    "for-cabinet": r"\bUNTUK\s+(?:PERTIMBANGAN|MAKLUMAN|KELULUSAN|KEPUTUSAN)\s+(?:JEMAAH MENTERI|KABINET|MMKN|MESYUARAT)\b",
}  # fmt: skip

# One word excuses nothing: each of these is the form that such a paper, stamp or advertisement has.
EXAMINATION = {
    "code": r"(?m)^[ \t]*\d{4}/[1-5](?:[ \t]|$)",
    "paper": r"(?im)^[^\n]{0,40}\b(?:kertas(?: soalan)?|paper)\s+[1-5]\b",
    "duration": r"(?im)^[ \t]*(?:masa\s*:?\s*)?(?:satu|dua|tiga|one|two|three|[1-3])(?:\s+1/2)?\s+(?:jam|hours?)\b",
    "answers": r"(?i)\b(?:jawab (?:semua|mana-mana|\w+) soalan|answer all questions|kertas soalan ini mengandungi)\b",
    "board": r"\b(?:SIJIL PELAJARAN|SIJIL TINGGI|PEPERIKSAAN (?:PERCUBAAN|AKHIR|PERTENGAHAN)|UJIAN AKHIR SESI|MODUL PERCUBAAN)\b",
}
DECLASSIFIED = (
    r"(?m)^[^A-Za-z0-9\n]{0,6}(?:(?:DOKUMEN|FAIL|KERTAS|SURAT) INI )?(?:TELAH )?(?:DIKELASKAN SEMULA|DECLASSIFIED)\b"
)
SALE = {
    "price": r"(?i)\brm ?\d",
    "order": r"(?i)\b(?:order|tempah\w*|pre-?order|cod|postage|beli|daftar sekarang|slot|tiket)\b",
    "goods": r"(?i)\b(?:baju|kasut|tudung|stok|unit|buku|novel|drama|filem|menu|resipi|resepi)\b",
    "offer": r"(?i)\b(?:edisi|promo\w*|jualan|diskaun|free gift|giveaway|sale|limited)\b",
    "party": r"(?i)\b(?:party|birthday|surprise)\b",
}


_NAMES = tuple(SIGNS)
_SIGNS = PatternSet(compiled(pattern) for pattern in SIGNS.values())
_EXAMINATION = PatternSet(compiled(pattern) for pattern in EXAMINATION.values())
_DECLASSIFIED = compiled(DECLASSIFIED)
_SALE = PatternSet(compiled(pattern) for pattern in SALE.values())


def signs(reading: Reading) -> frozenset[str]:
    """The signs of an official paper that the text shows; a reference with its label counts once."""
    found = reading.memory.get("signs")
    if found is None:
        found = frozenset(_NAMES[number] for number in _SIGNS.numbers(reading.clean))
        if "labelled-reference" in found:
            found = found - {"reference-line"}
        elif "reference-line" in found and "reference" in found:
            found = (found - {"reference-line", "reference"}) | {"labelled-reference"}
        reading.memory["signs"] = found
    return frozenset(found)


def examination(reading: Reading) -> bool:
    """Whether the text has the form of a school examination, whose papers are stamped SULIT too."""
    return len(_remembered(reading, "examination", _EXAMINATION)) > 1


def declassified(reading: Reading) -> bool:
    """Whether the text bears the stamp that opens a paper again: in capitals, at the start of its own line."""
    found = reading.memory.get("declassified")
    if found is None:
        found = reading.memory["declassified"] = _DECLASSIFIED.search(reading.clean) is not None
    return bool(found)


def sale(reading: Reading) -> bool:
    """Whether the text sells or invites, by two signs of it."""
    return len(_remembered(reading, "sale", _SALE)) > 1


def _remembered(reading: Reading, name: str, patterns: PatternSet) -> list[int]:
    found: list[int] | None = reading.memory.get(name)
    if found is None:
        found = reading.memory[name] = patterns.numbers(reading.clean)
    return found
