"""What a person reads, in Malay and English: one catalogue for the answers, the console and the command line.

A key is `group.word` (`effect.block`). Each has both languages side by side, so that neither can be
forgotten, and `{placeholders}` that are the same in both; the tests hold that. The Malay follows the terms of the
public service (ditahan, disekat, kelulusan, rujukan, Ketua Jabatan).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    MS = "ms"
    EN = "en"

    @property
    def other(self) -> "Language":
        return Language.EN if self is Language.MS else Language.MS


class Phrase(NamedTuple):
    ms: str
    en: str

    def text(self, language: Language) -> str:
        return self.ms if language is Language.MS else self.en


# The header is a person's list of languages; nobody has more than this, and it comes from outside.
LONGEST_ACCEPT = 1000
ACCEPTED = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?$")


def preferred(accept_language: str | None, default: Language = Language.MS) -> Language:
    """The first of the reader's languages that we have, by weight and then by order.

    >>> preferred("en-GB,en;q=0.9,ms;q=0.8"), preferred("en;q=0.2, ms-MY;q=0.7"), preferred("fr, ta;q=0.5")
    (<Language.EN: 'en'>, <Language.MS: 'ms'>, <Language.MS: 'ms'>)
    """
    best, weight = default, 0.0
    for part in (accept_language or "")[:LONGEST_ACCEPT].split(","):
        found = ACCEPTED.match(part)
        if found is None or (tag := found[1].lower()) not in {"ms", "en"}:
            continue
        given = float(found[2]) if found[2] else 1.0
        if given > weight:
            best, weight = Language(tag), given
    return best


def say(key: str, language: Language, **arguments: object) -> str:
    """The phrase of a key. Raises `KeyError` for a key that the catalogue lacks: a mistake of ours."""
    text = PHRASES[key].text(language)
    return text.format(**arguments) if arguments else text


def term(group: str, word: str, language: Language, arguments: Mapping[str, str] | None = None) -> str:
    """The word for a value that may come from an admin's own document; without one, the value itself.

    >>> term("effect", "block", Language.MS), term("category", "trade-secret", Language.EN)
    ('sekat', 'trade-secret')
    """
    phrase = PHRASES.get(f"{group}.{word}")
    if phrase is None:
        return word
    return PLACEHOLDER.sub(lambda found: str((arguments or {}).get(found[1], "?")), phrase.text(language))


PLACEHOLDER = re.compile(r"\{(\w+)\}")

PHRASES: Mapping[str, Phrase] = {
    # -- what a rule does
    "effect.allow": Phrase("benarkan", "allow"),
    "effect.record": Phrase("benarkan dan rekodkan", "allow and record"),
    "effect.coach": Phrase("tahan untuk pengesahan", "hold for confirmation"),
    "effect.approve": Phrase("tahan untuk kelulusan", "hold for approval"),
    "effect.block": Phrase("sekat", "block"),
    "mode.enforce": Phrase("dikuatkuasakan", "enforced"),
    "mode.observe": Phrase("diperhatikan sahaja", "observed only"),
    # -- what was done with it
    "done.forwarded": Phrase("dihantar", "sent"),
    "done.answered": Phrase("disekat", "refused"),
    "done.held": Phrase("ditahan", "held"),
    # -- activities
    "kind.view": Phrase("lawatan", "visit"),
    "kind.login": Phrase("log masuk", "sign-in"),
    "kind.post": Phrase("hantaran", "post"),
    "kind.comment": Phrase("komen", "comment"),
    "kind.share": Phrase("perkongsian", "share"),
    "kind.message": Phrase("mesej", "message"),
    "kind.upload": Phrase("muat naik", "upload"),
    "kind.live": Phrase("siaran langsung", "live broadcast"),
    "kind.edit": Phrase("suntingan", "edit"),
    "kind.delete": Phrase("pemadaman", "deletion"),
    "kind.react": Phrase("reaksi", "reaction"),
    "kind.follow": Phrase("tindakan mengikut akaun", "follow"),
    "kind.profile": Phrase("perubahan profil", "profile change"),
    "kind.vote": Phrase("undian", "vote"),
    "kind.use": Phrase("penggunaan", "use"),
    "kind.write": Phrase("penulisan yang tidak dikenali", "write of an unknown kind"),
    # -- people, accounts, devices
    "standing.official": Phrase("akaun rasmi", "official account"),
    "standing.personal": Phrase("akaun peribadi", "personal account"),
    "standing.unknown": Phrase("akaun tidak diketahui", "unknown account"),
    "device.managed": Phrase("peranti pejabat", "office device"),
    "device.personal": Phrase("peranti sendiri", "personal device"),
    "known-by.ldap": Phrase("nama dan kata laluan (direktori)", "name and password (directory)"),
    "known-by.htpasswd": Phrase("nama dan kata laluan (htpasswd)", "name and password (htpasswd)"),
    "officer.unknown": Phrase("pegawai tidak dikenali di zon {zone}", "unknown officer in zone {zone}"),
    # -- time
    "regime.office-hours": Phrase("waktu pejabat", "office hours"),
    "regime.break": Phrase("waktu rehat", "break"),
    "regime.flexible": Phrase("jalur waktu anjal", "flexible band"),
    "regime.outside-hours": Phrase("luar waktu pejabat", "outside office hours"),
    "regime.rest-day": Phrase("hari rehat", "rest day"),
    "regime.unknown": Phrase("waktu tidak dapat ditentukan", "hours not known"),
    "fact.working-hours": Phrase("waktu kerja {from} hingga {to}", "working hours {from} to {to}"),
    "fact.core-hours": Phrase("waktu teras {from} hingga {to}", "core hours {from} to {to}"),
    "fact.flexi-band": Phrase(
        "antara {from} dan {to} bergantung pada waktu masuk", "between {from} and {to} it depends on clock-in"
    ),
    "fact.rest-break": Phrase("rehat {from} hingga {to}", "break {from} to {to}"),
    "fact.after-hours": Phrase("di luar jadual kerja", "outside the working timetable"),
    "fact.weekly-rest": Phrase("cuti mingguan, {day}", "weekly day off, {day}"),
    "fact.holiday": Phrase("cuti umum: {name}", "public holiday: {name_en}"),
    "fact.no-data": Phrase("kalendar tiada data: {missing} {given}", "the calendar has no data: {missing} {given}"),
    "fact.duty": Phrase("tugas rasmi {from} hingga {to}", "official duty {from} to {to}"),
    "fact.leave": Phrase("cuti yang diluluskan, {from} hingga {to}", "approved leave, {from} to {to}"),
    "fact.half-day-leave": Phrase(
        "cuti separuh hari yang diluluskan, {from} hingga {to}", "approved half-day leave, {from} to {to}"
    ),
    "fact.errand": Phrase(
        "urusan peribadi dengan kebenaran, {from} hingga {to}", "errand with permission, {from} to {to}"
    ),
    "fact.shift": Phrase("syif {from} hingga {to}", "shift {from} to {to}"),
    "fact.off-shift": Phrase("di luar syif hari ini", "outside the shift of the day"),
    "fact.no-shift": Phrase("tiada syif pada hari ini", "no shift on this day"),
    "fact.clocked-in": Phrase(
        "masuk pada {in}; waktu kerja {from} hingga {to}", "clocked in at {in}; working hours {from} to {to}"
    ),
    "fact.began-on-duty": Phrase(
        "mula bertugas rasmi pada {in}; waktu kerja {from} hingga {to}",
        "began on official duty at {in}; working hours {from} to {to}",
    ),
    "fact.before-clock-in": Phrase("sebelum masuk pada {in}", "before the clock-in at {in}"),
    "fact.hours-served": Phrase(
        "masuk pada {in}; waktu kerja tamat pada {to}", "clocked in at {in}; working hours ended at {to}"
    ),
    "fact.clocked-out": Phrase("telah keluar pada {out}", "clocked out at {out}"),
    "fact.reference": Phrase("rujukan {reference}", "reference {reference}"),
    "fact.elsewhere": Phrase("bekerja di luar pejabat", "working from elsewhere"),
    "fact.elsewhere-office": Phrase("bekerja di pejabat {elsewhere}", "working at the office {elsewhere}"),
    "missing.roster": Phrase("jadual syif", "roster of shifts"),
    "missing.timezone": Phrase("zon waktu", "time zone"),
    "missing.year": Phrase("tahun", "year"),
    "missing.state": Phrase("negeri", "state"),
    "missing.pattern": Phrase("pola kerja", "working pattern"),
    "missing.weekly-rest": Phrase("cuti mingguan", "weekly day off"),
    "missing.holidays": Phrase("cuti umum", "public holidays"),
    "weekday.mon": Phrase("Isnin", "Monday"),
    "weekday.tue": Phrase("Selasa", "Tuesday"),
    "weekday.wed": Phrase("Rabu", "Wednesday"),
    "weekday.thu": Phrase("Khamis", "Thursday"),
    "weekday.fri": Phrase("Jumaat", "Friday"),
    "weekday.sat": Phrase("Sabtu", "Saturday"),
    "weekday.sun": Phrase("Ahad", "Sunday"),
    # -- findings
    "category.official-information": Phrase("maklumat rasmi", "official information"),
    "category.personal-data": Phrase("data peribadi", "personal data"),
    "category.political": Phrase("unsur politik", "political content"),
    "category.personal-attack": Phrase("serangan peribadi", "personal attack"),
    "category.agency-criticism": Phrase("ulasan tentang agensi", "comment on an agency"),
    "category.unverified": Phrase("maklumat belum disahkan", "unverified information"),
    "category.sensitive": Phrase("perkara sensitif", "sensitive matter"),
    "category.rights": Phrase("hak milik orang lain", "other people's rights"),
    "category.correction": Phrase("pembetulan", "correction"),
    "likelihood.possible": Phrase("mungkin", "possible"),
    "likelihood.likely": Phrase("berkemungkinan besar", "likely"),
    "likelihood.certain": Phrase("pasti", "certain"),
    "where.finding": Phrase("dalam teks {text}, berhampiran aksara {start}", "in text {text}, near character {start}"),
    "where.first": Phrase(
        "dalam teks pertama, berhampiran aksara {start}", "in the first text, near character {start}"
    ),
    "where.second": Phrase(
        "dalam teks kedua, berhampiran aksara {start}", "in the second text, near character {start}"
    ),
    "where.third": Phrase("dalam teks ketiga, berhampiran aksara {start}", "in the third text, near character {start}"),
    "where.times": Phrase("{where}, dan {more} lagi", "{where}, and {more} more"),
    # -- what could not be inspected
    "gap.too-large": Phrase("terlalu besar untuk diperiksa", "too large to inspect"),
    "gap.unreadable": Phrase("tidak dapat dibaca", "could not be read"),
    "gap.unknown-encoding": Phrase("pengekodan tidak dikenali", "unknown encoding"),
    "gap.encrypted": Phrase("disulitkan", "encrypted"),
    "gap.not-opened": Phrase("tidak dibuka", "not opened"),
    "gap.pinned": Phrase("aplikasi yang dikecualikan", "an exempted app"),
    "gap.sent-earlier": Phrase("kandungan dihantar lebih awal", "its content was sent earlier"),
    "gap.unseen-media": Phrase("lampiran tidak dilihat oleh gerbang", "an attachment that the gate has not seen"),
    # -- what an officer is asked
    "ask.official-purpose": Phrase(
        "Apakah tugas rasmi yang memerlukan laman ini?", "What official work do you need this for?"
    ),
    "ask.justification": Phrase("Mengapa ini patut diteruskan?", "Why should this go ahead?"),
    "ask.source": Phrase("Apakah sumber maklumat ini?", "What is the source of this information?"),
    "ask.accuracy": Phrase(
        "Saya telah menyemak bahawa faktanya tepat dan sumbernya boleh dipercayai.",
        "I have checked that the facts are right and the source can be trusted.",
    ),
    "ask.sensitivity": Phrase(
        "Saya telah menimbang kepekaan kaum, agama, institusi diraja dan mereka yang terkesan.",
        "I have considered race, religion, the royal institution and the people affected.",
    ),
    "ask.copyright": Phrase(
        "Saya ada izin pemilik bahan ini, dan memberi kredit di tempat yang perlu.",
        "I have the owner's permission for this material, and give credit where it is due.",
    ),
    "ask.internal-cleared": Phrase(
        "Kandungan ini telah diluluskan untuk tatapan umum.", "This content has been cleared for the public."
    ),
    "ask.consent": Phrase(
        "Orang yang disebut telah bersetuju maklumatnya didedahkan, atau tugas rasmi memerlukannya.",
        "The people named agreed to this being shared, or official work requires it.",
    ),
    "ask.reworded": Phrase(
        "Saya telah membaca semula ayat ini dan ia tidak menyerang sesiapa.",
        "I have read this again and it attacks nobody.",
    ),
    "ask.authorised": Phrase(
        "Saya diberi kuasa untuk membuat kenyataan ini.", "I am authorised to make this statement."
    ),
    "ask.confirm": Phrase(
        "Saya telah membaca sebab di atas dan mahu meneruskan.", "I have read the reasons above and want to go ahead."
    ),
    "ask.own": Phrase("Saya mengesahkan: {ask}", "I confirm: {ask}"),
    # -- what to do next, by what was found
    "advice.official-information": Phrase(
        "Buang bahagian itu, atau rujuk Pegawai Keselamatan Jabatan sebelum menghantar apa-apa.",
        "Take that part out, or ask your Departmental Security Officer before sending anything.",
    ),
    "advice.personal-data": Phrase(
        "Buang butiran yang mengenal pasti orang, seperti nombor kad pengenalan atau telefon.",
        "Take out what identifies people, such as identity card or telephone numbers.",
    ),
    "advice.political": Phrase(
        "Kandungan ini mungkin berunsur politik kepartian. Semak kumpulan perkhidmatan dan kelulusan anda.",
        "This may be party-political. Check your service group and whether you have an approval on file.",
    ),
    "advice.personal-attack": Phrase(
        "Ayat ini boleh dibaca sebagai serangan terhadap orang. Mahukah anda mengubahnya dahulu?",
        "This may read as an attack on a person. Would you like to reword it?",
    ),
    "advice.agency-criticism": Phrase(
        "Ulasan tentang dasar atau keputusan Kerajaan, pujian juga, memerlukan kebenaran bertulis.",
        "Comment on Government policy or decisions, praise included, needs written permission.",
    ),
    "advice.unverified": Phrase(
        "Semak faktanya dan letakkan sumber rasmi jika ada.",
        "Check the facts, and add an official source where there is one.",
    ),
    "advice.sensitive": Phrase(
        "Timbang siapa yang mungkin tersinggung atau terkesan.", "Consider who may be hurt or affected."
    ),
    "advice.rights": Phrase(
        "Dapatkan izin pemilik bahan dan nyatakan kredit.", "Get the owner's permission and give credit."
    ),
    "advice.hours": Phrase(
        "Kegunaan peribadi dibenarkan di luar waktu pejabat. Waktu berubah pada {until}.",
        "Private use is fine outside office hours. The hours change at {until}.",
    ),
    "advice.gap": Phrase(
        "Sebahagian kandungan tidak dapat diperiksa. Cuba versi yang lebih kecil atau format biasa.",
        "Part of the content could not be inspected. Try a smaller version or an ordinary format.",
    ),
    # -- how a rule stands in a decision
    "match.in-force": Phrase("terpakai", "applies"),
    "match.observed": Phrase("diperhatikan sahaja", "observed only"),
    "match.exempted": Phrase("dikecualikan kerana: {by}", "exempt because: {by}"),
    "match.register": Phrase(
        "dikecualikan oleh pengecualian {id} dalam daftar", "exempt by exemption {id} of the register"
    ),
    "match.overridden": Phrase("digantikan oleh peraturan {rule}", "replaced by the rule {rule}"),
    "match.released": Phrase("dipenuhi oleh pengesahan pegawai", "satisfied by the officer's confirmation"),
    "match.granted": Phrase("dibenarkan oleh pelulus", "granted by an approver"),
    "mark.released": Phrase("dipenuhi", "satisfied"),
    "mark.observed": Phrase("diperhatikan sahaja", "observed only"),
    "mark.exempted": Phrase("dikecualikan", "exempt"),
    "exempt.regime": Phrase("{words}", "{words}"),
    "exempt.group": Phrase("kumpulan {words}", "in the {words} group"),
    "exempt.approval": Phrase("kelulusan `{words}` ada dalam fail", "with approval `{words}` on file"),
    "exempt.account_duty": Phrase("{words}", "{words}"),
    "duty.on-duty": Phrase("bertugas bagi akaun rasmi itu", "on duty for that official account"),
    "duty.off-duty": Phrase("tidak bertugas bagi akaun rasmi itu", "not on duty for that official account"),
    "duty.nobody-listed": Phrase(
        "tiada sesiapa disenaraikan bagi akaun rasmi itu", "nobody is listed for that official account"
    ),
    "approval.resting": Phrase(
        "Kelulusan {id} ({purpose}) ada dalam fail, tetapi tidak berkuat kuasa sekarang: hanya pada {regimes}.",
        "The approval {id} ({purpose}) is on file, but does not hold now: only in {regimes}.",
    ),
    "exempt.remedial": Phrase("ia membetulkan atau menarik balik", "it corrects or takes back"),
    "exempt.account": Phrase("{words}", "{words}"),
    "exempt.device": Phrase("{words}", "{words}"),
    "exempt.activity": Phrase("tindakannya {words}", "the act is a {words}"),
    "exempt.platform": Phrase("di {words}", "on {words}"),
    "exempt.officer": Phrase("pegawai {words}", "the officer is {words}"),
    "exempt.office": Phrase("pejabat {words}", "at the office {words}"),
    "exempt.zone": Phrase("zon {words}", "in the zone {words}"),
    "exempt.target": Phrase("ditujukan kepada {words}", "addressed to {words}"),
    "exempt.audience": Phrase("khalayaknya {words}", "its audience is {words}"),
    "exempt.between": Phrase("tarikh {words}", "on the dates {words}"),
    "exempt.or": Phrase("{first} atau {last}", "{first} or {last}"),
    "group.support": Phrase("sokongan", "support"),
    "group.professional": Phrase("pengurusan dan profesional", "professional"),
    "group.top-management": Phrase("pengurusan tertinggi", "top management"),
    "group.education-graduate": Phrase("siswazah pendidikan", "education graduate"),
    "group.contract": Phrase("kontrak", "contract"),
    "group.trainee": Phrase("pelatih", "trainee"),
    # -- answers that a platform's page may read: a number and a neutral sentence, no more
    "neutral.block": Phrase(
        "Gerbang pejabat anda menyekat tindakan ini. Sebabnya: {link}", "Your office's gate refused this. Why: {link}"
    ),
    "neutral.visit": Phrase(
        "Buka semula laman ini dan nyatakan tujuannya dahulu. Sebabnya: {link}",
        "Open this page anew and state its purpose first. Why: {link}",
    ),
    "neutral.hold": Phrase(
        "Gerbang pejabat anda menahan tindakan ini sehingga anda menjawabnya: {link}",
        "Your office's gate is holding this until you answer it: {link}",
    ),
    "neutral.notice": Phrase(
        "Baca dan akui notis pejabat anda dahulu: {link}", "Read and acknowledge your office's notice first: {link}"
    ),
    "neutral.unknown-officer": Phrase(
        "Gerbang pejabat anda tidak mengenali anda lagi, jadi ini tidak dihantar.",
        "Your office's gate does not know you any more, so this was not sent.",
    ),
    "neutral.fault": Phrase(
        "Gerbang pejabat anda tidak dapat menyemak tindakan ini buat masa ini, jadi ia tidak dihantar.",
        "Your office's gate cannot check this at the moment, so it was not sent.",
    ),
    "neutral.journal": Phrase(
        "Gerbang pejabat anda tidak dapat merekodkan tindakan ini buat masa ini, jadi ia tidak dihantar.",
        "Your office's gate cannot record this at the moment, so it was not sent.",
    ),
    "neutral.busy": Phrase(
        "Gerbang pejabat anda sedang sibuk, jadi tindakan ini tidak dihantar. Cuba lagi sebentar nanti.",
        "Your office's gate is busy, so this was not sent. Try again in a little while.",
    ),
    "neutral.too-large": Phrase(
        "Kandungan ini terlalu besar untuk disemak oleh gerbang pejabat anda, jadi ia tidak dihantar.",
        "This is too large for your office's gate to check, so it was not sent.",
    ),
    "title.block": Phrase("Disekat", "Refused"),
    "title.hold": Phrase("Ditahan", "Held"),
    "title.notice": Phrase("Notis dahulu", "The notice first"),
    "title.fault": Phrase("Tidak dapat disemak", "Could not be checked"),
    "title.too-large": Phrase("Terlalu besar", "Too large"),
    # -- pages on the platform's address
    "page.gate": Phrase("Gerbang", "Gerbang"),
    "page.office-gate": Phrase("Gerbang media sosial pejabat anda", "Your office's social-media gate"),
    "page.block.heading": Phrase("Ini tidak dihantar", "This was not sent"),
    "page.block.view": Phrase("Laman ini tidak dibuka", "This page was not opened"),
    "page.block.body": Phrase(
        "Gerbang pejabat anda menyekat tindakan ini. Sebabnya, peraturannya dan apa yang boleh anda buat ada "
        "pada halaman keputusan, yang hanya anda boleh baca.",
        "Your office's gate refused this. Why, by which rule and what you can do stands on the decision's "
        "page, which only you can read.",
    ),
    "page.hold.heading": Phrase("Satu soalan dahulu", "One question first"),
    "page.hold.body": Phrase(
        "Ia belum dihantar. Dasar pejabat meminta anda menimbangnya sekali lagi: mungkin satu ayat di "
        "dalamnya, atau siapa yang terkesan. Apa yang dilihat dan soalannya ada pada halaman keputusan, yang "
        "hanya anda boleh baca. Jawapan anda direkodkan.",
        "It has not been sent. The office's policy asks you to think about it once more: perhaps a sentence "
        "in it, perhaps whom it affects. What was seen and the question stand on the decision's page, which "
        "only you can read. Your answer is recorded.",
    ),
    "page.hold.visit": Phrase(
        "Dasar pejabat bertanya untuk apa laman ini dibuka. Jawab pada halaman keputusan, kemudian anda "
        "dibawa ke laman itu. Jawapan anda direkodkan.",
        "The office's policy asks what this page is opened for. Answer on the decision's page, and you are "
        "led on to it. Your answer is recorded.",
    ),
    "page.hold.visit-hours": Phrase(
        "Sekarang waktu pejabat, dan lawatan ke laman ini memerlukan tujuan rasmi. Nyatakannya pada halaman "
        "keputusan, kemudian anda dibawa ke laman itu. Jawapan anda direkodkan.",
        "It is office hours, and a visit to this page needs an official purpose. State it on the decision's "
        "page, and you are led on to it. Your answer is recorded.",
    ),
    "page.approve.heading": Phrase("Ini memerlukan kelulusan", "This needs an approval"),
    "page.approve.body": Phrase(
        "Ia belum dihantar. Dasar pejabat meminta kelulusan dahulu. Sebab dan langkah seterusnya ada pada "
        "halaman keputusan, yang hanya anda boleh baca.",
        "It has not been sent. The office's policy wants it approved first. Why, and what comes next, stands "
        "on the decision's page, which only you can read.",
    ),
    "page.notice.heading": Phrase("Baca notis ini dahulu", "Read the notice first"),
    "page.notice.body": Phrase(
        "Pejabat anda menyemak apa yang dihantar ke platform ini. Sebelum itu anda perlu tahu apa yang diperiksa dan "
        "direkodkan. Tiada apa-apa dinilai atau dihantar sehingga notis itu diakui.",
        "Your office checks what is sent to this platform. Before that you are to know what is inspected and recorded. "
        "Nothing is judged or sent until the notice is acknowledged.",
    ),
    "page.notice.read": Phrase("Baca notis", "Read the notice"),
    "page.fault.heading": Phrase("Gerbang mengalami masalah", "The gate has a problem"),
    "page.fault.body": Phrase(
        "Ini masalah kami, bukan anda. Apa yang anda tulis mungkin masih ada dalam pelayar: tekan Kembali, salin, "
        "dan cuba lagi kemudian. Jika ia berulang, beritahu meja bantuan ICT.",
        "The trouble is ours, not yours. What you wrote may still be in the browser: press Back, copy it, and try "
        "again later. If it happens again, tell the ICT help desk.",
    ),
    "page.too-large.heading": Phrase("Terlalu besar untuk disemak", "Too large to check"),
    "page.too-large.body": Phrase(
        "Gerbang tidak menghantar apa yang tidak dapat diperiksanya. Cuba fail yang lebih kecil.",
        "The gate does not send what it cannot inspect. Try a smaller file.",
    ),
    "page.number": Phrase("Nombor keputusan", "Decision number"),
    "page.why": Phrase("Lihat sebabnya", "See why"),
    "page.answer": Phrase("Jawab dan teruskan", "Answer and carry on"),
    # -- the gate's own host
    "own.home.title": Phrase("Gerbang media sosial", "The social-media gate"),
    "own.home.what": Phrase(
        "Gerbang berdiri di antara rangkaian pejabat dan platform media sosial. Ia menyemak apa yang hendak dihantar "
        "mengikut dasar pejabat, menerangkan keputusannya, dan menyimpan rekod.",
        "The gate stands between the office's network and the social platforms. It checks what is about to be sent "
        "against the office's policy, explains its decisions, and keeps a record.",
    ),
    "own.home.decrypts": Phrase(
        "Hanya platform yang disenaraikan dibuka untuk disemak, laman log masuknya juga, tetapi apa yang "
        "ditaip di situ tidak dibaca. Laman lain, seperti perbankan dan kesihatan, tidak dibuka. Apa yang "
        "anda baca tidak direkodkan satu demi satu.",
        "Only listed platforms are opened for checking, their sign-in pages too, but what is typed there is "
        "not read. Other sites, such as banking and health, are not opened. What you scroll past is not "
        "recorded.",
    ),
    "own.home.notice": Phrase("Notis kepada pegawai", "Notice to officers"),
    "own.home.mine": Phrase("Keputusan saya", "My decisions"),
    "own.notice.version": Phrase("Versi notis", "Version of the notice"),
    "own.notice.not-stated": Phrase("belum dinyatakan", "not stated yet"),
    "own.notice.closed": Phrase(
        "Selagi kuasa dan versi notis belum dinyatakan, gerbang ini tidak membuka apa-apa.",
        "Until the authority and the version of the notice are stated, this gate opens nothing.",
    ),
    "own.notice.due": Phrase(
        "Pejabat anda ada notis tentang gerbang ini (versi {version}) yang belum anda akui. Sila baca dahulu.",
        "Your office has a notice about this gate (version {version}) that you have not acknowledged. Please read it.",
    ),
    "own.notice.ack-heading": Phrase("Pengakuan anda", "Your acknowledgement"),
    "own.notice.ack-how": Phrase(
        "Dengan menekan butang ini anda mengakui bahawa anda telah membaca notis ini. Ia direkodkan dengan versi dan "
        "masanya. Ia bukan persetujuan terhadap mana-mana keputusan.",
        "By pressing this button you acknowledge that you have read this notice. It is recorded with the version and "
        "the time. It agrees to no decision.",
    ),
    "own.notice.ack-required": Phrase(
        "Sebelum ini diakui, tiada apa-apa di platform yang disenaraikan dinilai, dan tiada apa-apa dihantar. "
        "Pengakuan direkodkan dengan versi dan masanya; ia bukan persetujuan terhadap mana-mana keputusan.",
        "Until this is acknowledged nothing on the listed platforms is judged, and nothing is sent. The "
        "acknowledgement is recorded with the version and the time; it agrees to no decision.",
    ),
    "own.notice.ack-button": Phrase("Saya telah membaca notis ini", "I have read this notice"),
    "own.notice.ack-done": Phrase(
        "Anda telah mengakui versi {version} notis ini.", "You have acknowledged version {version} of this notice."
    ),
    # -- what an officer asks an approver
    "own.ask.heading": Phrase("Kelulusan", "Approval"),
    "own.ask.how": Phrase(
        "Tindakan ini boleh dihantar jika seorang pelulus membenarkannya. Mohon di sini; jawapannya ditunjukkan pada "
        "halaman ini dan di bawah Keputusan saya.",
        "This can be sent if an approver grants it. Ask here; the answer is shown on this page and under My decisions.",
    ),
    "own.ask.words": Phrase(
        "Pelulus akan membaca kandungan ini, dengan butiran yang dilihat oleh semakan disembunyikan:",
        "The approver will read this content, with the details that the checks saw hidden:",
    ),
    "own.ask.cut": Phrase(
        "Kandungan itu lebih panjang daripada yang ditunjukkan, dan pelulus diberitahu begitu.",
        "The content goes on beyond what is shown, and the approver is told so.",
    ),
    "own.ask.no-words": Phrase(
        "Tiada perkataan untuk ditunjukkan kepada pelulus. Terangkan kandungannya dalam nota.",
        "There are no words to show the approver. Say in the note what it is.",
    ),
    "own.ask.unseen-evidence": Phrase(
        "Kandungan ini tidak disimpan dan tidak ditunjukkan kepada pelulus. Tunjukkannya kepada pelulus dengan cara "
        "lain jika perlu; jangan salin ke sini.",
        "This content is not kept and not shown to the approver. Show it to the approver in another way if need be; do "
        "not copy it here.",
    ),
    "own.ask.unseen-official": Phrase(
        "Kandungan ini mungkin maklumat rasmi, jadi ia tidak disimpan dan tidak ditunjukkan kepada pelulus. Jangan "
        "salin ke sini.",
        "This content may be official information, so it is not kept and not shown to the approver. Do not copy it "
        "here.",
    ),
    "own.ask.unseen-restarted": Phrase(
        "Gerbang telah dimulakan semula, jadi kandungan ini tidak dapat ditunjukkan kepada pelulus lagi. Hantar sekali "
        "lagi dan mohon pada keputusan baharu jika pelulus perlu membacanya.",
        "The gate was started again, so this content can no longer be shown to the approver. Post again and ask on the "
        "new decision if the approver needs to read it.",
    ),
    "own.ask.note": Phrase("Nota kepada pelulus", "Note to the approver"),
    "own.ask.recorded": Phrase(
        "Pelulus melihat nama anda, nota ini dan apa yang ditunjukkan di atas. Permohonan direkodkan.",
        "The approver sees your name, this note and what is shown above. The request is recorded.",
    ),
    "own.ask.button": Phrase("Mohon kelulusan", "Ask for approval"),
    "own.ask-limit.title": Phrase("Terlalu banyak permohonan", "Too many requests"),
    "own.ask-limit": Phrase(
        "Terlalu banyak permohonan sedang menunggu atau telah dibuat hari ini. Tunggu jawapan, atau hubungi pelulus.",
        "Too many requests are waiting or were made today. Wait for answers, or talk to the approver.",
    ),
    "own.asked.title": Phrase("Permohonan kelulusan", "Request for approval"),
    "own.asked.when": Phrase("Dimohon", "Asked"),
    "own.asked.note": Phrase("Nota pelulus:", "The approver's note:"),
    "own.asked.other": Phrase(
        "Anda telah memohon bagi kandungan yang sama, dengan keputusan", "You asked about the same content by decision"
    ),
    "own.asked.asked-heading": Phrase("{kind} ini menunggu pelulus", "This {kind} waits for an approver"),
    "own.asked.granted-heading": Phrase("{kind} ini telah diluluskan", "This {kind} was approved"),
    "own.asked.refused-heading": Phrase("{kind} ini tidak diluluskan", "This {kind} was not approved"),
    "own.asked.changes-heading": Phrase("Pelulus meminta perubahan", "The approver wants changes"),
    "own.asked.expired-heading": Phrase("Permohonan telah tamat", "The request has expired"),
    "own.asked.used-heading": Phrase("Diluluskan, dan telah dihantar", "Approved, and sent"),
    "own.asked.ended-heading": Phrase("Kelulusan telah tamat", "The approval has ended"),
    "own.asked.asked-tag": Phrase("menunggu pelulus", "waiting for an approver"),
    "own.asked.granted-tag": Phrase("diluluskan", "approved"),
    "own.asked.refused-tag": Phrase("tidak diluluskan", "not approved"),
    "own.asked.changes-tag": Phrase("perubahan diminta", "changes wanted"),
    "own.asked.expired-tag": Phrase("permohonan tamat", "request expired"),
    "own.asked.used-tag": Phrase("diluluskan dan dihantar", "approved and sent"),
    "own.asked.ended-tag": Phrase("kelulusan tamat", "approval ended"),
    "own.asked.asked": Phrase(
        "Permohonan anda telah dihantar. Jika tidak dijawab, ia tamat pada {until}.",
        "Your request has been sent. Unanswered, it expires on {until}.",
    ),
    "own.asked.granted": Phrase(
        "Hantar kandungan yang sama sekali lagi, dengan akaun yang sama, sebelum {until}. Kelulusan itu untuk sekali "
        "sahaja; kandungan yang diubah ditahan semula.",
        "Send the same content once more, by the same account, before {until}. The approval is good once; content that "
        "was changed is held anew.",
    ),
    "own.asked.refused": Phrase(
        "Pelulus menjawab pada {until}. Ia tidak dihantar.", "The approver answered on {until}. It was not sent."
    ),
    "own.asked.changes": Phrase(
        "Pelulus menjawab pada {until}. Ubah kandungannya, hantar sekali lagi, dan mohon pada keputusan baharu.",
        "The approver answered on {until}. Change the content, send it again, and ask on the new decision.",
    ),
    "own.asked.expired": Phrase(
        "Tiada siapa menjawab sebelum {until}. Hantar sekali lagi dan mohon pada keputusan baharu.",
        "Nobody answered before {until}. Send it again and ask on the new decision.",
    ),
    "own.asked.ended": Phrase(
        "Tiada yang dihantar dengannya. Hantar sekali lagi dan mohon pada keputusan baharu.",
        "Nothing was sent by it. Send it again and ask on the new decision.",
    ),
    "own.asked.used": Phrase(
        "Kelulusan itu telah digunakan. Yang dihantar ialah keputusan",
        "The approval was used. What was sent is decision",
    ),
    "own.confirmed.until-tag": Phrase("disahkan sehingga {until}", "confirmed until {until}"),
    "own.decision.title": Phrase("Keputusan {number}", "Decision {number}"),
    "own.decision.block": Phrase("{kind} ini disekat", "This {kind} was refused"),
    "own.decision.coach": Phrase("{kind} ini menunggu jawapan anda", "This {kind} is held until you answer"),
    "own.decision.approve": Phrase("{kind} ini ditahan untuk kelulusan", "This {kind} is held for an approval"),
    "own.decision.sent": Phrase("{kind} ini dihantar", "This {kind} was sent"),
    "own.decision.used": Phrase("Anda mengesahkannya, dan ia telah dihantar", "You confirmed it, and it was sent"),
    "own.confirmed.tag": Phrase("disahkan", "confirmed"),
    "own.decision.ended": Phrase("Pengesahan anda telah tamat", "Your confirmation has ended"),
    "own.decision.released": Phrase("Anda telah mengesahkannya", "You have confirmed it"),
    "own.confirmed.used-tag": Phrase("disahkan dan dihantar", "confirmed and sent"),
    "own.confirmed.ended-tag": Phrase("pengesahan tamat", "confirmation ended"),
    "own.clause.text": Phrase("Teks klausa", "Text of the clause"),
    "own.confirmed.used": Phrase(
        "Pengesahan itu telah digunakan. Yang dihantar ialah keputusan",
        "The confirmation has been used. What was sent is decision",
    ),
    "own.when": Phrase("Bila", "When"),
    "own.what": Phrase("Tindakan", "Act"),
    "own.platform": Phrase("Platform", "Platform"),
    "own.account": Phrase("Akaun", "Account"),
    "own.hours": Phrase("Waktu", "Hours"),
    "own.office": Phrase("Pejabat", "Office"),
    "own.reasons": Phrase("Sebab", "Reasons"),
    "own.no-rules": Phrase("Tiada peraturan menyentuh tindakan ini.", "No rule had anything to say about this."),
    "own.rule": Phrase("Peraturan", "Rule"),
    "own.clause": Phrase("Klausa", "Clause"),
    "own.rests-on": Phrase("Rujukan", "Rests on"),
    "own.findings": Phrase("Apa yang dilihat dalam teks", "What was seen in the text"),
    "own.findings.note": Phrase(
        "Ini tekaan program tentang perkataan, bukan penghakiman tentang anda.",
        "These are a program's guesses about words, not a judgement of you.",
    ),
    "own.gaps": Phrase("Apa yang tidak dapat diperiksa", "What could not be inspected"),
    "own.next": Phrase("Apa yang boleh anda buat", "What you can do"),
    "own.also": Phrase("Peraturan lain yang sepadan", "Other rules that matched"),
    "own.confirm.heading": Phrase("Jawapan anda", "Your answer"),
    "own.confirm.recorded": Phrase(
        "Jawapan anda direkodkan sebelum ia berkuat kuasa.", "Your answer is recorded before it takes effect."
    ),
    "own.confirm.button": Phrase("Sahkan dan teruskan", "Confirm and carry on"),
    "own.confirm.once": Phrase(
        "Pengesahan ini untuk kandungan yang sama sahaja, sekali, dalam {minutes} minit.",
        "This confirmation is for the same content only, once, within {minutes} minutes.",
    ),
    "own.confirm.visit": Phrase(
        "Pengesahan ini untuk lawatan ke {platform} selama {minutes} minit.",
        "This confirmation covers visits to {platform} for {minutes} minutes.",
    ),
    "own.confirm.missing": Phrase("Jawab setiap perkara dahulu.", "Answer every item first."),
    "own.confirm.short": Phrase("Tulis sekurang-kurangnya {letters} huruf.", "Write at least {letters} letters."),
    "own.confirm.long": Phrase("Tulis tidak lebih {letters} aksara.", "Write no more than {letters} characters."),
    "own.confirmed.again": Phrase(
        "Kembali ke halaman tadi dan tekan Hantar sekali lagi. Pengesahan tamat pada {until}.",
        "Go back to the page and press Post again. The confirmation ends at {until}.",
    ),
    "own.confirmed.visit": Phrase(
        "Anda boleh membuka {platform} sehingga {until}.", "You can open {platform} until {until}."
    ),
    "own.confirmed.continue": Phrase("Teruskan ke halaman yang diminta", "Continue to the page you asked for"),
    "own.confirmed.ended": Phrase(
        "Tiada yang dihantar dengannya. Tekan Hantar sekali lagi untuk mendapat soalan baharu.",
        "Nothing was sent by it. Press Post again to get a new question.",
    ),
    "own.confirmed.ended-visit": Phrase(
        "Buka laman itu sekali lagi untuk mendapat soalan baharu.", "Open the page again to get a new question."
    ),
    "own.approve.how": Phrase(
        "Hanya pelulus boleh membenarkannya, dan gerbang ini tidak dapat menerima permohonan. Hubungi penyelia anda "
        "dan sebut nombor keputusan {number}.",
        "Only an approver can let this through, and this gate cannot take a request. Talk to your supervisor and quote "
        "decision {number}.",
    ),
    "own.approve.unknown": Phrase(
        "Kelulusan hanya boleh diberi kepada pegawai yang telah log masuk pada proksi.",
        "An approval can only be given to an officer who is signed in at the proxy.",
    ),
    "own.object.heading": Phrase("Tidak setuju?", "Do you disagree?"),
    "own.object.how": Phrase(
        "Tulis mengapa. Bantahan anda direkodkan bersama keputusan ini untuk dibaca oleh juruaudit. Jangan "
        "salin kandungan yang tidak dihantar.",
        "Say why. Your objection is recorded with this decision for an auditor to read. Do not copy what was not sent.",
    ),
    "own.object.label": Phrase("Bantahan anda", "Your objection"),
    "own.object.button": Phrase("Rekodkan bantahan", "Record the objection"),
    "own.object.done": Phrase(
        "Bantahan anda telah direkodkan. Sebut nombor keputusan {number} jika anda menghubungi unit integriti.",
        "Your objection is recorded. Quote decision {number} if you talk to the integrity unit.",
    ),
    "own.mine.title": Phrase("Keputusan saya", "My decisions"),
    "own.mine.some": Phrase(
        "Keputusan terkini tentang anda yang direkodkan, yang dihantar juga, paling banyak seratus. Yang "
        "lebih lama boleh diminta daripada juruaudit dengan nombornya.",
        "The latest recorded decisions about you, what was sent too, a hundred at most. Older ones can be had"
        " from the auditor by their number.",
    ),
    "own.mine.opened": Phrase(
        "Keputusan yang telah dibuka dengan pelayar ini. Gerbang tidak tahu siapa anda, jadi yang lain tidak "
        "ditunjukkan; juruaudit boleh mencarinya dengan nombornya.",
        "The decisions that were opened with this browser. The gate does not know who you are, so it shows no"
        " others; the auditor can find them by their number.",
    ),
    "own.mine.none": Phrase("Tiada keputusan untuk ditunjukkan.", "There are no decisions to show."),
    "own.not-found.title": Phrase("Tiada di sini", "Nothing here"),
    "own.not-found": Phrase(
        "Tiada keputusan sedemikian yang boleh ditunjukkan kepada anda. Keputusan lama boleh diminta daripada "
        "juruaudit dengan menyebut nombornya.",
        "There is no such decision that can be shown to you. Older ones can be had from the auditor by their number.",
    ),
    "own.refused.title": Phrase("Borang tidak diterima", "The form was not accepted"),
    "own.refused": Phrase(
        "Borang ini datang dari halaman lain atau telah lama dibuka. Buka semula halaman keputusan dan cuba lagi.",
        "The form came from another page or was opened long ago. Open the decision's page again and retry.",
    ),
    "own.unavailable.title": Phrase("Tidak dapat direkodkan", "Could not be recorded"),
    "own.unavailable": Phrase(
        "Rekod tidak dapat ditulis buat masa ini, jadi jawapan anda belum berkuat kuasa. Cuba lagi sebentar nanti.",
        "The record cannot be written at the moment, so your answer has no effect yet. Try again in a little while.",
    ),
    "own.opening": Phrase("Membuka halaman keputusan", "Opening the decision"),
    "own.open": Phrase("Buka", "Open"),
    "own.back": Phrase("Kembali", "Back"),
    "own.language": Phrase("In English", "Dalam bahasa Melayu"),
    "own.skip": Phrase("Terus ke kandungan", "Skip to the content"),
    # -- the console
    "console.name": Phrase("Konsol", "Console"),
    "console.decisions": Phrase("Keputusan", "Decisions"),
    "console.sign-in": Phrase("Log masuk", "Sign in"),
    "console.sign-out": Phrase("Log keluar", "Sign out"),
    "console.user": Phrase("Nama akaun", "Account name"),
    "console.password": Phrase("Kata laluan", "Password"),
    "console.wrong": Phrase("Nama atau kata laluan tidak betul.", "The name or the password is not right."),
    "console.no-pages": Phrase(
        "Akaun pelulus tidak ada halaman di sini; permohonan dijawab melalui API atau baris perintah.",
        "An approver's account has no pages here; requests are answered by the API or the command line.",
    ),
    "console.slow": Phrase(
        "Terlalu banyak percubaan. Tunggu lima belas minit.", "Too many attempts. Wait a quarter of an hour."
    ),
    "console.busy": Phrase(
        "Terlalu ramai log masuk serentak. Cuba lagi sebentar nanti.",
        "Too many people are signing in at once. Try again in a moment.",
    ),
    "console.stale": Phrase(
        "Borang itu telah lama dibuka. Cuba sekali lagi.", "That form was opened long ago. Please try again."
    ),
    "console.as": Phrase("{user}, {role}", "{user}, {role}"),
    "role.auditor": Phrase("juruaudit", "auditor"),
    "role.admin": Phrase("pentadbir", "admin"),
    "role.approver": Phrase("pelulus", "approver"),
    "console.from": Phrase("Dari", "From"),
    "console.to": Phrase("Hingga", "To"),
    "console.any": Phrase("semua", "any"),
    "console.filter": Phrase("Tapis", "Filter"),
    "console.clear": Phrase("Kosongkan", "Clear"),
    "console.effect": Phrase("Kesan dasar", "Policy's effect"),
    "console.activity": Phrase("Jenis tindakan", "Activity"),
    "console.platform": Phrase("Platform", "Platform"),
    "console.office": Phrase("Pejabat", "Office"),
    "console.zone": Phrase("Zon", "Zone"),
    "console.regime": Phrase("Waktu", "Hours"),
    "console.category": Phrase("Kategori", "Category"),
    "console.rule": Phrase("Peraturan", "Rule"),
    "console.officer": Phrase("Pegawai", "Officer"),
    "console.approvals": Phrase("Kelulusan dalam fail ketika itu", "Approvals on file then"),
    "console.approvals.resting": Phrase("syaratnya tidak dipenuhi ketika itu", "its conditions did not hold then"),
    "console.exemptions": Phrase("Pengecualian dalam daftar", "Exemptions of the register"),
    "console.officer.unknown": Phrase("tidak dikenali", "unknown"),
    "console.known-by": Phrase("Dikenali melalui", "Known by"),
    "console.number": Phrase("Nombor", "Number"),
    "console.csv": Phrase("Muat turun CSV", "Download CSV"),
    "console.older": Phrase("Lebih lama", "Older"),
    "console.newest": Phrase("Terbaharu", "Newest"),
    "console.none": Phrase("Tiada keputusan yang sepadan.", "No decisions match."),
    "console.none.yet": Phrase("Belum ada keputusan dalam rekod.", "There are no decisions in the record yet."),
    "console.chart": Phrase("Keputusan mengikut masa", "Decisions over time"),
    "console.chart.hourly": Phrase("setiap jam", "by the hour"),
    "console.chart.daily": Phrase("setiap hari", "by the day"),
    "console.chart.summary": Phrase("{count} keputusan", "{count} decisions"),
    "console.table": Phrase("Senarai keputusan", "List of decisions"),
    "console.bad-filter": Phrase("Penapis ini tidak difahami: {field}.", "This filter is not understood: {field}."),
    "console.rules": Phrase("Peraturan yang sepadan", "Rules that matched"),
    "console.rules.none": Phrase("Tiada peraturan yang sepadan.", "No rule matched."),
    "console.findings.none": Phrase("Pemeriksaan tidak menemui apa-apa.", "The checks found nothing."),
    "console.excerpts": Phrase("Petikan bertopeng", "Masked excerpts"),
    "console.outcome": Phrase("Jawapan platform", "The platform's answer"),
    "console.outcome.none": Phrase("tiada rekod", "none recorded"),
    "console.outcome.accepted": Phrase("diterima (status {status})", "accepted (status {status})"),
    "console.outcome.refused": Phrase("ditolak (status {status})", "refused (status {status})"),
    "console.outcome.unclear": Phrase("tidak jelas (status {status})", "unclear (status {status})"),
    "console.releases": Phrase("Pengesahan", "Confirmations"),
    "console.release": Phrase("dari {moment} hingga {expires}", "from {moment} until {expires}"),
    "console.release.asked": Phrase("Yang dijawab:", "What was answered:"),
    "console.asked": Phrase(
        "pelulus dimohon pada {moment}, jawapan sebelum {expires}",
        "an approver was asked on {moment}, to answer before {expires}",
    ),
    "console.answered": Phrase("oleh {who} pada {moment}", "by {who} on {moment}"),
    "console.objections": Phrase("Bantahan", "Objections"),
    "console.objection": Phrase("dibantah pada {moment}", "objected on {moment}"),
    "console.basis": Phrase("Dokumen yang menjadi asasnya", "The documents that it was decided by"),
    "console.basis.policy": Phrase("Dasar", "Policy"),
    "console.basis.platforms": Phrase("Tandatangan platform", "Platform signatures"),
    "console.basis.calendar": Phrase("Kalendar", "Calendar"),
    "console.basis.lexicons": Phrase("Perbendaharaan kata", "Vocabularies"),
    "console.basis.targets": Phrase("Senarai sasaran", "Lists of targets"),
    "console.basis.content": Phrase("Cap jari kandungan", "Fingerprint of the content"),
    "console.evidence": Phrase("Bukti", "Evidence"),
    "evidence.sealed": Phrase("termeterai", "sealed"),
    "evidence.masked": Phrase("bertopeng sahaja", "masked only"),
    "evidence.none": Phrase("tidak disimpan", "none kept"),
    "console.signature": Phrase("Tandatangan operasi", "Signature"),
    "confidence.confirmed": Phrase("disahkan", "confirmed"),
    "confidence.reported": Phrase("dilaporkan", "reported"),
    "console.done": Phrase("Tindakan gerbang", "What the gate did"),
    "console.facts": Phrase("Butiran", "Facts"),
    "console.why": Phrase("Sebab", "Why"),
    "console.why.one": Phrase("satu peraturan lain", "one other rule"),
    "console.why.more": Phrase("{count} peraturan lain", "{count} other rules"),
    "console.gap": Phrase("Tidak diperiksa", "Not inspected"),
    "console.chart.one": Phrase("1 keputusan", "1 decision"),
    "console.objected": Phrase("dibantah", "objected"),
    "objection.yes": Phrase("dengan bantahan", "with an objection"),
    "objection.no": Phrase("tanpa bantahan", "without"),
    "console.bad-order": Phrase("Hari pertama jatuh selepas hari terakhir.", "The first day comes after the last one."),
    "console.bad-query.title": Phrase("Penapis tidak difahami", "A filter is not understood"),
    "console.bad-query": Phrase(
        "Semak penapis dalam senarai, kemudian muat turun semula.", "Check the filters in the list, and download again."
    ),
    "console.unheard.rule": Phrase(
        "Tiada peraturan `{value}`, dalam dasar yang berkuat kuasa atau dalam rekod.",
        "There is no rule `{value}`, in the policy in force or in the record.",
    ),
    "console.unheard.zone": Phrase("Tiada zon `{value}` dalam rekod.", "There is no zone `{value}` in the record."),
    "console.unheard.officer": Phrase(
        "Tiada pegawai `{value}` dalam rekod. Guna ID pegawai, atau nama samarannya yang tiga puluh dua aksara.",
        "There is no officer `{value}` in the record. Use the officer's id, or the whole pseudonym of "
        "thirty-two characters.",
    ),
    "console.device": Phrase("Peranti", "Device"),
    "console.texts": Phrase("Teks dan lampiran", "Texts and attachments"),
    "console.belongs-to": Phrase("Sebahagian daripada", "Belongs to"),
    "console.sent-earlier": Phrase("Dihantar lebih awal", "Sent earlier"),
    "console.texts.count": Phrase("teks: {texts}, lampiran: {media}", "texts: {texts}, attachments: {media}"),
    "console.remedial": Phrase("pembetulan", "remedial"),
    "console.unclaimed": Phrase("jenisnya tidak dikenali", "of a kind that is not known"),
    "console.shape": Phrase("Rupa permintaan", "What it looked like"),
    "console.place": Phrase("Tempat dalam jurnal", "Place in the journal"),
    "console.missing.title": Phrase("Tiada halaman ini", "There is no such page"),
    "console.missing": Phrase(
        "Semak nombor keputusan. Ia ada dua belas aksara, seperti 7K3M-9Q2X-4TBG.",
        "Check the decision's number. It has twelve characters, such as 7K3M-9Q2X-4TBG.",
    ),
    "console.down.title": Phrase("Pangkalan data tidak dapat dicapai", "The database cannot be reached"),
    "console.down": Phrase(
        "Rekod selamat dalam jurnal. Gerbang terus berjalan; halaman ini kembali apabila pangkalan data kembali.",
        "The record is safe in the journal. The gate goes on; this page is back when the database is.",
    ),
    "console.unrecorded.title": Phrase("Tidak dapat direkodkan", "Could not be recorded"),
    "console.unrecorded": Phrase(
        "Setiap kali rekod dilihat, itu direkodkan dahulu. Ia tidak dapat ditulis buat masa ini, jadi tiada apa-apa "
        "ditunjukkan. Semak ruang cakera folder keadaan.",
        "Each look at the record is itself recorded first. That cannot be written at the moment, so nothing is shown. "
        "Check the disk space of the state folder.",
    ),
    "console.looks": Phrase("Siapa yang melihat", "Who has looked"),
    "console.look": Phrase("{reader}, {role}: {moment}", "{reader}, {role}: {moment}"),
    "console.fault.title": Phrase("Konsol mengalami masalah", "The console has a problem"),
    "console.fault": Phrase(
        "Sesuatu tidak kena di pihak kami, dan ia telah dilog.", "Something went wrong on our side, and it is logged."
    ),
    "console.bad-host.title": Phrase("Alamat ini tidak dilayan", "This address is not served"),
    "console.bad-host": Phrase(
        "Buka konsol dengan alamat yang ditetapkan dalam tetapannya.",
        "Open the console by the address in its settings.",
    ),
    "console.read-only": Phrase(
        "Halaman ini hanya untuk membaca. Nama pegawai bertopeng.",
        "These pages are read-only. Officers' names are masked.",
    ),
}
