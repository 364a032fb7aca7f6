"""Keytabs as `kadmin` and `ktpass` write them, whose keys are zeros."""

import struct


def a_keytab(*principals: str, encryption: int = 18) -> bytes:
    """A keytab with a key of zeros for each."""
    records = []
    for principal in principals:
        name, _, of = principal.rpartition("@")
        texts = [of, *name.split("/")]
        record = struct.pack(">H", len(texts) - 1)
        record += b"".join(struct.pack(">H", len(text)) + text.encode() for text in texts)
        record += struct.pack(">IIBHH", 1, 0, 2, encryption, 32) + bytes(32) + struct.pack(">I", 2)
        records.append(struct.pack(">i", len(record)) + record)
    return b"\x05\x02" + b"".join(records)
