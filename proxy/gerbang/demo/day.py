"""Who tries what in the demo's day, and what must come of it. Every person, account and text is made up."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gerbang.demo.browsers import (
    PHOTO,
    X_POST,
    Sent,
    chat_on_whatsapp,
    comment_on_blog,
    comment_on_facebook,
    comment_on_instagram,
    comment_on_youtube,
    follow_on_x,
    like_on_youtube,
    message_on_slack,
    on_x,
    photo_to_facebook,
    photo_to_instagram,
    post_on_facebook,
    post_on_instagram,
    post_on_linkedin,
    post_on_mastodon,
    post_on_telegram,
    post_on_x,
    share_on_facebook,
    typing_on_facebook,
    upload_to_x,
    visit,
    write_on_blog,
    write_on_blogger,
)
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.mastodon import SERVER

PLACE = ZoneInfo("Asia/Kuala_Lumpur")
SIGN_IN = "trial:word"  # of invented people, on loopback; the colon is there to be tried

OFFICERS = """id,name,unit,office,service_group,groups,pattern
P-1001,Aminah binti Contoh,Komunikasi Korporat,ibu-pejabat,professional,official-social-media,
P-1002,Farid bin Misal,Kewangan,ibu-pejabat,support,,
P-1003,Devi a/p Umpama,Teknologi Maklumat,ibu-pejabat,professional,,
P-1004,Lim Ibarat,Kaunter,ibu-pejabat,support,,
"""
ACCOUNTS = """platform,account,handle,name,standing
x,9001,jabatancontoh,Jabatan Contoh,official
facebook,61550000000001,,Jabatan Contoh,official
youtube,108000000000000000001,,Jabatan Contoh,official
linkedin,5005001,,Jabatan Contoh,official
"""
OWN_SITES = f"""
[[sites]]
host = "{SERVER}"
platform = "mastodon"
official = true
"""
APPROVALS = """id,grantee,purpose,authority,reference,valid_from,valid_to,withdrawn
K-07,P-1002,political,Ketua Setiausaha,CONTOH.500-2/1 (7),2026-01-01,2026-12-31,
"""
PARTY_ON_X = "3003"
PARTIES = f"""platform,target,name,from,until
x,{PARTY_ON_X},Parti Contoh,,
"""
AMINAH, FARID, DEVI, LIM = "P-1001", "P-1002", "P-1003", "P-1004"
X_ACCOUNTS = {AMINAH: "2001", FARID: "2002", DEVI: "2003", LIM: "2004"}
FACEBOOK_ACCOUNTS = {AMINAH: "100000000000001", FARID: "100000000000002", LIM: "100000000000004"}
INSTAGRAM_ACCOUNTS = {FARID: "70000000002", DEVI: "70000000003"}
BOT_OF_DEVI = "700100003"
AGENCY_ON_LINKEDIN = "5005001"
AGENCY_ON_X, AGENCY_ON_FACEBOOK, AGENCY_ON_YOUTUBE = "9001", "61550000000001", "108000000000000000001"


class Device(StrEnum):
    """What somebody holds: a PC of the office that trusts the gate, or a phone of their own on the guest Wi-Fi."""

    PC = "pc"
    PHONE = "phone"


class Becomes(StrEnum):
    """What becomes of an attempt: the words of the record, and those for what stands in none."""

    FORWARDED = "forwarded"
    HELD = "held"
    ANSWERED = "answered"
    NO_ACT = "no-act"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that somebody tries at a wall-clock time, and what must become of it.

    `purpose` is stated on the gate's own page if the act is held.
    """

    at: str
    officer: str
    what: str
    sent: Sent
    becomes: Becomes
    purpose: str | None = None
    device: Device = Device.PC

    @property
    def moment(self) -> datetime:
        hour, minute = self.at.split(":")
        return datetime(2026, 11, 24, int(hour), int(minute), tzinfo=PLACE)


