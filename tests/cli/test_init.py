"""`gerbang init`, as a new admin runs it: at a terminal, and by options."""

import json
import os
import stat
import subprocess
import sys
import termios
from pathlib import Path

import pexpect
import pytest
from pexpect.fdpexpect import fdspawn

from gerbang.settings import load_settings

GERBANG = Path(sys.executable).with_name("gerbang")
CONSOLE, OFFICER, ROOT = "empat perkataan panjang sekali", "tiga perkataan panjang", "satu frasa laluan cubaan"
HIDDEN = {"GERBANG_CONSOLE_PASSWORD": CONSOLE, "GERBANG_OFFICER_PASSWORD": OFFICER, "GERBANG_CA_PASSPHRASE": ROOT}
OPTIONS = ("--organisation", "Jabatan Contoh", "--state", "Putrajaya", "--network", "10.1.0.0/16")


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("GERBANG_", "LC_", "LANG"))}
    return {**clean, "COLUMNS": "200", **more}


def gerbang(folder: Path, *arguments: str, typed: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GERBANG, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(**more),
        input=typed,
        timeout=60,
    )


class Terminal:
    """What an admin sees and types."""

    def __init__(self, folder: Path, *arguments: str, **more: str) -> None:
        self.seen = ""
        # Not by pexpect's own start, which forks: this process may have threads, and the child then waits for ever.
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (50, 200))
        self._process = subprocess.Popen(
            ["env", "--default-signal=INT", "setsid", "--ctty", str(GERBANG), *arguments],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment(**more),
        )  # fmt: skip
        os.close(theirs)
        self._child = fdspawn(ours, encoding="utf-8", timeout=120)

    def answers(self, question: str, *typed: str) -> None:
        """The answers to a question in turn: all but the last are refused."""
        for one in typed:
            self._child.expect_exact(question)
            self.seen += self._child.before + self._child.after
            self._child.sendline(one)

    def end(self) -> int:
        self._child.expect(pexpect.EOF)
        self.seen += self._child.before
        self._child.close()
        return self._process.wait(60)


def test_an_admin_at_a_terminal_is_asked_what_matters(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "init", LANG="en_GB.UTF-8")
    terminal.answers("Folder for the settings [.]: ", "etc")
    terminal.answers("The agency's name", "", "Jabatan Contoh")
    terminal.answers("A short name for the office (small letters) [hq]: ", "Ibu Pejabat", "ibu-pejabat")
    terminal.answers("The state it is in (code or name): ", "Jahor", "Johor")
    terminal.answers("Whose regulations hold: ", "federel", "")
    terminal.answers("Networks of the office's PCs", "10.1.0.1/16", "10.1.0.0/16 10.2.0.0/16")
    terminal.answers("Networks of a guest Wi-Fi", "10.1.0.0/16", "10.9.0.0/16")
    terminal.answers("Sign-in on the office's PCs", "")
    terminal.answers("The first officer's sign-in name", "ali:baba", "aminah")
    terminal.answers("The agency's own blogs", "blog.contoh.my=wordpres", "blog.contoh.my")
    terminal.answers("The authority for opening traffic", "Arahan Ketua Jabatan bil. 1/2026")
    terminal.answers("The version of the notice", "", "2026-01")
    terminal.answers("Address and port of the proxy", "8080", "10.1.0.5:8080")
    terminal.answers("Name of the console's first account [auditor]: ", "Nora", "nora")
    terminal.answers("Its role", "boss", "auditor")
    terminal.answers("File for the CA's root key", "usb/root.p12")
    terminal.answers("A password for officer aminah (12 characters or more): ", "pendek", OFFICER)
    terminal.answers("Once more: ", OFFICER)
    terminal.answers("A password for the console's account nora (12 characters or more): ", CONSOLE)
    terminal.answers("Once more: ", CONSOLE + "x")
    terminal.answers("A password for the console's account nora (12 characters or more): ", CONSOLE)
    terminal.answers("Once more: ", CONSOLE)
    terminal.answers("A passphrase for the CA's root key (12 characters or more): ", ROOT)
    terminal.answers("Once more: ", ROOT)
    assert terminal.end() == 0, terminal.seen

    for secret in (CONSOLE, OFFICER, ROOT, "pendek"):
        assert secret not in terminal.seen
    for said in ("did you mean `JHR` (Johor)?", "JHR", "Johor", "did you mean `federal`?", "the two differ"):
        assert said in terminal.seen, said
    assert "What to do next:" in terminal.seen
    assert "8. " not in terminal.seen
    assert "7. " in terminal.seen
    chosen = load_settings(tmp_path / "etc/gerbang.toml", {})
    assert [(zone.name, [str(network) for network in zone.networks]) for zone in chosen.zones] == [
        ("office-pcs", ["10.1.0.0/16", "10.2.0.0/16"]),
        ("guest-wifi", ["10.9.0.0/16"]),
    ]
    assert (chosen.offices[0].name, chosen.offices[0].state, chosen.console.language) == ("ibu-pejabat", "JHR", "en")
    assert (tmp_path / "usb/root.p12").exists()


