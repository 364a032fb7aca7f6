"""What the gate says where no platform is concerned: a sentence in Malay and in English, as plain text."""

from typing import Final

from gerbang.model import Reply

SENTENCES: Final = {
    "zone": (
        403,
        "Alamat anda tidak berada dalam mana-mana zon yang dilayan oleh proksi ini.",
        "Your address is in no zone that this proxy serves.",
    ),
    "sign-in": (407, "Sila log masuk ke proksi.", "Sign in to the proxy."),
    "limited": (
        429,
        "Terlalu banyak percubaan log masuk yang gagal. Cuba lagi sebentar lagi.",
        "Too many failed sign-ins. Try again in a while.",
    ),
    "sign-in-away": (
        503,
        "Direktori pegawai tidak dapat dihubungi, maka log masuk tidak dapat disemak. Cuba lagi sebentar lagi.",
        "The directory of officers cannot be reached, so nobody can sign in now. Try again in a while.",
    ),
    "unknown-officer": (
        403,
        "Proksi ini tidak mengenali anda, dan hanya melayan pegawai yang dikenali di sini.",
        "This proxy does not know who you are, and serves only officers whom it knows here.",
    ),
    "tls-required": (
        403,
        "Proksi ini hanya bercakap melalui TLS. Tetapkannya sebagai proksi HTTPS, seperti dalam fail PAC.",
        "This proxy is spoken to over TLS only. Set it as an HTTPS proxy, as the PAC file does.",
    ),
    "downstream": (
        400,
        "Proksi pejabat anda tidak menyatakan dengan jelas bagi siapa permintaan ini dibuat.",
        "Your office's proxy does not say clearly for whom this request is made.",
    ),
    "address": (
        403,
        "Proksi ini tidak menyambung ke alamat dalaman.",
        "This proxy does not connect to internal addresses.",
    ),
    "itself": (403, "Proksi ini tidak menyambung kepada dirinya.", "This proxy does not connect to itself."),
    "port": (403, "Proksi ini tidak menyambung ke port itu.", "This proxy does not connect to that port."),
    "unknown-host": (502, "Nama hos itu tidak ditemui.", "That host name was not found."),
    "misdirected": (421, "Hos itu tidak dilayan di sini.", "That host is not served here."),
    "malformed": (400, "Permintaan itu tidak boleh dibaca.", "That request cannot be read."),
    "use": (
        403,
        "Platform ini tidak dibenarkan pada peranti peribadi sekarang.",
        "This platform is not allowed on personal devices now.",
    ),
    "use-unopened": (
        403,
        "Platform ini tidak dibenarkan di sini sekarang.",
        "This platform is not allowed here now.",
    ),
    "fault": (503, "Proksi ini mengalami masalah. Cuba lagi.", "This proxy has a problem. Try again."),
    "idle": (408, "Kandungan itu tidak sampai habis. Cuba lagi.", "That content did not arrive whole. Try again."),
    "busy": (503, "Proksi ini sedang sibuk. Cuba lagi sebentar lagi.", "This proxy is busy. Try again in a while."),
    "too-large": (413, "Kandungan itu terlalu besar.", "That content is too large."),
}


def plain(reason: str, *headers: tuple[str, str], number: str | None = None) -> Reply:
    """The reply for a reason; the number of the decision with it, where there is one."""
    status, malay, english = SENTENCES[reason]
    text = f"{malay}\n{english}\n" + (f"{number}\n" if number else "")
    return Reply(
        status,
        (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"), *headers),
        text.encode(),
    )