WISH = "Selamat hari lahir, Kak Ina! Semoga panjang umur dan dimurahkan rezeki."
NOTICE = "Kaunter Putrajaya dibuka sehingga 5 petang hari ini."
LETTER = (
    "SULIT",
    "Ruj. Kami: CONTOH.600-1/2/3 Jld. 2 (45)",
    "Tarikh: 3 November 2026",
    "Tuan,",
    "PERMOHONAN PERUNTUKAN TAMBAHAN",
    "2. Adalah saya diarah merujuk perkara di atas.",
)
CORRECTION = "Pembetulan: saya silap, kaunter dibuka pukul 9, bukan pukul 8. Mohon maaf atas kesilapan saya."
CAMPAIGN = "Jom undi calon Pakatan Harapan, tumbangkan UMNO pada PRU16 nanti!"
ATTACK = "Kau ni memang bodoh dan tak guna langsung, penipu besar."
PEOPLE = "Ali 880214-14-5521, Siti 900731-10-6644, Kumar 850505-08-7133, Mei 920123-01-5026, Noor 870909-03-5418"
THREAT = "Siap kau, aku belasah kau nanti."
FACEBOOK = "https://www.facebook.com/"
WHATSAPP = "https://web.whatsapp.com/"


def _pc(
    at: str, officer: str, what: str, sent: Sent, becomes: Becomes = Becomes.FORWARDED, purpose: str | None = None
) -> Attempt:
    return Attempt(at, officer, what, sent, becomes, purpose)


def _phone(at: str, officer: str, what: str, url: str, becomes: Becomes) -> Attempt:
    return Attempt(at, officer, what, visit(url), becomes, device=Device.PHONE)


FORWARDED, HELD, ANSWERED = Becomes.FORWARDED, Becomes.HELD, Becomes.ANSWERED
NO_ACT, UNTOUCHED = Becomes.NO_ACT, Becomes.UNTOUCHED

