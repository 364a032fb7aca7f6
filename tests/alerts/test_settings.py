"""The settings of alerts: what is wrong is said with its place, and no secret is in it."""

from pathlib import Path

import pytest

from gerbang.errors import SettingsError
from gerbang.settings import MOST_ALERTS, MOST_RECIPIENTS, load_settings

EMAIL = 'email = { to = ["a@contoh.my"], server = "smtp.contoh.my:587", from = "g@contoh.my" }'
HOOK = 'webhook = { url = "https://amaran.contoh.my/rahsia", secret_file = "s" }'


def written(folder: Path, text: str) -> Path:
    file = folder / "gerbang.toml"
    file.write_text(text)
    return file


def alert(*lines: str, name: str = "unit") -> str:
    return "\n".join(["[[alerts]]", f'name = "{name}"', *lines, ""])


def mail(**changed: str) -> str:
    values = {"to": '["a@contoh.my"]', "server": '"smtp.contoh.my:587"', "from": '"g@contoh.my"'} | changed
    return f"email = {{ {', '.join(f'{key} = {value}' for key, value in values.items())} }}"


def hook(url: str) -> str:
    return f'webhook = {{ url = "{url}", secret_file = "s" }}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (alert(), ":2:1: the alert `unit` has neither `email` nor `webhook`; add one of them"),
        (alert(EMAIL, HOOK), ":2:1: the alert `unit` has both `email` and `webhook`; make two alerts of it"),
        (alert(EMAIL, name="Unit 1"), "`Unit 1` is no name of an alert; use lower-case letters, digits and hyphens"),
        (alert(EMAIL) + alert(HOOK), "two alerts have the name `unit`"),
        (alert(EMAIL, 'rules = ["posts"]'), "`posts` is no rule; expected `document/rule`"),
        (alert(EMAIL, 'at_most = "10"'), "`10` is no pace; expected one such as `10/hour`"),
        (alert(EMAIL, 'at_most = "0/hour"'), "`0/hour` is no pace"),
        (alert(EMAIL, 'at_most = "10/week"'), "`10/week` is no pace"),
        (alert(EMAIL, 'language = "bm"'), "`bm` will not do for `alerts[1].language`"),
        (alert(EMAIL, 'emial = "x"'), "unknown setting `alerts[1].emial`; did you mean `email`?"),
        (alert(mail(form='"g@contoh.my"')), "unknown setting `alerts[1].email.form`; did you mean `from`?"),
        (alert(mail(to="[]")), "at least one entry is expected"),
        (alert(mail(to='["a@contoh.my\\r\\nBcc: b@contoh.my"]')), "is no e-mail address"),
        (alert(mail(to='["a@contoh.my, b@contoh.my"]')), "is no e-mail address"),
        (alert(mail(to=str([f"a{n}@contoh.my" for n in range(MOST_RECIPIENTS + 1)]))), "those are too many"),
        (alert(mail(server='"smtp.contoh.my"')), "`smtp.contoh.my` is no address; expected `host:port`"),
        (alert(mail(tls='"none"')), "the alert `unit` would go to `smtp.contoh.my:587` in clear; set `tls ="),
        (alert(mail(tls='"ssl"')), "`ssl` will not do for `alerts[1].email.tls`"),
        (alert(mail(user='"g"')), "`email.user` of the alert `unit` stands without `email.password_file`; add"),
        (alert(mail(password_file='"p"')), "`email.password_file` of the alert `unit` stands without `email.user`"),
        (alert(hook("http://amaran.contoh.my/rahsia")), "alerts would go over the network in clear; write `https://`"),
        (alert(hook("https://u:rahsia@amaran.contoh.my/")), "this is no address to post to"),
        (alert(hook("ftp://amaran.contoh.my/rahsia")), "this is no address to post to"),
        (alert(hook("https://amaran.contoh.my:99999/rahsia")), "this is no address to post to"),
        (alert(hook("https:///rahsia")), "this is no address to post to"),
        (alert('webhook = { url = "https://a.contoh.my/rahsia" }'), "`alerts[1].webhook.secret_file` is missing"),
        ("".join(alert(EMAIL, name=f"a{n}") for n in range(MOST_ALERTS + 1)), "those are too many"),
        ('[console]\nurl = "gerbang.contoh.my"\n', "is no address of a console; expected one such as `https://"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, text), {})
    assert said in str(caught.value)
    assert "rahsia" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_as_many_as_there_may_be_are_taken(tmp_path: Path) -> None:
    recipients = str([f"a{n}@contoh.my" for n in range(MOST_RECIPIENTS)])
    text = "".join(alert(mail(to=recipients), name=f"a{n}") for n in range(MOST_ALERTS))
    assert len(load_settings(written(tmp_path, text), {}).alerts) == MOST_ALERTS


def test_files_are_taken_from_the_folder_of_the_settings_and_links_from_the_console(tmp_path: Path) -> None:
    text = '[console]\nurl = "https://gerbang.contoh.my/"\n' + alert(HOOK)
    found = load_settings(written(tmp_path, text), {})
    assert found.alerts[0].webhook is not None
    assert found.alerts[0].webhook.secret_file == tmp_path / "s"
    assert "rahsia" not in repr(found.alerts[0])
    assert found.alerts[0].pace == (10, 3600)
    assert found.console_url == "https://gerbang.contoh.my"
    assert load_settings(written(tmp_path, ""), {}).console_url == "http://127.0.0.1:8081"


def test_this_machine_needs_no_tls(tmp_path: Path) -> None:
    text = alert(mail(server='"127.0.0.1:25"', tls='"none"')) + alert(hook("http://[::1]:9000/x"), name="lain")
    assert len(load_settings(written(tmp_path, text), {}).alerts) == 2


def test_the_examples_of_the_page_are_settings(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
    examples = [block.partition("```")[0] for block in page.split("```toml\n")[1:]]
    assert len(examples) == 2
    assert len(load_settings(written(tmp_path, "\n".join(examples)), {}).alerts) == 2
    scope: dict[str, object] = {}
    exec(page.split("```python\n")[1].partition("```")[0], scope)  # noqa: S102 (the page's own program)
    check = scope["is_from_gerbang"]
    assert callable(check)
    assert not check(b"k", "0", "sha256=0", b"")