def test_giving_up_at_a_question_leaves_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "init", "--language", "ms")
    terminal.answers("Folder untuk tetapan [.]: ", "etc")
    terminal.answers("Nama jabatan", "\x03")
    assert terminal.end() == 2
    assert "given up at the question; nothing was done" in terminal.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("en_US.UTF-8", "What to do next:"), ("ms_MY.UTF-8", "Seterusnya:"), ("C.UTF-8", "Seterusnya:")],
)
def test_options_are_enough(tmp_path: Path, language: str, said: str) -> None:
    made = gerbang(tmp_path, "init", "--yes", *OPTIONS, LANG=language, **HIDDEN)
    assert (made.returncode, made.stderr) == (0, "")
    assert said in made.stdout
    chosen = load_settings(tmp_path / "gerbang.toml", {})
    assert chosen.interception.authority == ""
    assert ("Nothing is decrypted" in made.stdout) is ("next" in said)
    assert stat.S_IMODE((tmp_path / "gerbang-root.p12").stat().st_mode) == 0o600
    shown = json.loads(gerbang(tmp_path, "ca", "show", "--json").stdout)[0]
    assert shown["listed but not permitted"] == []
    assert shown["root"] in made.stdout
    for secret in HIDDEN.values():
        assert secret not in made.stdout


def test_a_second_time_says_what_is_there(tmp_path: Path) -> None:
    gerbang(tmp_path, "init", *OPTIONS, **HIDDEN)
    again = gerbang(tmp_path, "init", *OPTIONS, **HIDDEN)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        f"gerbang: `{tmp_path}/gerbang.toml` is there already, and nothing is overwritten; "
        "name another `--folder`, or move that away; nothing was written\n"
    )
    (tmp_path / "gerbang.toml").unlink()
    rest = gerbang(tmp_path, "init", *OPTIONS, **HIDDEN).stderr
    for name in ("htpasswd", "officers.csv", "accounts.csv", "approvals.csv", "root.crt", "intermediate.pem"):
        assert name in rest
    assert "users.json" in rest
    assert "gerbang-root.p12" in rest


PASSWORD = {"GERBANG_CONSOLE_PASSWORD": CONSOLE}


@pytest.mark.parametrize(
    ("arguments", "hidden", "said"),
    [
        (
            (),
            {},
            "nobody can be asked, and this is missing: `--organisation`, `--state`, `--network`, `--password-stdin`",
        ),
        (OPTIONS, PASSWORD, "this is missing: `--passphrase-file FILE` (or `GERBANG_CA_PASSPHRASE`)"),
        ((*OPTIONS, "--officer", "aminah"), {**HIDDEN, "GERBANG_OFFICER_PASSWORD": ""}, "`GERBANG_OFFICER_PASSWORD`"),
        ((*OPTIONS, "--authority", "Arahan 1"), HIDDEN, "`--notice` is missing"),
        ((*OPTIONS, "--notice", "1"), HIDDEN, "`--authority` is missing"),
        ((*OPTIONS, "--sign-in", "none", "--officer", "a"), HIDDEN, "with `--sign-in none` nobody does"),
        ((*OPTIONS, "--role", "boss"), HIDDEN, "`boss` will not do for the role; expected one of `auditor`, `admin`"),
        ((*OPTIONS, "--language", "fr"), HIDDEN, "`fr` is no language of the program's"),
        ((*OPTIONS, "--owner", "nobody-of-that-name"), HIDDEN, "there is no user `nobody-of-that-name`"),
        ((*OPTIONS, "--root-out", "/proc/root.p12"), HIDDEN, "the root cannot be written to `/proc/root.p12`"),
        (OPTIONS, {**HIDDEN, "GERBANG_CONSOLE_PASSWORD": "pendek"}, "the password has 6 characters"),
        (OPTIONS, {**HIDDEN, "GERBANG_CA_PASSPHRASE": "pendek"}, "the passphrase for the root is too short"),
        (("--config", "gerbang.toml", *OPTIONS), HIDDEN, "`--config` names a file to read; `--folder` says where"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_made(
    tmp_path: Path, arguments: tuple[str, ...], hidden: dict[str, str], said: str
) -> None:
    refused = gerbang(tmp_path, "init", *arguments, **hidden)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert refused.stderr.startswith("gerbang: ")
    assert refused.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_password_from_standard_input_and_a_passphrase_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(ROOT + "\n")
    made = gerbang(
        tmp_path,
        "init",
        *OPTIONS,
        "--password-stdin",
        "--passphrase-file",
        "word",
        "--language",
        "en",
        typed=CONSOLE + "\n",
    )
    assert (made.returncode, made.stderr) == (0, "")
    renewed = gerbang(tmp_path, "ca", "renew", "--root", "gerbang-root.p12", GERBANG_CA_PASSPHRASE=ROOT)
    assert renewed.returncode == 0, renewed.stderr
