"""What browsers and Macs are told by their own means of management: whom to trust, where the PAC file is, no way round.

Three things would lead past the gate or blind it, and are switched off: QUIC, which no proxy of this kind carries; DNS
over HTTPS, which hides names from the office's own DNS; and the encrypted ClientHello, which hides the host's name.
Names of the keys: Chrome's by chromeenterprise.google/policies and Chromium 156, Firefox's by firefox-admin-docs and
Firefox ESR 153, Apple's by developer.apple.com/documentation/devicemanagement; seen 2026-11.
"""

import base64
import json
import plistlib
from collections.abc import Mapping
from uuid import NAMESPACE_URL, UUID, uuid5

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

IDENTIFIER = "my.gerbang"


def firefox_policies(certificate_file: str, pac_url: str, tickets_for: str | None = None) -> str:
    """`policies.json`. `certificate_file` is where the PCs have the root's certificate, and `tickets_for` the host that
    is shown Kerberos tickets without a question, where there is one."""
    locked_off = {"Value": False, "Status": "locked"}
    tickets = {"Authentication": {"SPNEGO": [tickets_for], "Locked": True}} if tickets_for else {}
    return _json(
        {
            "policies": {
                "Certificates": {"ImportEnterpriseRoots": True, "Install": [certificate_file]},
                "Proxy": {"Mode": "autoConfig", "AutoConfigURL": pac_url, "Locked": True},
                "DNSOverHTTPS": {"Enabled": False, "Locked": True},
                "DisableEncryptedClientHello": True,
                **tickets,
                "Preferences": {
                    "network.http.http3.enable": locked_off,
                    "network.proxy.failover_direct": locked_off,
                },
            }
        }
    )


def chrome_policies(root: x509.Certificate, pac_url: str, tickets_for: str | None = None) -> str:
    """A policy file for Chrome, Chromium and Edge. Without a PAC file that can be read they reach nothing."""
    return _json(
        {
            **({"AuthServerAllowlist": tickets_for} if tickets_for else {}),
            "CACertificates": [base64.b64encode(root.public_bytes(Encoding.DER)).decode()],
            "DnsOverHttpsMode": "off",
            "EncryptedClientHelloEnabled": False,
            "ProxySettings": {"ProxyMode": "pac_script", "ProxyPacUrl": pac_url, "ProxyPacMandatory": True},
            "QuicAllowed": False,
        }
    )


def apple_profile(root: x509.Certificate, pac_url: str, organisation: str) -> bytes:
    """A configuration profile (`.mobileconfig`): the root, and the PAC file with no way round it.

    The same certificate and address give the same profile, so that a new one replaces the old.
    """
    der = root.public_bytes(Encoding.DER)
    trust = _payload(
        "com.apple.security.root",
        "root",
        {"PayloadContent": der, "PayloadCertificateFileName": "gerbang-root.crt", "PayloadDisplayName": "Gerbang CA"},
        der,
    )
    proxy = _payload(
        "com.apple.proxy.http.global",
        "proxy",
        {
            "PayloadDisplayName": "Gerbang proxy",
            "ProxyType": "Auto",
            "ProxyPACURL": pac_url,
            "ProxyPACFallbackAllowed": False,
            "ProxyCaptiveLoginAllowed": False,
        },
        pac_url.encode(),
    )
    profile = _payload(
        "Configuration",
        "profile",
        {
            "PayloadContent": [trust, proxy],
            "PayloadDisplayName": "Gerbang",
            "PayloadOrganization": organisation,
            "PayloadScope": "System",
        },
        der + pac_url.encode(),
    )
    return plistlib.dumps(profile)


def _payload(kind: str, name: str, content: Mapping[str, object], made_of: bytes) -> dict[str, object]:
    identifier = IDENTIFIER if name == "profile" else f"{IDENTIFIER}.{name}"
    own: UUID = uuid5(NAMESPACE_URL, f"{identifier}:{made_of.hex()}")
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(own).upper(),
        **content,
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