DAY = (
    # ------------------------------------------------ office hours
    _pc("09:35", FARID, "opens X", visit("https://x.com/home"), HELD),
    _pc(
        "09:36",
        FARID,
        "opens X, states an official purpose",
        visit("https://x.com/home"),
        FORWARDED,
        "Memantau aduan orang awam",
    ),
    _pc(
        "09:37",
        FARID,
        "X: his timeline loads (a read by POST)",
        on_x("2002", "HomeLatestTimeline", {"count": 20}),
        NO_ACT,
    ),
    _pc("09:40", FARID, "X: a birthday wish, in office hours", post_on_x("2002", WISH), ANSWERED),
    _pc("09:42", LIM, "WhatsApp Web: its chat, without a purpose", chat_on_whatsapp(), ANSWERED),
    _pc(
        "09:43",
        LIM,
        "opens WhatsApp Web, states an official purpose",
        visit(WHATSAPP),
        FORWARDED,
        "Menjawab pertanyaan pelanggan kaunter",
    ),
    _pc("09:44", LIM, "WhatsApp Web: its chat, the purpose stated", chat_on_whatsapp()),
    _phone("09:45", DEVI, "Facebook, on her own phone", FACEBOOK, ANSWERED),
    _phone("09:46", DEVI, "her bank, on her own phone", f"https://{BANK}/", UNTOUCHED),
    _pc("10:00", AMINAH, "X: a notice, as the agency", post_on_x(AGENCY_ON_X, NOTICE)),
    _pc(
        "10:02",
        AMINAH,
        "Facebook: the notice, as the agency's page",
        post_on_facebook(AGENCY_ON_FACEBOOK, NOTICE, person=FACEBOOK_ACCOUNTS[AMINAH]),
    ),
    _pc(
        "10:05",
        AMINAH,
        "YouTube: answers a viewer, as the agency's channel",
        comment_on_youtube("Terima kasih. Borang boleh didapati di kaunter.", AGENCY_ON_YOUTUBE),
    ),
    _pc(
        "10:06",
        AMINAH,
        "LinkedIn: the notice, by the agency's program",
        post_on_linkedin(AGENCY_ON_LINKEDIN, NOTICE),
    ),
    _pc("10:08", AMINAH, "Mastodon: the notice, on the agency's own server", post_on_mastodon(NOTICE)),
    _pc("10:15", DEVI, "X: a correction of her own reply", post_on_x("2003", CORRECTION, reply_to=X_POST)),
    _pc(
        "10:20",
        FARID,
        "Facebook: a comment, in office hours",
        comment_on_facebook(FACEBOOK_ACCOUNTS[FARID], "Setuju sangat dengan cadangan ini."),
        ANSWERED,
    ),
    _pc(
        "10:22",
        DEVI,
        "Instagram: a comment, in office hours",
        comment_on_instagram(INSTAGRAM_ACCOUNTS[DEVI], "Cantik gambar ni, tahniah!"),
        ANSWERED,
    ),
    _pc("10:25", FARID, "YouTube: likes a video, in office hours", like_on_youtube(), ANSWERED),
    _pc(
        "10:30",
        LIM,
        "Facebook: begins to type (told to others, no act)",
        typing_on_facebook(FACEBOOK_ACCOUNTS[LIM]),
        NO_ACT,
    ),
    _pc(
        "10:35",
        DEVI,
        "Slack: a message by a program, in office hours",
        message_on_slack("C0CONTOH", "Jom makan tengah hari di medan selera nanti."),
        ANSWERED,
    ),
    _pc("10:40", LIM, "X: a holiday video of 6 MB", upload_to_x("2004", 6 << 20), ANSWERED),
    _pc(
        "10:50",
        DEVI,
        "X: an operation that no signature knows",
        on_x("2003", "CreateStatement", {"statement": {"text": "Jom berkumpul makan tengah hari bersama esok"}}),
        ANSWERED,
    ),
    _pc(
        "11:00",
        LIM,
        "blog: a draft saves itself (no act)",
        write_on_blog("Nota", "Draf sahaja buat masa ini", "/autosaves", "draft"),
        NO_ACT,
    ),
    _pc("11:10", LIM, "opens the bank", visit(f"https://{BANK}/"), UNTOUCHED),
    # ------------------------------------------------ lunch
    _pc("13:20", FARID, "X: the same wish, at lunch", post_on_x("2002", WISH)),
    _pc("13:22", LIM, "YouTube: thanks under a video", comment_on_youtube("Terima kasih, penerangan yang jelas.")),
    _pc("13:30", DEVI, "X: an attack on a person", post_on_x("2003", ATTACK), HELD),
    _pc("13:32", FARID, "YouTube: the same attack, gzipped", comment_on_youtube(ATTACK), HELD),
    _pc("13:40", LIM, "blog: a classified letter", write_on_blog("Surat", "</p><p>".join(LETTER)), ANSWERED),
    _pc(
        "13:45",
        LIM,
        "Blogger: the same letter",
        write_on_blogger("Surat", "<p>" + "</p><p>".join(LETTER) + "</p>"),
        ANSWERED,
    ),
    # ------------------------------------------------ evening
    _phone("18:05", DEVI, "Facebook, on her own phone, after hours", FACEBOOK, FORWARDED),
    _pc(
        "18:30",
        LIM,
        "blog: thanks under a notice",
        comment_on_blog("Terima kasih atas makluman ini, sangat membantu."),
    ),
    _pc("18:32", FARID, "Instagram: a photo", photo_to_instagram(INSTAGRAM_ACCOUNTS[FARID], 150_000)),
    _pc(
        "18:33",
        FARID,
        "Instagram: the post that shows it",
        post_on_instagram(INSTAGRAM_ACCOUNTS[FARID], "Senja di tepi tasik selepas kerja."),
    ),
    _pc("18:35", LIM, "Facebook: a photo", photo_to_facebook(FACEBOOK_ACCOUNTS[LIM], 200_000)),
    _pc(
        "18:36",
        LIM,
        "Facebook: the post that shows it",
        post_on_facebook(FACEBOOK_ACCOUNTS[LIM], "Pemandangan dari bukit petang tadi.", (PHOTO,)),
    ),
    _pc(
        "18:38",
        FARID,
        "Facebook: shares a post",
        share_on_facebook(FACEBOOK_ACCOUNTS[FARID], "Untuk perhatian semua ahli."),
    ),
    _pc("18:40", DEVI, "X: campaigning, professional group", post_on_x("2003", CAMPAIGN), ANSWERED),
    _pc("18:42", DEVI, "X: follows a party's page", follow_on_x("2003", PARTY_ON_X)),
    _pc(
        "18:45",
        FARID,
        "X: campaigning, with an approval on file",
        post_on_x("2002", "Jom undi calon Pakatan Harapan pada PRU16 nanti!"),
    ),
    _pc(
        "20:00",
        DEVI,
        "Telegram: a threat, by a bot of hers",
        post_on_telegram(BOT_OF_DEVI, "@saluranjiran", THREAT),
        ANSWERED,
    ),
    _pc("20:05", LIM, "X: a list of identity numbers", post_on_x("2004", f"Senarai peserta: {PEOPLE}"), ANSWERED),
    _pc(
        "20:10",
        DEVI,
        "X: takes a post of hers away",
        on_x("2003", "DeleteTweet", {"tweet_id": X_POST, "dark_request": False}),
    ),
)
