"""Who tries what in the demo's day: a table of acts in the shapes that the platforms' pages really send.

Every person, account and text is made up.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.wordpress import BLOG

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
"""
APPROVALS = """id,grantee,purpose,authority,reference,valid_from,valid_to,withdrawn
K-07,P-1002,political,Ketua Setiausaha,CONTOH.500-2/1 (7),2026-01-01,2026-12-31,
"""
AMINAH, FARID, DEVI, LIM = "P-1001", "P-1002", "P-1003", "P-1004"
X_ACCOUNTS = {AMINAH: "2001", FARID: "2002", DEVI: "2003", LIM: "2004"}
OFFICIAL = "9001"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that somebody tries: at a wall-clock time, with a request as a browser or an app sends it."""

    at: str
    officer: str
    what: str
    method: str
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    purpose: str | None = None  # stated on the gate's own page, if the act is held

    @property
    def moment(self) -> datetime:
        hour, minute = self.at.split(":")
        return datetime(2026, 11, 24, int(hour), int(minute), tzinfo=PLACE)


def visit(at: str, officer: str, what: str, url: str, purpose: str | None = None) -> Attempt:
    headers = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
    return Attempt(at, officer, what, "GET", url, headers=headers, purpose=purpose)


def on_x(
    at: str, officer: str, what: str, operation: str, variables: Mapping[str, object], account: str | None = None
) -> Attempt:
    """An operation of X's web client."""
    body = json.dumps({"variables": variables, "features": {"articles_preview_enabled": True}, "queryId": "AbCdEf"})
    return Attempt(
        at,
        officer,
        what,
        "POST",
        f"https://x.com/i/api/graphql/AbCdEf/{operation}",
        body.encode(),
        _x_headers(officer, account),
    )


def post_on_x(
    at: str, officer: str, what: str, text: str, account: str | None = None, reply_to: str | None = None
) -> Attempt:
    reply = {"reply": {"in_reply_to_tweet_id": reply_to, "exclude_reply_user_ids": []}} if reply_to else {}
    return on_x(
        at, officer, what, "CreateTweet", {"tweet_text": text, "media": {"media_entities": []}, **reply}, account
    )


def upload_to_x(at: str, officer: str, what: str, size: int) -> Attempt:
    boundary = "----WebKitFormBoundaryDemo"
    disposition = 'Content-Disposition: form-data; name="media"; filename="blob"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    body = head.encode() + bytes(size) + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        **_x_headers(officer),
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Sec-Fetch-Site": "same-site",
    }
    where = "https://upload.x.com/i/media/upload.json?command=APPEND&media_id=1970000000000000001&segment_index=0"
    return Attempt(at, officer, what, "POST", where, body, headers)


def comment_on_blog(at: str, officer: str, what: str, text: str) -> Attempt:
    form = urlencode({"comment": text, "submit": "Post Comment", "comment_post_ID": "731", "comment_parent": "0"})
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
    }
    return Attempt(at, officer, what, "POST", f"https://{BLOG}/wp-comments-post.php", form.encode(), headers)


def write_on_blog(
    at: str, officer: str, what: str, title: str, text: str, path: str = "", status: str = "publish"
) -> Attempt:
    """A save of the block editor, gzipped as some clients send it."""
    body = {
        "id": 731,
        "title": title,
        "content": f"<!-- wp:paragraph -->\n<p>{text}</p>\n<!-- /wp:paragraph -->",
        "status": status,
    }
    headers = {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "X-WP-Nonce": "3f9ac0d21b",
        "Cookie": "wordpress_logged_in_5f5f=ibarat%7C1790000000%7Ctoken%7Chmac",
        "X-HTTP-Method-Override": "PUT",
    }
    where = f"https://{BLOG}/wp-json/wp/v2/posts/731{path}?_locale=user"
    return Attempt(at, officer, what, "POST", where, gzip.compress(json.dumps(body).encode(), mtime=0), headers)


def _x_headers(officer: str, account: str | None = None) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Origin": "https://x.com",
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-origin",
        "Cookie": f"twid=u%3D{account or X_ACCOUNTS[officer]}; ct0=f00dfeed",
    }


WISH = "Selamat hari lahir, Kak Ina! Semoga panjang umur dan dimurahkan rezeki."
LETTER = (
    "SULIT",
    "Ruj. Kami: CONTOH.600-1/2/3 Jld. 2 (45)",
    "Tarikh: 3 November 2026",
    "Tuan,",
    "PERMOHONAN PERUNTUKAN TAMBAHAN",
    "2. Adalah saya diarah merujuk perkara di atas.",
)
PEOPLE = "Ali 880214-14-5521, Siti 900731-10-6644, Kumar 850505-08-7133, Mei 920123-01-5026, Noor 870909-03-5418"

DAY = (
    visit("09:35", FARID, "opens X", "https://x.com/home"),
    visit("09:36", FARID, "opens X, states an official purpose", "https://x.com/home", "Memantau aduan orang awam"),
    on_x("09:37", FARID, "his timeline loads (a read by POST)", "HomeLatestTimeline", {"count": 20}),
    post_on_x("09:40", FARID, "a birthday wish, in office hours", WISH),
    post_on_x(
        "10:00",
        AMINAH,
        "a notice, as the agency",
        "Kaunter Putrajaya dibuka sehingga 5 petang hari ini.",
        account=OFFICIAL,
    ),
    post_on_x(
        "10:15",
        DEVI,
        "a correction of her own reply",
        "Pembetulan: saya silap, kaunter dibuka pukul 9, bukan pukul 8. Mohon maaf atas kesilapan saya.",
        reply_to="1970000000000000099",
    ),
    upload_to_x("10:40", LIM, "a holiday video", 6 << 20),
    write_on_blog(
        "11:00", LIM, "a draft saves itself (no act)", "Nota", "Draf sahaja buat masa ini", "/autosaves", "draft"
    ),
    visit("11:10", LIM, "opens the bank (never touched)", f"https://{BANK}/"),
    post_on_x("13:20", FARID, "the same wish, at lunch", WISH),
    post_on_x("13:30", DEVI, "an attack on a person", "Kau ni memang bodoh dan tak guna langsung, penipu besar."),
    write_on_blog("13:40", LIM, "a classified letter", "Surat", "</p><p>".join(LETTER)),
    comment_on_blog("18:30", LIM, "thanks under a blog's notice", "Terima kasih atas makluman ini, sangat membantu."),
    post_on_x(
        "18:40",
        DEVI,
        "campaigning, professional group",
        "Jom undi calon Pakatan Harapan, tumbangkan UMNO pada PRU16 nanti!",
    ),
    post_on_x(
        "18:45", FARID, "campaigning, with an approval on file", "Jom undi calon Pakatan Harapan pada PRU16 nanti!"
    ),
    post_on_x(
        "20:05",
        LIM,
        "a list of people's identity numbers",
        f"Senarai peserta: {PEOPLE}",
    ),
)
