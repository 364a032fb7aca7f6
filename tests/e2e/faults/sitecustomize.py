"""A disk that stalls or fails when a test says so, for a gate that a test starts: first on its PYTHONPATH.

The file that `DISK_FAULT` names holds `stall`, `eio` or nothing; it is asked at every fsync of a journal's file.
"""

import errno
import os
import time
from pathlib import Path

_fsync = os.fsync
_control = Path(os.environ["DISK_FAULT"])


def fsync(descriptor: int) -> None:
    if "/journal/" in os.readlink(f"/proc/self/fd/{descriptor}"):
        while _control.exists() and _control.read_text() == "stall":
            time.sleep(0.01)
        if _control.exists() and _control.read_text() == "eio":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    _fsync(descriptor)


os.fsync = fsync
