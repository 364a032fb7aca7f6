"""What `gerbang init` says: its questions, the remarks in the files that it writes, and what to do next."""

from collections.abc import Mapping
from typing import Final

from gerbang.answers.words import Language, Phrase

SAID: Final[Mapping[str, Phrase]] = {
    # ------------------------------------------------ questions
    "folder": Phrase("Folder untuk tetapan", "Folder for the settings"),
    "organisation": Phrase(
        "Nama jabatan, seperti yang dilihat orang dalam sijil", "The agency's name, as people see it in the certificate"
    ),
    "office": Phrase("Nama ringkas pejabat (huruf kecil)", "A short name for the office (small letters)"),
    "state": Phrase("Negeri pejabat itu (kod atau nama)", "The state it is in (code or name)"),
    "legal-regime": Phrase("Peraturan siapa yang terpakai: {words}", "Whose regulations hold: {words}"),
    "network": Phrase("Rangkaian PC pejabat, seperti 10.1.0.0/16", "Networks of the office's PCs, such as 10.1.0.0/16"),
    "guest-network": Phrase(
        "Rangkaian Wi-Fi tetamu (peranti peribadi; kosong jika tiada)",
        "Networks of a guest Wi-Fi (personal devices; empty for none)",
    ),
    "sign-in": Phrase(
        "Log masuk di PC pejabat: htpasswd (nama dan kata laluan) atau none (tiada siapa dikenali)",
        "Sign-in on the office's PCs: htpasswd (name and password) or none (nobody is known)",
    ),
    "officer": Phrase(
        "Nama log masuk pegawai pertama (kosong untuk menambahnya kemudian)",
        "The first officer's sign-in name (empty to add it later)",
    ),
    "officer-password": Phrase(
        "Kata laluan pegawai {name} ({least} aksara atau lebih)",
        "A password for officer {name} ({least} characters or more)",
    ),
    "site": Phrase(
        "Blog rasmi jabatan, seperti blog.contoh.my (kosong jika tiada)",
        "The agency's own blogs, such as blog.example.my (empty for none)",
    ),
    "authority": Phrase(
        "Arahan yang membenarkan trafik dibuka (kosong: tiada apa-apa dinyahsulit)",
        "The authority for opening traffic (empty: nothing is decrypted)",
    ),
    "notice": Phrase("Versi notis yang diberi kepada pegawai", "The version of the notice given to officers"),
    "listen": Phrase("Alamat dan port proksi", "Address and port of the proxy"),
    "account": Phrase("Nama akaun pertama konsol", "Name of the console's first account"),
    "role": Phrase(
        "Peranannya: auditor (membaca keputusan) atau admin (tiada kandungan)",
        "Its role: auditor (reads decisions) or admin (sees no content)",
    ),
    "password": Phrase(
        "Kata laluan akaun konsol {name} ({least} aksara atau lebih)",
        "A password for the console's account {name} ({least} characters or more)",
    ),
    "root-out": Phrase("Fail untuk kunci akar CA", "File for the CA's root key"),
    "passphrase": Phrase(
        "Frasa laluan untuk kunci akar CA ({least} aksara atau lebih)",
        "A passphrase for the CA's root key ({least} characters or more)",
    ),
    "again": Phrase("Sekali lagi", "Once more"),
    "differ": Phrase("kedua-duanya tidak sama", "the two differ"),
    "states.code": Phrase("kod", "code"),
    "states.name": Phrase("negeri", "state"),
    # ------------------------------------------------ remarks in gerbang.toml
    "toml.head": Phrase(
        "Tetapan Gerbang, dibuat oleh `gerbang init`. Setiap kunci dijelaskan dalam docs/settings.md.\n"
        "Selepas sesuatu diubah: `gerbang doctor`, kemudian mulakan `gerbang serve` semula.",
        "Settings of Gerbang, made by `gerbang init`. Every key is explained in docs/settings.md.\n"
        "After a change: `gerbang doctor`, then start `gerbang serve` again.",
    ),
    "toml.state": Phrase(
        "Folder bagi apa yang dibuat oleh gerbang: jurnal, CA, kunci, daftar, pangkalan data.\n"
        "Buat salinan sandaran; sesiapa yang dapat membacanya tahu siapa membuat apa.",
        "The folder for what the gate makes: journal, CA, keys, registers, database.\n"
        "Back it up; whoever can read it knows who did what.",
    ),
    "toml.policies": Phrase(
        "Peraturan: yang dibekalkan, kemudian folder anda sendiri di belakangnya.\n"
        'Contoh: ["bundled", "/etc/gerbang/policies"]; lihat docs/policies.md.',
        "The rules: those that are shipped, then folders of your own behind them.\n"
        'For example ["bundled", "/etc/gerbang/policies"]; see docs/policies.md.',
    ),
    "toml.gate": Phrase(
        "Proksi: alamat yang ditetapkan pada PC pejabat.\n"
        "Sesiapa di luar zon di bawah ditolak, walau dari mana pun ia datang.",
        "The proxy: the address that the office's PCs are set to.\n"
        "Whoever is outside the zones below is refused, wherever they come from.",
    ),
    "toml.interception": Phrase(
        "Arahan yang membenarkan trafik dibuka, dan versi notis yang diberi kepada pegawai.\n"
        "Selagi salah satu tiada, tiada apa-apa dinyahsulit: hanya diketahui bahawa sesuatu platform digunakan.",
        "The authority under which traffic is opened, and the version of the notice given to officers.\n"
        "While either is missing nothing is decrypted: all that is known is that a platform is used.",
    ),
    "toml.office": Phrase(
        "Pejabat: kalendar negeri siapa, dan peraturan siapa yang dipetik.\n{states}",
        "An office: whose state's calendar, and whose regulations are cited.\n{states}",
    ),
    "toml.zone": Phrase(
        "PC pejabat: mempercayai CA gerbang (state/ca/root.crt), dan orang log masuk pada proksi.\n"
        "Rangkaian yang lebih khusus menang; setiap rangkaian berada dalam satu zon sahaja.",
        "The office's PCs: they trust the gate's CA (state/ca/root.crt), and people sign in to the proxy.\n"
        "The longer prefix wins; each network stands in one zone only.",
    ),
    "toml.guests": Phrase(
        "Wi-Fi tetamu dan telefon: peranti peribadi tidak pernah dinyahsulit.\n"
        "Hanya platform, zon dan masa diketahui, dan peraturan tentang `use` terpakai.",
        "Guest Wi-Fi and phones: personal devices are never decrypted.\n"
        "Only platform, zone and time are known, and the rules on `use` hold.",
    ),
    "toml.site": Phrase(
        "Blog jabatan sendiri: sesiapa yang menulis di situ menggunakan akaun rasmi.\n"
        "Selepas menambah satu: `gerbang ca renew --root FAIL`, supaya gerbang boleh membukanya.",
        "The agency's own blog: whoever writes there does so by an official account.\n"
        "After adding one: `gerbang ca renew --root FILE`, so that the gate can open it.",
    ),
    "toml.console": Phrase(
        "Halaman untuk juruaudit, juga `/healthz` dan `/metrics`. Ia melayani HTTP sahaja:\n"
        "untuk mesin lain, letakkan pelayan web dengan TLS di hadapannya.",
        "The auditors' pages, and `/healthz` and `/metrics`. It speaks HTTP only:\n"
        "for other machines, put a web server with TLS before it.",
    ),
    "toml.log": Phrase(
        "Log pada ralat piawai: `text` untuk orang, `json` untuk pengumpul.\n"
        "Ia tidak mengandungi nama, kata laluan atau kandungan.",
        "The log on standard error: `text` for people, `json` for a collector.\nIt holds no password and no content.",
    ),
    "htpasswd": Phrase(
        "Tambah pegawai: htpasswd -B {file} NAMA (Debian: apache2-utils). NAMA ialah `id` dalam officers.csv.",
        "Add an officer: htpasswd -B {file} NAME (Debian: apache2-utils). NAME is the `id` in officers.csv.",
    ),
    "register": Phrase(
        "contoh; buang # untuk menggunakannya. Baris yang bermula dengan # tidak dikira.",
        "an example; take the # away to use it. A line that begins with # does not count.",
    ),
    # ------------------------------------------------ at the end
    "made": Phrase("Dibuat:", "Made:"),
    "fingerprint": Phrase("SHA-256 sijil akar: {value}", "SHA-256 of the root certificate: {value}"),
    "sealed": Phrase(
        "Tiada apa-apa dinyahsulit: `interception.authority` dan `interception.notice` belum ditetapkan. Sehingga itu "
        "platform tersenarai hanya dinilai sebagai `use`.",
        "Nothing is decrypted: `interception.authority` and `interception.notice` are not set. Until then listed "
        "platforms are judged as `use` only.",
    ),
    "next": Phrase("Seterusnya:", "What to do next:"),
    "next.root": Phrase(
        "Pindahkan {file} ke luar talian, dan simpan frasa laluannya berasingan: gerbang tidak memerlukannya lagi.",
        "Move {file} offline, and keep its passphrase elsewhere: the gate does not need it any more.",
    ),
    "next.trust": Phrase(
        "Pasang {file} sebagai CA yang dipercayai pada PC pejabat.", "Have the office's PCs trust {file} as a CA."
    ),
    "next.registers": Phrase(
        "Isi daftar dalam {folder}: pegawai, akaun rasmi, kelulusan.",
        "Fill in the registers in {folder}: officers, official accounts, approvals.",
    ),
    "next.officers": Phrase(
        "Beri setiap pegawai kata laluan: htpasswd -B {file} NAMA.",
        "Give each officer a password: htpasswd -B {file} NAME.",
    ),
    "next.authority": Phrase(
        "Apabila ada arahan dan notis: tetapkan kedua-duanya di bawah [interception] dalam {file}.",
        "Once there is an authority and a notice: set both under [interception] in {file}.",
    ),
    "next.doctor": Phrase("Semak: {run}gerbang doctor --config {file}", "Check: {run}gerbang doctor --config {file}"),
    "next.serve": Phrase("Mulakan: {run}gerbang serve --config {file}", "Start: {run}gerbang serve --config {file}"),
    "next.proxy": Phrase(
        "Tetapkan proksi PC pejabat kepada {listen} (`gerbang pac` menulis fail untuk pelayar), dan buka konsol di "
        "http://{console}/.",
        "Set the proxy of the office's PCs to {listen} (`gerbang pac` writes a file for browsers), and open the "
        "console at http://{console}/.",
    ),
    "next.proxy-elsewhere": Phrase(
        "Dalam {file}, tetapkan `listen` di bawah [gate] kepada alamat yang dapat dicapai oleh PC pejabat, kerana "
        "{listen} hanya dicapai oleh mesin ini; kemudian tetapkan proksi PC kepada alamat itu (`gerbang pac` "
        "menulis fail untuk pelayar), dan buka konsol di http://{console}/.",
        "In {file}, set `listen` under [gate] to an address that the office's PCs reach, since {listen} is reached by "
        "this machine only; then set the PCs' proxy to that address (`gerbang pac` writes a file for browsers), and "
        "open the console at http://{console}/.",
    ),
}


def said(key: str, language: Language, **arguments: object) -> str:
    """The phrase of a key. Raises `KeyError` for one that is not there: a mistake of ours."""
    text = SAID[key].text(language)
    return text.format(**arguments) if arguments else text
