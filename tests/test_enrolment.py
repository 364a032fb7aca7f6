"""Filling the register of officers from a file and from a real directory."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from directory import BASE, LdapServer, an_ldap_server, person
from gerbang.cli import configuration, main
from gerbang.enrolment import Change, Source, from_directory, plan
from gerbang.errors import RegisterError

HEAD = "id,name,unit,office,service_group,groups,pattern\n"
ON_FILE = HEAD + "aminah,Aminah,Lama,hq,professional,,flexi\ndevi,Devi Contoh,Dasar,hq,,,\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "state" / "registers").mkdir(parents=True)
    (tmp_path / "state" / "registers" / "officers.csv").write_text(ON_FILE)
    (tmp_path / "gerbang.toml").write_text('[[offices]]\nname = "hq"\nstate = "PJY"\n')
    configuration.choose(None)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    assert folder.exists()

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gerbang", "officers", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return command


def on_file(folder: Path) -> str:
    return (folder / "state" / "registers" / "officers.csv").read_text()


def test_what_the_source_says_nothing_of_stays(folder: Path, run: Run) -> None:
    (folder / "staff.csv").write_text(
        "id,name,unit\naminah,Aminah,Komunikasi\ndevi,Devi Contoh,Dasar\nsiti,Siti,Dasar\n"
    )
    status, out, _ = run("import", "staff.csv", "--dry-run")
    assert status == 0
    assert "added    siti: name Siti, unit Dasar" in out
    assert "changed  aminah: unit: Lama -> Komunikasi" in out
    assert "1 added, 1 changed, 0 gone, 0 skipped; 2 on file" in out
    assert on_file(folder) == ON_FILE
    assert run("import", "staff.csv", "--yes")[0] == 0
    assert on_file(folder).splitlines()[1:] == [
        "aminah,Aminah,Komunikasi,hq,professional,,flexi",
        "devi,Devi Contoh,Dasar,hq,,,",
        "siti,Siti,Dasar,,,,",
    ]
    lines = [file.read_text() for file in (folder / "state" / "journal").rglob("*.jsonl") if "cli" in str(file)]
    assert "".join(lines).count('"change":"imported"') == 1


def test_so_many_go_only_where_that_is_said(folder: Path, run: Run) -> None:
    (folder / "staff.csv").write_text("id,name\naminah,Aminah\n")
    status, out, err = run("import", "staff.csv", "--yes")
    assert (status, "gone     devi" in out) == (2, True)
    assert "1 of 2 officers on file would go, more than 10 percent" in err
    assert on_file(folder) == ON_FILE
    assert run("import", "staff.csv", "--yes", "--keep")[0] == 0
    assert on_file(folder) == ON_FILE
    assert run("import", "staff.csv", "--yes", "--allow-removal")[0] == 0
    assert "devi" not in on_file(folder)


def test_nothing_is_changed_without_a_yes(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "staff.csv").write_text("id,name\naminah,Aminah Baharu\ndevi,Devi Contoh\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    status, _, err = run("import", "staff.csv")
    assert (status, "add `--yes`" in err) == (2, True)
    assert on_file(folder) == ON_FILE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no file"),
        ("", "has no officers in it"),
        ("id,name\n", "has no officers in it"),
        ("id,nama\na,b\n", "nama"),
        ("id,name\na b,c\n", "a sign-in name is expected"),
        ("id,name\na,b\nA,c\n", "is already on line 2"),
        ("id,name,office\naminah,A,jb\ndevi,D,hq\n", "jb"),
    ],
)
def test_a_wrong_file_changes_nothing(folder: Path, run: Run, text: str | None, said: str) -> None:
    if text is not None:
        (folder / "staff.csv").write_text(text)
    status, _, err = run("import", "staff.csv", "--yes", "--allow-removal")
    assert (status, said in err, "Traceback" in err) == (2, True, False), err
    assert on_file(folder) == ON_FILE


def test_list_and_show(run: Run) -> None:
    assert [one["id"] for one in json.loads(run("list", "--json")[1])] == ["aminah", "devi"]
    assert [one["id"] for one in json.loads(run("list", "--group", "professional", "--json")[1])] == ["aminah"]
    assert "no such officer is on file" in run("list", "--group", "nobody")[1]
    assert "pattern        flexi" in run("show", "aminah")[1]
    assert run("show", "aminnah")[::2] == (
        2,
        "gerbang: no officer `aminnah` is in the register; did you mean `aminah`? expected one of `aminah`, `devi`\n",
    )
    assert run("sync")[0] == 2


def test_a_plan_is_by_id_as_it_is_spelled() -> None:
    source = Source(("id", "name"), {"a": {"id": "a", "name": "B"}})
    assert plan(source, [{"id": "a", "name": "A"}]).changed == (Change("a", {"name": ("A", "B")}),)
    assert plan(source, [{"id": "A", "name": "B"}]).gone == ("A",)


# ---------------------------------------------------------------- a real directory


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    many = (person(f"p{number}", f"Pegawai {number}", department="Ramai") for number in range(5000))
    odd = (
        f"dn: cn=printer,ou=people,{BASE}\nobjectClass: person\ncn: printer\nsn: printer\n",
        person("a b", "Dua Kata"),
    )
    with an_ldap_server(tmp_path_factory.mktemp("ldap"), *many, *odd) as running:
        yield running


SYNC = {
    "filter": "(objectClass=person)",
    "unit": "department",
    "office": "physicalOffice",
    "offices": {"HQ": "hq", "JB": "johor"},
    "service_group": "employeeType",
    "service_groups": {"41": "professional", f"cn=staff, ou=groups,{BASE}": "support"},
    "groups": {f"CN=Media,OU=groups,{BASE}": "official-social-media"},
}


@pytest.mark.needs_openldap
def test_entries_become_officers(server: LdapServer) -> None:
    source = from_directory(server.settings(sync=SYNC))
    assert len(source.officers) == 5004
    assert source.officers["aminah"] == {
        "id": "aminah",
        "name": "Aminah binti Contoh",
        "unit": "Komunikasi",
        "office": "hq",
        "service_group": "professional",
        "groups": "official-social-media",
    }
    assert source.officers["devi"]["service_group"] == "support"
    assert source.officers["farid"]["service_group"] == ""
    assert sorted(source.skipped) == [
        f"cn=printer,ou=people,{BASE}: has no `uid`",
        f"uid=a b,ou=people,{BASE}: `a b` is no sign-in name",
    ]
    assert "pattern" not in source.columns


@pytest.mark.needs_openldap
def test_two_with_one_id_are_no_register(server: LdapServer) -> None:
    with pytest.raises(RegisterError, match="two entries of the directory have the department `Ramai`"):
        from_directory(server.settings(id="department"))


@pytest.mark.needs_openldap
def test_sync_shows_and_then_makes_the_register(folder: Path, run: Run, server: LdapServer) -> None:
    chosen = server.settings()
    password = chosen.password_file
    (folder / "gerbang.toml").write_text(
        f'[[offices]]\nname = "hq"\nstate = "PJY"\n[ldap]\nurls = {json.dumps(chosen.urls)}\nca = "{chosen.ca}"\n'
        f'base = "{BASE}"\nbind_dn = "{chosen.bind_dn}"\npassword_file = "{password}"\n'
        '[ldap.sync]\nunit = "department"\n'
    )
    status, out, _ = run("sync", "--dry-run")
    assert (status, on_file(folder)) == (0, ON_FILE)
    assert "changed  aminah: name: Aminah -> Aminah binti Contoh; unit: Lama -> Komunikasi" in out
    assert "5002 added, 1 changed, 0 gone, 2 skipped; 2 on file" in out
    done = json.loads(run("sync", "--yes", "--json")[1])
    assert (done["made"], len(done["added"])) == (True, 5002)
    assert len(on_file(folder).splitlines()) == 5005
    assert "aminah,Aminah binti Contoh,Komunikasi,hq,professional,,flexi" in on_file(folder)
    assert "0 added, 0 changed, 0 gone" in run("sync")[1]
    assert password is not None
    password.write_text("salah")
    status, _, err = run("sync", "--yes")
    password.unlink()
    assert (status, "refuses" in err, "salah" in err, "Traceback" in err) == (2, True, False, False)
