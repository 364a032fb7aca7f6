"""Sending a message by e-mail or to a webhook, once. What fails is one sentence, without a secret and without a word of
what the other end said."""

import asyncio
import hmac
import json
import os
import smtplib
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from typing import Final, override

import httpx

from gerbang.alerts.telling import Message
from gerbang.errors import AlertError, reason
from gerbang.settings import AlertSettings, EmailSettings, WebhookSettings, host_and_port

DEADLINE: Final = 10.0  # seconds for one try, whole
REPLY_LIMIT: Final = 64 << 10  # bytes of a mail server's reply
BODY_LIMIT: Final = 128 << 10  # bytes that are posted
SECRET_LIMIT: Final = 4096  # bytes of a secret's file
SHORTEST_SECRET: Final = 16  # bytes of what a webhook is signed with


def deliver(alert: AlertSettings, message: Message, now: float) -> None:
    """Send it. Raises `AlertError`; where this returns, the other end has taken it."""
    if alert.email is not None:
        by_email(alert.email, message, now)
    elif alert.webhook is not None:
        asyncio.run(by_webhook(alert.webhook, message, now))


def destination(alert: AlertSettings) -> str:
    """To whom, as far as it may be said: an address of a webhook may be a secret behind its host."""
    if alert.email is not None:
        return ", ".join(alert.email.to)
    return alert.webhook.host if alert.webhook is not None else ""


