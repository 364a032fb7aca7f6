"""Names of fields that hold what nobody may read: passwords, codes, tokens."""

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

SECRET = frozenset(
    {"password", "passwd", "pwd", "pass", "passphrase", "passcode", "pin", "otp", "totp", "code", "codes", "mfa", "tac"}
    | {"token", "tokens", "secret", "secrets", "credential", "credentials", "auth", "authorization", "authenticity"}
    | {"csrf", "xsrf", "nonce", "wpnonce", "session", "sessid", "sid", "cookie", "jwt", "signature", "captcha"}
    | {"recaptcha", "turnstile", "encpass", "cvv", "cvc", "apikey"}
)
_JOINED = ("password", "passwd", "passphrase", "passcode", "apikey", "accesskey", "katalaluan", "csrftoken")


def is_secret(name: str) -> bool:
    """
    >>> [is_secret(name) for name in ("pwd", "userPassword", "_wpnonce", "csrf_token", "post_password")]
    [True, True, True, True, True]
    >>> [is_secret(name) for name in ("comment", "post_title", "passage", "tweet_text", "encode")]
    [False, False, False, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(name[:200])]
    if any(word in SECRET for word in words):
        return True
    joined = "".join(words)
    return any(part in joined for part in _JOINED)
