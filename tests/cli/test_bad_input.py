"""Bad input: whatever an admin gets wrong is one sentence that says where, what, and what would do instead.

Each case is the command line as it is typed, in an office with one thing wrong. It ends with status 2, prints no
traceback, and leaves every file as it was.
"""

import io
import json
import multiprocessing
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from structlog.testing import capture_logs

from cli_builders import (
    CASES,
    NUMBERS,
    PASSPHRASE,
    PASSWORD,
    POLICY,
    Held,
    Step,
    a_ca,
    added,
    an_account,
    an_office,
    changed,
    cut_in_the_middle,
    damaged_ca,
    database,
    flipped,
    folder_at,
    gone,
    journal,
    journal_file,
    listening,
    newer_database,
    one_address,
    other_database,
    policy,
    recorded,
    register,
    settings,
    signing_in,
    written,
)
from gerbang import serving
from gerbang.cli import main
from gerbang.living import LivingWorld
from gerbang.settings import load_settings

# What the parts of `serve` need is loaded once, in a process from which each then forks: afresh takes three seconds.
LOADED = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(["gerbang.serving", "gerbang.gate.run"])

Run = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Wrong:
    """A command, what is wrong when it is typed, and the sentence: whole, or up to a `…`.

    `{folder}` in it is the office's, `{gate}` and `{console}` are its ports, `{journal}` the file of its journal.
    """

    name: str
    command: str
    said: str
    steps: tuple[Step, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""


@pytest.fixture(scope="module", autouse=True)
def _parts_log_elsewhere() -> None:
    """What the parts of `serve` log goes where it went when that process began: into no test's own capture."""
    forkserver.ensure_running()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    an_office(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(serving, "fresh", LOADED)
    before = structlog.get_config()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)
    structlog.configure(**before)


@pytest.fixture
def run(office: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Exit status, standard output and standard error of `gerbang ...` in the office, parts of `serve` included."""
    assert office.is_dir()

    def command(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gerbang", *arguments])
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main.main()
        told = capfd.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return command


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


AT = "2026-11-23T10:00+08:00"
EXPLAIN = "policy explain --platform x --activity post"
ONE_OF_EFFECTS = "expected one of `allow`, `record`, `coach`, `approve`, `block`"
DATABASE = "{folder}/state/gerbang.db: "
OPENED = '[interception]\nauthority = "Arahan 1/2026"\nnotice = "2026-01"'
OVERRIDING = (
    POLICY.replace("policy: trial", "policy: local").replace("final: true", "")
    + "    overrides: {rule: trial/posts, reason: the counter answers, authority: Ketua Jabatan}\n"
)
AS_EVIDENCE = "see `gerbang audit verify`; keep the folder as evidence, move it aside, and start again"


def with_kerberos(folder: Path) -> None:
    settings('office = "hq"\n', 'office = "hq"\nsign_in = "kerberos"\n')(folder)
    added('[kerberos]\nkeytab = "gerbang.keytab"\nservice = "HTTP/gerbang.contoh.my@CONTOH.MY"')(folder)


GOOD_LINE = '{"method": "GET", "url": "https://x.com/home"}\n'

TABLE = (
    # ------------------------------------------------------------ what is typed
    Wrong(
        "an unknown command",
        "serv",
        "no such command `serv`; did you mean `serve`? expected one of `init`, `doctor`, `serve`, `demo`, `policy`, "
        "`platforms`, `checks`, `calendar`, `audit`, `alerts`, `accounts`, `officers`, `approvals`, "
        "`notice`, `exemptions`, `db`, `ca`, `users`, `tokens`, "
        "`sessions`, `pac`, `fleet`, `script`, `version`",
    ),
    Wrong(
        "an unknown command of a group",
        "policy chek",
        "no such command `chek`; did you mean `check`? see `gerbang policy --help`",
    ),
    Wrong("no proxy's address", "pac --proxy gate", "`--proxy`: `gate` is no address; expected `host:port`…"),
    Wrong(
        "a way of traffic that there is not",
        "pac --traffic some",
        "invalid value for `--traffic`: `some` is not one of `listed`, `all`…",
    ),
    Wrong("an unknown option", "serve --frob", "no such option: `--frob`; see `gerbang serve --help`"),
    Wrong("an option without its value", "ca create", "missing option `--root-out`; see `gerbang ca create --help`"),
    Wrong("`--config` without a file", "serve --config", "option `--config` requires an argument…"),
    Wrong(
        "a word where a number belongs",
        "audit list --limit many",
        "invalid value for `--limit`: input should be a valid integer; see `gerbang audit list --help`",
    ),
    Wrong(
        "a language that there is not",
        "demo --language fr",
        "invalid value for `--language`: `fr` is not one of `ms`, `en`; see `gerbang demo --help`",
    ),
    Wrong(
        "a trial's time that is none",
        "serve --at noon",
        "`noon` is no time for `--at`; write date, time and offset, such as `2026-11-23T10:00+08:00`",
    ),
    Wrong(
        "a trial's time without an offset",
        "serve --at 2026-11-23T10:00",
        "`2026-11-23T10:00` has no offset; write which time it is: `2026-11-23T10:00+08:00`",
    ),
    Wrong(
        "a trial's clock where others can reach it",
        f"serve --at {AT}",
        "`--at` is for trials, on loopback only, and the gate listens on `0.0.0.0:0`; "
        "set the listeners to 127.0.0.1, or leave `--at` out",
        (lambda folder: settings(_line(folder, "listen"), 'listen = "0.0.0.0:0"')(folder),),
    ),
    # ------------------------------------------------------------ settings
    Wrong(
        "a listed proxy without a network",
        "serve",
        "gerbang.toml:18: the setting `downstream[1].networks` is missing; add `networks = ...` there",
        (added('[[downstream]]\nuser_header = "X-User"'),),
    ),
    Wrong(
        "a listed proxy's header that is none",
        "serve",
        "gerbang.toml:20:1: `downstream[1].user_header`: `X User` is no name of a header; …",
        (added('[[downstream]]\nnetworks = ["10.1.0.4"]\nuser_header = "X User"'),),
    ),
    Wrong(
        "a listed proxy's short secret",
        "serve",
        "gerbang.toml:20:1: `downstream[1].secret`: 20 or more letters, digits and signs are expected, without a space",
        (added('[[downstream]]\nnetworks = ["10.1.0.4"]\nsecret = "kurang"'),),
    ),
    Wrong(
        "sessions of no length",
        "serve",
        "gerbang.toml:19:1: `0` will not do for `sessions.longest_hours`: it must be at least 1",
        (added("[sessions]\nlongest_hours = 0"),),
    ),
    Wrong(
        "a setting of sessions that there is not",
        "serve",
        "gerbang.toml:19:1: unknown setting `sessions.longest`; did you mean `longest_hours`? …",
        (added("[sessions]\nlongest = 4"),),
    ),
    Wrong(
        "people known by a header that nobody sends",
        "serve",
        "gerbang.toml:18:1: zone `pejabat` knows people by a proxy's header, and no proxy is listed that sends one; …",
        (added('sign_in = "header"'),),
    ),
    Wrong(
        "no address of a directory",
        "serve",
        "gerbang.toml:19:1: `ldap.urls[1]`: `http://dir.contoh.my` is no address of a directory; …",
        (added('[ldap]\nurls = ["http://dir.contoh.my"]'),),
    ),
    Wrong(
        "passwords that would go to a directory in clear",
        "serve",
        "gerbang.toml:19:1: passwords would go to `ldap://dir.contoh.my` in clear; …",
        (added('[ldap]\nurls = ["ldap://dir.contoh.my"]\nbase = "dc=contoh,dc=my"'),),
    ),
    Wrong(
        "a directory without a base",
        "serve",
        "gerbang.toml:19:1: the directory has no `base`; …",
        (added('[ldap]\nurls = ["ldaps://dir.contoh.my"]'),),
    ),
    Wrong(
        "a sign-in that is known for no time",
        "serve",
        "gerbang.toml:19:1: `0` will not do for `ldap.known_hours`: it must be at least 1",
        (added("[ldap]\nknown_hours = 0"),),
    ),
    Wrong(
        "a filter for nobody's name",
        "serve",
        "gerbang.toml:19:1: `ldap.user_filter`: a filter in parentheses with `{{user}}` in it is expected…",
        (added('[ldap]\nuser_filter = "(uid=aminah)"'),),
    ),
    Wrong(
        "no settings file",
        "--config none.toml serve",
        "there is no settings file `none.toml`; name one with `--config`, or run `gerbang init`",
    ),
    Wrong(
        "a folder for a settings file",
        "--config rules serve",
        "rules: the settings file cannot be read: is a directory",
    ),
    Wrong(
        "no TOML",
        "serve",
        "gerbang.toml:1:6: this is no TOML: expected ']' at the end of a table declaration",
        (written("gerbang.toml", "[gate\n"),),
    ),
    Wrong(
        "settings in another encoding",
        "serve",
        "gerbang.toml: the settings file cannot be read: it is not UTF-8 text",
        (written("gerbang.toml", b"\xff\xfes"),),
    ),
    Wrong(
        "an unknown key",
        "serve",
        "gerbang.toml:5:1: unknown setting `gate.listn`; did you mean `listen`? expected one of `listen`, `mode`…",
        (settings("listen", "listn"),),
    ),
    Wrong(
        "a text where a list belongs",
        "policy check",
        "gerbang.toml:2:1: `rules` will not do for `policies`: a list is expected",
        (settings('["rules"]', '"rules"'),),
    ),
    Wrong(
        "no policies at all",
        "policy check",
        "gerbang.toml:2:1: `[]` will not do for `policies`: at least one entry is expected",
        (settings('["rules"]', "[]"),),
    ),
    Wrong(
        "an unknown variable",
        "policy check",
        "unknown environment variable `GERBANG_GAET__LISTEN`; did you mean `GERBANG_GATE`?…",
        variables={"GERBANG_GAET__LISTEN": "x"},
    ),
    Wrong(
        "a variable whose key is unknown is placed at the variable",
        "policy check",
        "GERBANG_GATE__LISTN: unknown setting `gate.listn`; did you mean `listen`?…",
        variables={"GERBANG_GATE__LISTN": "x"},
    ),
    Wrong(
        "two variables that exclude each other",
        "policy check",
        "`GERBANG_GATE` and `GERBANG_GATE__LISTEN` cannot both be set; take one of them out",
        variables={"GERBANG_GATE": "x", "GERBANG_GATE__LISTEN": "127.0.0.1:1"},
    ),
    Wrong(
        "no zones",
        "serve",
        "no zone is set, so the gate would serve nobody; add `[[zones]]` and `[[offices]]` to the settings",
        (lambda folder: settings(_from(folder, "[[offices]]"), "")(folder),),
    ),
    Wrong(
        "a zone without an office",
        "serve",
        "gerbang.toml:17:1: zone `pejabat` names the office `hk`, which is not listed; expected one of `hq`",
        (settings('office = "hq"', 'office = "hk"'),),
    ),
    Wrong(
        "a network that is none",
        "serve",
        "gerbang.toml:16:1: `zones[1].networks[1]`: `127.0.0.1/8` is no network; expected one such as `10.1.0.0/16` "
        "(127.0.0.1/8 has host bits set)",
        (settings("127.0.0.0/8", "127.0.0.1/8"),),
    ),
    Wrong(
        "two zones with one network",
        "serve",
        "gerbang.toml:20:1: the network `127.0.0.0/8` stands in zone `pejabat` and in zone `kaunter`; "
        "give each network to one zone; a longer prefix wins over a shorter one",
        (added('[[zones]]\nname = "kaunter"\nnetworks = ["127.0.0.0/8"]\noffice = "hq"'),),
    ),
    Wrong(
        "an office in an unknown state",
        EXPLAIN,
        "office `hq` names the state `PJX`, which no calendar has; did you mean `PJY`? expected one of `PJY`",
        (settings("PJY", "PJX"),),
    ),
    Wrong(
        "an office with an unknown working pattern",
        "serve",
        "office `hq` names the working pattern `flexy`, which no calendar has; "
        "did you mean `flexi`? expected one of `flexi`",
        (settings('state = "PJY"', 'state = "PJY"\npattern = "flexy"'),),
    ),
    Wrong(
        "an office in no time zone",
        "policy check",
        "gerbang.toml:13:1: `offices[1].timezone`: `Asia/Putrajaya` is no time zone; "
        "expected one such as `Asia/Kuala_Lumpur`",
        (settings('state = "PJY"', 'state = "PJY"\ntimezone = "Asia/Putrajaya"'),),
    ),
    Wrong(
        "a site of an unknown platform",
        EXPLAIN,
        "the site `blog.contoh.my` names the platform `wordpress`, which has no signatures; expected one of `x`",
        (added('[[sites]]\nhost = "blog.contoh.my"\nplatform = "wordpress"'),),
    ),
    Wrong(
        "a mode that the proxy does not know",
        "serve",
        "`gate.mode` will not do: invalid proxy mode specification: regulr (unknown mode)",
        (settings("[gate]\n", '[gate]\nmode = "regulr"\n'),),
    ),
    Wrong(
        "a target that is neither network nor host",
        "serve",
        "`10.0.0.0/33` will not do for `gate.allow_targets`; expected a network, or a host with a port, such as "
        "`10.1.2.0/24` or `blog.local:8443`",
        (settings("[gate]\n", '[gate]\nallow_targets = ["10.0.0.0/33"]\n'),),
    ),
    Wrong(
        "trusted certificates that are not there",
        "serve",
        "{folder}/none.pem: `gate.upstream.trusted_ca` cannot be read: no such file or directory",
        (settings("[gate]\n", '[gate]\nupstream.trusted_ca = "none.pem"\n'),),
    ),
    Wrong(
        "trusted certificates that are none",
        "serve",
        "{folder}/gerbang.toml: `gate.upstream.trusted_ca` holds no certificate in PEM",
        (settings("[gate]\n", '[gate]\nupstream.trusted_ca = "gerbang.toml"\n'),),
    ),
    # ------------------------------------------------------------ TLS to the proxy, Kerberos
    Wrong(
        "a word for TLS that there is not",
        "serve",
        "gerbang.toml:5:1: `require` will not do for `gate.tls`; did you mean `required`? "
        "expected one of `offered`, `required`",
        (settings("[gate]\n", '[gate]\ntls = "require"\n'),),
    ),
    Wrong(
        "a certificate of the proxy without its key",
        "serve",
        "gerbang.toml:5:1: `gate.tls_certificate` stands without `gate.tls_key`; "
        "name both files; without either, the gate's CA makes the certificate",
        (settings("[gate]\n", '[gate]\ntls_certificate = "pintu.crt"\n'),),
    ),
    Wrong(
        "a certificate of the proxy that is not there",
        "serve",
        "{folder}/pintu.crt: the file cannot be read: no such file or directory",
        (settings("[gate]\n", '[gate]\ntls_certificate = "pintu.crt"\ntls_key = "pintu.key"\n'),),
    ),
    Wrong(
        "browsers sent to a proxy without TLS that requires it",
        "pac",
        "gerbang.toml:20:1: `pac.proxies` sends browsers to `10.1.0.5:8080` without TLS, and `gate.tls` is `required`; "
        "write `https://gerbang.internal:8080`",
        (settings("[gate]\n", '[gate]\ntls = "required"\n'), added('[pac]\nproxies = ["10.1.0.5:8080"]')),
    ),
    Wrong(
        "a way of signing in that wants a keytab, without one",
        "serve",
        "gerbang.toml:1: zone `pejabat` signs people in by kerberos, and `kerberos.keytab` is not set; "
        'add `[kerberos] keytab = "gerbang.keytab"`',
        (settings('office = "hq"\n', 'office = "hq"\nsign_in = "kerberos"\n'),),
    ),
    Wrong(
        "a principal without its realm",
        "serve",
        "gerbang.toml:19:1: `kerberos.service`: `HTTP/gerbang.contoh.my` is no principal; "
        "expected one such as `HTTP/gerbang.contoh.my@CONTOH.MY`",
        (added('[kerberos]\nservice = "HTTP/gerbang.contoh.my"'),),
    ),
    Wrong(
        "a service that no browser asks for",
        "serve",
        "gerbang.toml:19:1: `kerberos.service`: `host/gerbang.contoh.my@CONTOH.MY` will not do; "
        "expected `HTTP/HOST@REALM`, HOST in small letters",
        (added('[kerberos]\nservice = "host/gerbang.contoh.my@CONTOH.MY"'),),
    ),
    Wrong(
        "an unknown key of Kerberos",
        "policy check",
        "gerbang.toml:19:1: unknown setting `kerberos.keytabs`; did you mean `keytab`? "
        "expected one of `keytab`, `service`, `realms`, `names`, `allow`",
        (added('[kerberos]\nkeytabs = "gerbang.keytab"'),),
    ),
    Wrong(
        "a keytab that is not there",
        "serve",
        "{folder}/gerbang.keytab: there is no keytab; "
        "make one with the key of `HTTP/gerbang.contoh.my@CONTOH.MY`, and name it in `kerberos.keytab`",
        (with_kerberos,),
    ),
    Wrong(
        "a keytab that others can read",
        "serve",
        "{folder}/gerbang.keytab: the keytab can be read by others; run `chmod 600 {folder}/gerbang.keytab`",
        (with_kerberos, written("gerbang.keytab", b"")),
    ),
    Wrong(
        "a name of the proxy that tickets are for and that it has no certificate for",
        "pac",
        "browsers must reach the gate as `gerbang.contoh.my`, the host of `kerberos.service`, and it has no "
        'certificate for that: `gate.host` is `gerbang.internal`; set `[gate] host = "gerbang.contoh.my"` and run '
        "`gerbang ca renew --root FILE`; or name a certificate of your own for it in `gate.tls_certificate`",
        (with_kerberos, settings("[gate]\n", '[gate]\ntls = "required"\n')),
    ),
    # ------------------------------------------------------------ ports and folders
    Wrong(
        "the gate's port in use",
        "serve",
        "the gate cannot listen on `127.0.0.1:{gate}`: address already in use; "
        "stop what uses it, or set another `gate.listen`",
        (listening("gate"),),
    ),
    Wrong(
        "the console's port in use",
        "serve",
        "the console cannot listen on `127.0.0.1:{console}`: address already in use; "
        "stop what uses it, or set another `console.listen`",
        (listening("console"),),
    ),
    Wrong(
        "one port for gate and console",
        "serve",
        "the console cannot listen on `127.0.0.1:{gate}`: address already in use; "
        "stop what uses it, or set another `console.listen`",
        (one_address,),
    ),
    Wrong(
        "an address of another machine",
        "serve",
        "the gate cannot listen on `192.0.2.1:0`: cannot assign requested address; set another `gate.listen`",
        (lambda folder: settings(_line(folder, "listen"), 'listen = "192.0.2.1:0"')(folder),),
    ),
    Wrong(
        "a file where the state folder belongs",
        "serve",
        "the state folder `{folder}/state` cannot be made: file exists; correct `state` in the settings",
        (written("state", "x"),),
    ),
    Wrong(
        "a state folder where none can be",
        "serve",
        "the state folder `/proc/gerbang` cannot be made: no such file or directory; correct `state` in the settings",
        (settings('state = "state"', 'state = "/proc/gerbang"'),),
    ),
    Wrong(
        "a file where the policies are to be kept",
        "policy list",
        "{folder}/state/policies: the policies cannot be kept: not a directory; check `state` in the settings",
        (written("state", "x"),),
    ),
    # ------------------------------------------------------------ documents
    Wrong(
        "no policy folder",
        "serve",
        "the policy folder `{folder}/none` does not exist; correct `policies` in the settings, or make it",
        (settings('["rules"]', '["none"]'),),
    ),
    Wrong(
        "a policy folder with no policy",
        "policy check",
        "{folder}/empty: there is no policy here; expected NAME/policy.yaml or NAME.yaml",
        (folder_at("empty"), settings('["rules"]', '["empty"]')),
    ),
    Wrong(
        "a policy that is no YAML",
        "serve",
        "{folder}/rules/trial/policy.yaml:11:11: this is no YAML: expected `,` or `}}`, but got `:`",
        (policy("when: {activity: post}", "when: {activity: post"),),
    ),
    Wrong(
        "a policy with a tab",
        "policy check",
        "{folder}/rules/trial/policy.yaml:9:1: a tab cannot indent a line; use spaces",
        (policy("    clause: C1", "\tclause: C1"),),
    ),
    Wrong(
        "a policy with a key twice",
        "policy check",
        "{folder}/rules/trial/policy.yaml:13:1: `policy` stands here a second time; the first is on line 1",
        (policy("    final: true\n", "    final: true\npolicy: other\n"),),
    ),
    Wrong(
        "a policy in another encoding",
        "policy check",
        "{folder}/rules/trial/policy.yaml: the document is not UTF-8 text; save it as UTF-8",
        (written("rules/trial/policy.yaml", b"policy: \xff"),),
    ),
    Wrong(
        "an unknown effect",
        "policy check",
        "{folder}/rules/trial/policy.yaml:11:13: unknown effect `blok`; did you mean `block`? " + ONE_OF_EFFECTS,
        (policy("block", "blok"),),
    ),
    Wrong(
        "an unknown key of a rule",
        "policy check",
        "{folder}/rules/trial/policy.yaml:12:5: unknown key `finl`; did you mean `final`? expected one of `id`…",
        (policy("final", "finl"),),
    ),
    Wrong(
        "a hold on what cannot be held",
        "policy check",
        "{folder}/rules/trial/policy.yaml:10:22: `coach` cannot hold the activity `use`; "
        "only `allow`, `record` or `block` can be done to it",
        (policy("activity: post", "activity: use"), policy("block", "coach")),
    ),
    Wrong(
        "an unknown clause",
        "policy check",
        "{folder}/rules/trial/policy.yaml:9:13: unknown clause `C2`; expected one of `C1`",
        (policy("clause: C1", "clause: C2"),),
    ),
    Wrong(
        "a final rule overridden",
        "policy check",
        "{folder}/rules/local.yaml:13:23: `trial/posts` is final…",
        (written("rules/local.yaml", OVERRIDING),),
    ),
    Wrong(
        "a signature file without signatures",
        "platforms list",
        "{folder}/rules/platforms/y.yaml:1:1: `signatures` is missing",
        (written("rules/platforms/y.yaml", "platform: y\ntitle: Y\nsurfaces: {}\n"),),
    ),
    Wrong(
        "a signature file is read when the policy is checked",
        "policy check",
        "{folder}/rules/platforms/y.yaml:1:1: `signatures` is missing",
        (written("rules/platforms/y.yaml", "platform: y\ntitle: Y\nsurfaces: {}\n"),),
    ),
    Wrong(
        "a vocabulary with a pattern that RE2 refuses",
        "policy check",
        "{folder}/rules/lexicons/trial.yaml:6:…",
        (changed("rules/lexicons/trial.yaml", "terms: [parti contoh]", "patterns: ['(?<=a)b']"),),
    ),
    Wrong(
        "a calendar with a day that is none",
        "calendar show --month 2026-11 --office hq",
        "{folder}/rules/calendars/ours.yaml:9:38: unknown days `sta`; did you mean `sat`?…",
        (changed("rules/calendars/ours.yaml", "[sat, sun]", "[sta, sun]"),),
    ),
    Wrong(
        "a month that is none",
        "calendar show --month 2026-13 --office hq",
        "`2026-13` is no month; write it as `2026-11`, or a day as `2026-11-24`",
    ),
    Wrong(
        "cases without an offset",
        "policy test",
        "{folder}/rules/trial/policy.cases.yaml:3:9: `2026-11-24T10:00` …",
        (written("rules/trial/policy.cases.yaml", CASES.replace("+08:00", "")),),
    ),
    Wrong(
        "a folder of policies that is not there",
        "policy check none",
        "the folder `none` does not exist; name a folder that holds policies",
    ),
    # ------------------------------------------------------------ registers and sign-in
    Wrong(
        "an officer listed twice",
        "serve",
        "{folder}/state/registers/officers.csv:3: the officer `P-1` is already on line 2; give each officer one line",
        (register("officers", "id,name\nP-1,Aminah binti Contoh\nP-1,Bala a/l Contoh\n"),),
    ),
    Wrong(
        "an unknown column",
        EXPLAIN,
        "{folder}/state/registers/officers.csv:1: unknown column `nam`; did you mean `name`?…",
        (register("officers", "id,nam\n"),),
    ),
    Wrong(
        "an account's standing misspelt",
        EXPLAIN,
        "{folder}/state/registers/accounts.csv:2: `standing` cannot be `offical`; did you mean `official`? "
        "expected one of `official`, `personal`, `unknown`",
        (register("accounts", "platform,account,standing\nx,1,offical\n"),),
    ),
    Wrong(
        "an approval from a day that is none",
        EXPLAIN,
        "{folder}/state/registers/approvals.csv:2: `valid_from` cannot be `2026-13-01`; "
        "write a date as `2026-12-31`, or a time as `2026-12-31T17:00+08:00`",
        (register("approvals", "id,grantee,purpose,authority,reference,valid_from\n1,P-1,a,KP,R,2026-13-01\n"),),
    ),
    Wrong(
        "a register in another encoding",
        EXPLAIN,
        "{folder}/state/registers/officers.csv:2: is not UTF-8; save it as `CSV UTF-8`",
        (register("officers", b"id,name\nP-1,\xe9\n"),),
    ),
    Wrong(
        "a folder where a register belongs",
        EXPLAIN,
        "{folder}/state/registers/officers.csv: is not a plain file",
        (folder_at("state/registers/officers.csv"),),
    ),
    Wrong(
        "an officer at an office that is not listed",
        EXPLAIN,
        "{folder}/state/registers/officers.csv: officer `P-1` is at the office `hk`, which the settings do not list; "
        "expected one of `hq`",
        (register("officers", "id,name,office\nP-1,Aminah binti Contoh,hk\n"),),
    ),
    Wrong(
        "officers of an office that is not listed",
        "officers list --office hk",
        "unknown office `hk`; expected one of `hq`",
    ),
    Wrong(
        "a folder where officers belong",
        "officers import rules",
        "`rules` is a folder; name a CSV file with columns of officers.csv",
    ),
    Wrong(
        "a sign-in hash that is not bcrypt",
        "serve",
        "{folder}/htpasswd:1: the hash of `ali` is not bcrypt; make it with `htpasswd -B {folder}/htpasswd ali`",
        (signing_in("ali:$apr1$abc$def\n"),),
    ),
    Wrong(
        "no sign-in file",
        "serve",
        "{folder}/htpasswd: the htpasswd file cannot be read: no such file or directory",
        (signing_in(None),),
    ),
    # ------------------------------------------------------------ the CA
    Wrong(
        "an authority to intercept, and no CA",
        "serve",
        "there is no CA in `{folder}/state/ca`; make one with `gerbang ca create --root-out FILE`",
        (added(OPENED),),
    ),
    Wrong(
        "a damaged CA",
        "serve",
        "{folder}/state/ca/intermediate.pem: the CA cannot be read: it is damaged; "
        "make a new one with `gerbang ca renew --root FILE`",
        (damaged_ca, added(OPENED)),
    ),
    Wrong(
        "a damaged root certificate",
        "ca show",
        "{folder}/state/ca/root.crt: the CA cannot be read: it is damaged; "
        "make a new one with `gerbang ca renew --root FILE`",
        (a_ca, written("state/ca/root.crt", "-----BEGIN")),
    ),
    Wrong(
        "a wrong passphrase",
        "ca renew --root root.p12",
        "`root.p12` cannot be opened; the passphrase is wrong, or this is no root that `ca create` wrote",
        (a_ca,),
        {"GERBANG_CA_PASSPHRASE": "another passphrase"},
    ),
    Wrong(
        "a second CA",
        "ca create --root-out other.p12",
        "there is a CA in `{folder}/state/ca` already; `gerbang ca renew --root FILE` takes in new hosts; "
        "for a new root, move that folder away first",
        (a_ca,),
        {"GERBANG_CA_PASSPHRASE": PASSPHRASE},
    ),
    Wrong(
        "a passphrase that is too short",
        "ca create --root-out root.p12",
        "the passphrase for the root is too short; use 12 characters or more",
        variables={"GERBANG_CA_PASSPHRASE": "short"},
    ),
    Wrong(
        "a CA for which there is no place, and no root is left behind",
        "ca create --root-out root.p12",
        "the CA cannot be written to `{folder}/state/ca`: not a directory",
        (written("state", "x"),),
        {"GERBANG_CA_PASSPHRASE": PASSPHRASE},
    ),
    # ------------------------------------------------------------ the record
    Wrong(
        "a journal cut in the middle",
        "serve",
        "{journal}:2: this is no line of a journal; " + AS_EVIDENCE,
        (cut_in_the_middle,),
    ),
    Wrong(
        "a journal with one bit changed",
        "serve",
        "{journal}:2: the line was changed: its hash does not fit its bytes; " + AS_EVIDENCE,
        (flipped,),
    ),
    Wrong(
        "a journal that another gate writes",
        "serve",
        "{folder}/state/journal/gate-0: another process writes the journal's slot `gate-0`; "
        "stop it first, or give this one another `node` in `[journal]`",
        (Held,),
    ),
    Wrong(
        "a damaged key",
        "serve",
        "{folder}/state/keys/record.key: this is no key: it must hold 32 bytes; "
        "restore it from a backup; without it the officers' pseudonyms change",
        (written("state/keys/record.key", "x"),),
    ),
    Wrong(
        "a file where the journal belongs",
        "audit verify",
        "{folder}/state/journal: the journal cannot be read: not a directory",
        (written("state/journal", "x"),),
    ),
    Wrong(
        "no journal",
        "audit verify",
        "{folder}/state/journal: there is no journal here; `gerbang serve` begins it",
    ),
    Wrong(
        "a database from a newer version",
        "serve",
        DATABASE + "the database is from a newer version of Gerbang (revision `9999`); "
        "install that version, or restore the backup from before it",
        (newer_database,),
    ),
    Wrong(
        "a database file that is none",
        "serve",
        DATABASE + "the database cannot be used: file is not a database",
        (written("state/gerbang.db", "a list of things to buy, and it is longer than a header"),),
    ),
    Wrong(
        "another program's database",
        "audit list",
        DATABASE + "there is nothing of Gerbang in the database yet; run `gerbang db upgrade`",
        (other_database,),
    ),
    Wrong(
        "no database",
        "audit list",
        "there is no database at `{folder}/state/gerbang.db`; `gerbang serve` or `gerbang db upgrade` makes it",
    ),
    Wrong(
        "a database address that is none",
        "audit list",
        "this is no address of a database; expected `sqlite:///FILE` or `postgresql://USER@HOST/NAME`",
        (added('[database]\nurl = "gerbang.db"'),),
    ),
    Wrong(
        "a database address with a port that is none",
        "audit list",
        "this is no address of a database; expected `sqlite:///FILE` or `postgresql://USER@HOST/NAME`",
        (added('[database]\nurl = "postgresql://u@h:port/x"'),),
    ),
    Wrong(
        "a database of a kind that is not known",
        "db upgrade",
        "`mysql` is no database that Gerbang knows; expected `sqlite:///FILE` or `postgresql://USER@HOST/NAME`",
        (added('[database]\nurl = "mysql://u@h/x"'),),
    ),
    Wrong(
        "a database server that is away, and its password is not shown",
        "audit list",
        "postgresql+psycopg://u:***@127.0.0.1:1/x: the database cannot be used: connection failed…",
        (added('[database]\nurl = "postgresql://u:rahsia@127.0.0.1:1/x"'),),
    ),
    Wrong(
        "a decision's number with a slip",
        "audit show 7K3M-9Q2X-4TBF",
        "`7K3M-9Q2X-4TBF` is no decision's number: a character is wrong, missing, or two changed places; "
        "expected three groups of four, such as `7K3M-9Q2X-4TBG`",
    ),
    Wrong(
        "a decision that is not on record",
        f"audit show {NUMBERS[1]}",
        f"there is no decision `{NUMBERS[1]}` in the database; "
        "if it is only seconds old it may not have been forwarded yet",
        (database,),
    ),
    Wrong(
        "a time that is none",
        "audit list --since yesterday",
        "`yesterday` is no time for `--since`; expected `2026-11-24` or `2026-11-24T10:00+08:00`",
    ),
    Wrong(
        "an effect that there is not",
        "audit list --effect blok",
        "unknown effect `blok`; did you mean `block`? " + ONE_OF_EFFECTS,
    ),
    # ------------------------------------------------------------ explaining, recognising, checking
    Wrong(
        "an officer who is not in the register",
        f"{EXPLAIN} --officer P-2",
        "no officer `P-2` is in the register; did you mean `P-1`? expected one of `P-1`",
        (register("officers", "id,name\nP-1,Aminah binti Contoh\n"),),
    ),
    Wrong(
        "a platform that there is not",
        "policy explain --platform y --activity post",
        "unknown platform `y`; expected one of `x`",
    ),
    Wrong(
        "an activity that there is not",
        "policy explain --platform x --activity pots",
        "unknown activity `pots`; did you mean `post`?…",
    ),
    Wrong("a time of day", f"{EXPLAIN} --time noon", "`noon` is no time; write it like `2026-11-24T10:15`"),
    Wrong(
        "no recording",
        "platforms recognise none.har",
        "`none.har` cannot be read: no such file or directory",
    ),
    Wrong(
        "no recording to learn of",
        "platforms learn none.har --marker Selamat-pagi",
        "`none.har` cannot be read: no such file or directory",
    ),
    Wrong(
        "a marker that is too short",
        "platforms learn e --marker Hai",
        "e: the marker `Hai` is too short to be found for certain; "
        "post a sentence of 8 letters and more that stands nowhere else",
        (written("e", GOOD_LINE),),
    ),
    Wrong(
        "a marker that nobody posted",
        "platforms learn e --marker Selamat-petang",
        "e: the marker is in none of the 1 requests; …",
        (written("e", GOOD_LINE),),
    ),
    Wrong("no marker", "platforms learn e", "missing option `--marker`; see `gerbang platforms learn --help`"),
    Wrong(
        "an activity that nobody knows",
        "platforms learn e --marker Selamat-petang --activity postt",
        "unknown activity `postt`; did you mean `post`? …",
    ),
    Wrong(
        "a name that no platform can have",
        "platforms learn e --marker Selamat-petang --platform Kedai",
        "`Kedai` is no name for a platform; use small letters, digits and hyphens",
    ),
    Wrong(
        "a platform that is not there",
        "platforms show y",
        "unknown platform `y`; …",
    ),
    Wrong("an empty recording", "platforms recognise e", "e: the recording is empty", (written("e", ""),)),
    Wrong(
        "a recording that breaks off",
        "platforms recognise e",
        "e:1:9: not JSON; expected a HAR 1.2 file or JSON lines",
        (written("e", '{"log": '),),
    ),
    Wrong(
        "a recording without entries",
        "platforms recognise e",
        "e: no `log.entries`; expected a HAR 1.2 file",
        (written("e", '{"log": {}}'),),
    ),
    Wrong(
        "a body that is no base64",
        "platforms recognise e",
        "e:2: `body_base64` is not base64",
        (written("e", GOOD_LINE + '{"method": "POST", "url": "https://x.com/post", "body_base64": "*"}\n'),),
    ),
    Wrong(
        "a request without an address",
        "platforms recognise e",
        "e:2: `url` is missing",
        (written("e", GOOD_LINE + '{"method": "POST"}\n'),),
    ),
    Wrong(
        "a line without a text",
        "checks run e --lexicons rules/lexicons",
        "e:2: `text` is missing; each line is an object with `id` and `text`",
        (written("e", '{"id": 1, "text": "selamat pagi"}\n{"id": 2}\n'),),
    ),
    # ------------------------------------------------------------ accounts, the demo
    Wrong(
        "an account that exists",
        "users add nora --role auditor --password-stdin",
        "there is an account `nora` already; remove it first to give it anew",
        (an_account,),
        typed=PASSWORD + "\n",
    ),
    Wrong(
        "a password that is too short",
        "users add ali --role auditor --password-stdin",
        "the password has 5 characters; use 12 to 256; a few words in a row are good and easy to keep",
        typed="12345\n",
    ),
    Wrong(
        "a role that there is not, before a password is asked for",
        "users add ali --role boss",
        "unknown role `boss`; expected one of `auditor`, `admin`, `approver`",
    ),
    Wrong(
        "accounts that cannot be read",
        "users list",
        "{folder}/state/console/users.json: the accounts cannot be read: invalid json…",
        (written("state/console/users.json", "nonsense"),),
    ),
    Wrong(
        "requests for an account that is no approver's",
        "approvals queue list --user nora --password-stdin",
        "the account `nora` is no approver's; make one by `gerbang users add NAME --role approver`",
        (an_account,),
        typed=PASSWORD + "\n",
    ),
    Wrong(
        "a refusal that gives no reason, before a password is asked for",
        "approvals queue refuse 7K3M-9Q2X-4TBG --user nora --note .",
        "the officer is to know why, and no note says so; write a note of 8 letters or more",
        (an_account,),
    ),
    Wrong(
        "an answer to what is no number",
        "approvals queue grant 7K3M-9Q2X-4TBF --user nora",
        "`7K3M-9Q2X-4TBF` is no decision's number: a character is wrong, missing, or two changed places; expected "
        "three groups of four, such as `7K3M-9Q2X-4TBG`",
    ),
    Wrong(
        "the notice in a language that there is not",
        "notice show --language fr",
        "unknown language `fr`; expected one of `ms`, `en`",
    ),
    Wrong(
        "a demo's folder that holds something else",
        "demo --once --folder rules",
        "`{folder}/rules` holds something that is no demo's; name another `--folder`",
    ),
    Wrong(
        "a file where the demo's folder belongs",
        "demo --once --folder gerbang.toml",
        "`{folder}/gerbang.toml` is no folder; name another `--folder`",
    ),
)


def _line(folder: Path, key: str) -> str:
    """The first line of the settings that sets this key."""
    return next(line for line in (folder / "gerbang.toml").read_text().splitlines() if line.startswith(key))


def _from(folder: Path, mark: str) -> str:
    """The settings from this mark on."""
    text = (folder / "gerbang.toml").read_text()
    return text[text.index(mark) :]


def expected(said: str, folder: Path) -> str:
    """The sentence of the table with the office's folder, ports and journal in it."""
    text = (folder / "gerbang.toml").read_text("utf-8", "replace")
    ports = re.findall(r'listen = "127\.0\.0\.1:(\d+)"', text)
    names = {"folder": str(folder), **dict(zip(("gate", "console"), ports, strict=False))}
    if "{journal}" in said:
        names["journal"] = str(journal_file(folder))
    return said.format(**names)


@pytest.mark.parametrize("wrong", TABLE, ids=[wrong.name.replace(" ", "-") for wrong in TABLE])
def test_it_is_one_sentence_and_nothing_is_lost(
    wrong: Wrong, office: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in wrong.variables.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as held:
        for step in wrong.steps:
            made = step(office)
            if isinstance(made, AbstractContextManager):
                held.enter_context(made)
        before = files_of(office)
        status, out, err = run(*wrong.command.split(), typed=wrong.typed)
        after = files_of(office)
    said = expected(wrong.said, office)
    begins, open_ended = said.removesuffix("…"), said.endswith("…")
    assert err.startswith(f"gerbang: {begins}" if open_ended else f"gerbang: {said}\n"), err
    assert err.count("\n") == 1, err
    assert status == 2
    assert "Traceback" not in out + err
    assert {name: after.get(name) for name in before} == before
    # `serve` makes keys and a database before the gate is asked; nothing else makes anything.
    made_anew = {name for name in after if name not in before}
    assert all(wrong.command == "serve" and name.startswith("state/") for name in made_anew), made_anew


# ---------------------------------------------------------------- nothing is lost


def test_a_refused_policy_leaves_the_one_in_force(office: Path, run: Run) -> None:
    assert run("policy", "activate")[0] == 0
    (in_force,) = json.loads(run("policy", "list", "--json")[1])
    before = files_of(office / "state")
    for step, sentence in (
        (policy("block", "blok"), "unknown effect `blok`"),
        (policy("effect: blok", "effect: allow"), "the case `a post is stopped` does not hold"),
    ):
        step(office)
        status, _, err = run("policy", "activate")
        assert status == 2
        assert sentence in err
        assert json.loads(run("policy", "list", "--json")[1]) == [in_force]
        assert files_of(office / "state") == before


def test_a_refused_register_leaves_the_one_in_force(office: Path) -> None:
    register("officers", "id,name\nP-1,Aminah binti Contoh\n")(office)
    living = LivingWorld(load_settings(office / "gerbang.toml", {}))
    for text in ("id,name\nP-1,\n", "id,name,office\nP-2,Bala a/l Contoh,hk\n"):
        register("officers", text)(office)
        with capture_logs() as told:
            living.refresh()
        assert [line["event"] for line in told] == ["registers-refused"]
        assert "officers.csv" in told[0]["error"]
        assert set(living.world.registers.officers) == {"P-1"}
    register("officers", "id,name\nP-2,Bala a/l Contoh\n")(office)
    living.refresh()
    assert set(living.world.registers.officers) == {"P-2"}


def test_a_ca_that_failed_can_be_made_at_the_next_try(office: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GERBANG_CA_PASSPHRASE", PASSPHRASE)
    written("state", "x")(office)
    assert run("ca", "create", "--root-out", "root.p12")[0] == 2
    gone("state")(office)
    assert run("ca", "create", "--root-out", "root.p12")[0] == 0
    assert run("ca", "show")[0] == 0


def test_a_journal_whose_last_line_was_cut_by_a_crash_goes_on(office: Path, run: Run) -> None:
    """That line was never acknowledged; all before it stand, and the record says where it was torn."""
    recorded(office)
    file = journal_file(office)
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    assert run("policy", "activate")[0] == 0
    journal(office).close()
    assert file.read_bytes().startswith(whole[: whole[:-40].rindex(b"\n") + 1])
    status, out, _ = run("audit", "verify", "--no-database")
    assert (status, "whole:" in out) == (0, True)


# ---------------------------------------------------------------- help


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, as it is typed."""
    group = group or typer.main.get_command(main.app)
    yield path, group
    if hasattr(group, "list_commands"):
        context = typer.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*one, id=" ".join(one[0]) or "gerbang") for one in commands()]
)
def test_every_command_and_option_has_its_help(
    path: tuple[str, ...], command: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert command.help.strip().endswith(".")
    for option in command.params:
        assert (option.help or "").strip()[-1:] in {".", "?"}, option.name
    status, out, err = run(*path, "--help")
    assert (status, err) == (0, "")
    assert " ".join(("Usage: gerbang", *path)) in out
    assert "completion" not in out


def test_a_group_by_itself_shows_its_help(run: Run) -> None:
    status, out, err = run("audit")
    assert status == 2
    assert "Usage: gerbang audit" in out + err
    assert "verify" in out + err


@pytest.mark.parametrize(
    "command",
    [
        "policy list",
        "policy check",
        "policy test",
        EXPLAIN,
        "platforms list",
        "platforms show x",
        "platforms test",
        "checks list --lexicons rules/lexicons",
        "calendar show --month 2026-11 --office hq",
        "audit list",
        "audit verify --no-database",
        "db upgrade",
        "ca show",
        "users list",
        "version",
    ],
)
def test_every_table_is_also_json(office: Path, run: Run, command: str) -> None:
    for step in (database, recorded, a_ca, an_account):
        step(office)
    status, out, _ = run(*command.split(), "--json")
    assert status == 0
    assert isinstance(json.loads(out), list | dict)
    assert "━" not in out