def secret_of(alert: AlertSettings) -> bytes | None:
    """The password or the key, `None` where none is needed. Raises `AlertError`."""
    if alert.webhook is not None:
        return _key(alert.webhook)
    if alert.email is not None and alert.email.password_file is not None:
        return _secret(alert.email.password_file, "email.password_file")
    return None


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What a webhook is signed with: HMAC-SHA256 over the timestamp, a full stop and the body."""
    return "sha256=" + hmac.digest(secret, timestamp.encode() + b"." + body, "sha256").hex()


# ---------------------------------------------------------------- e-mail


class _Bounded(smtplib.SMTP):
    """An SMTP client for which no reply is endless, neither in bytes nor in time."""

    def __init__(self, host: str, port: int) -> None:
        self._ends = time.monotonic() + DEADLINE
        # As an address literal, so that no name of this machine is told, nor looked up.
        super().__init__(host, port, local_hostname="[127.0.0.1]", timeout=DEADLINE)

    @override
    def getreply(self) -> tuple[int, bytes]:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        data = b""
        while True:
            left = self._ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            piece = self.sock.recv(4096)
            if not piece:
                self.close()
                raise smtplib.SMTPServerDisconnected("ended")
            data += piece
            if len(data) > REPLY_LIMIT:
                raise smtplib.SMTPServerDisconnected("too long")
            lines = data.split(b"\n")
            last = next((index for index, line in enumerate(lines[:-1]) if line[3:4] != b"-"), None)
            if last is not None:
                break
        # Nothing is asked ahead, so nothing may come ahead: what is sent before TLS begins must not count within it.
        if last != len(lines) - 2 or lines[-1] or not lines[last][:3].isdigit():
            raise smtplib.SMTPServerDisconnected("not in turn")
        self.sock.settimeout(max(0.1, self._ends - time.monotonic()))
        return int(lines[last][:3]), b"\n".join(line[4:].strip(b" \r") for line in lines[:-1])


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same within TLS from the first byte."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._ends = time.monotonic() + DEADLINE
        smtplib.SMTP_SSL.__init__(self, host, port, local_hostname="[127.0.0.1]", timeout=DEADLINE, context=context)


def by_email(email: EmailSettings, message: Message, now: float) -> None:
    """Hand it to the mail server. Raises `AlertError`."""
    host, port = host_and_port(email.server)
    password = _secret(email.password_file, "email.password_file") if email.password_file else b""
    context = _context(email.ca) if email.tls != "none" else None
    client: smtplib.SMTP | None = None
    try:
        client = _BoundedTls(host, port, context) if context and email.tls == "tls" else _Bounded(host, port)
        if context is not None and email.tls == "starttls":
            client.starttls(context=context)
        if email.user:
            client.login(email.user, password.decode("utf-8"))
        client.send_message(letter(email, message, now), email.sender, email.to)
    except Exception as error:
        raise _mail_error(email, error) from None
    finally:
        if client is not None:
            with suppress(Exception):  # it was taken, or not, before this
                client.docmd("QUIT")
            client.close()


def letter(email: EmailSettings, message: Message, now: float) -> EmailMessage:
    """The mail as it is sent."""
    mail = EmailMessage(SMTP_POLICY)
    mail["From"] = email.sender
    mail["To"] = ", ".join(email.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{message.id}@{email.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _mail_error(email: EmailSettings, error: Exception) -> AlertError:
    server = f"the mail server `{email.server}`"
    match error:
        case AlertError():
            return error
        case smtplib.SMTPAuthenticationError():
            hint = "look at `email.user` and `email.password_file`"
            return AlertError(f"{server} refuses the sign-in ({error.smtp_code})", hint=hint)
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({int(code) for code, _ in error.recipients.values()})
            hint = "look at `email.to` and `email.from`"
            return AlertError(f"{server} refuses every recipient ({', '.join(map(str, codes))})", hint=hint)
        case smtplib.SMTPNotSupportedError() if email.tls == "starttls" and not email.user:
            return AlertError(
                f"{server} offers no STARTTLS", hint='set `tls = "tls"` where it speaks TLS from the start'
            )
        case smtplib.SMTPNotSupportedError():
            return AlertError(
                f"{server} offers no STARTTLS, or no sign-in", hint="look at `email.tls` and `email.user`"
            )
        case smtplib.SMTPResponseException():
            return AlertError(f"{server} answers {error.smtp_code}")
        case smtplib.SMTPException():
            return AlertError(f"{server} ended the connection, or is no mail server")
        case UnicodeError():
            return AlertError(f"the user or password for {server} is no ASCII text")
        case _:
            return _network_error(server, error)


# ---------------------------------------------------------------- webhooks


async def by_webhook(webhook: WebhookSettings, message: Message, now: float) -> None:
    """Post it. Nothing of the answer is read but its status, and no redirect is followed. Raises `AlertError`."""
    secret = _key(webhook)
    body = json.dumps(message.data, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > BODY_LIMIT:
        raise AlertError(f"the message is longer than {BODY_LIMIT} bytes")
    timestamp = str(int(now))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "gerbang",
        "X-Gerbang-Id": message.id,
        "X-Gerbang-Timestamp": timestamp,
        "X-Gerbang-Signature": signature(secret, timestamp, body),
    }
    place = f"the webhook at `{webhook.host}`"
    try:
        context = _context(webhook.ca)
        async with (
            asyncio.timeout(DEADLINE),
            # Without the environment's proxies and netrc: where it goes is what the settings say.
            httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False, timeout=DEADLINE) as client,
            client.stream("POST", webhook.url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except (TimeoutError, httpx.TimeoutException):
        raise AlertError(f"{place} does not answer within {DEADLINE:.0f} s") from None
    except httpx.HTTPError as error:
        raise _network_error(place, _cause(error)) from None
    except OSError as error:
        raise _network_error(place, error) from None
    if 300 <= status < 400:
        raise AlertError(f"{place} answers {status}, and no redirect is followed", hint="correct `webhook.url`")
    if not 200 <= status < 300:
        raise AlertError(f"{place} answers {status}")


def _cause(error: BaseException) -> Exception:
    """What lies behind an error of the HTTP client, where it is the system's or TLS's."""
    seen: BaseException | None = error
    found: Exception = Exception()
    while seen is not None:
        if isinstance(seen, OSError):
            found = seen
            if seen.strerror or isinstance(seen, ssl.SSLError):
                break
        # Where it tried several addresses, the first one's error says as much as any.
        first = seen.exceptions[0] if isinstance(seen, BaseExceptionGroup) else None
        seen = first or seen.__cause__ or seen.__context__
    return found


# ---------------------------------------------------------------- both


def _network_error(place: str, error: Exception) -> AlertError:
    match error:
        case AlertError():
            return error
        case ssl.SSLCertVerificationError():
            hint = "name the authority's certificate with `ca`"
            return AlertError(f"{place} is not known by its certificate: {error.verify_message.lower()}", hint=hint)
        case ssl.SSLError():
            return AlertError(f"TLS with {place} fails")
        case TimeoutError():
            return AlertError(f"{place} does not answer within {DEADLINE:.0f} s")
        case OSError():
            # In the system's words: asyncio puts others in their place. The numbers of names are negative.
            why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else reason(error)
            return AlertError(f"{place} cannot be reached: {why}")
        case _:
            return AlertError(f"{place} answers what cannot be understood")


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise AlertError(f"the certificates of `ca` cannot be read: {ca}", hint="name a PEM file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _key(webhook: WebhookSettings) -> bytes:
    found = _secret(webhook.secret_file, "webhook.secret_file")
    if len(found) < SHORTEST_SECRET:
        hint = f"make one: `openssl rand -hex 32 > {webhook.secret_file}`"
        raise AlertError(f"the secret of `webhook.secret_file` has fewer than {SHORTEST_SECRET} bytes", hint=hint)
    return found


def _secret(file: Path, key: str) -> bytes:
    """Read anew each time, so that a changed one is taken. Nobody but its owner, and a group that only reads, may have
    it."""
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & 0o037:
                raise AlertError(f"others can read or change `{key}`: {file}", hint=f"run `chmod 600 {file}`")
            found = opened.read(SECRET_LIMIT + 1)
    except OSError as error:
        raise AlertError(f"`{key}` cannot be read: {file}: {reason(error)}") from None
    if len(found) > SECRET_LIMIT:
        raise AlertError(f"`{key}` is larger than {SECRET_LIMIT} bytes: {file}")
    secret = found.rstrip(b"\r\n")
    if not secret:
        raise AlertError(f"`{key}` is empty: {file}")
    return secret
