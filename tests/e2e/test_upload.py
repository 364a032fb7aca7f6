"""A huge upload that may not go out is answered before it is read, and costs the gate no memory."""

import base64
import select
import socket
import ssl
from pathlib import Path

from e2e.office import WORD, Office

SIZE = 200 << 20
MEGABYTE = 1 << 20


def test_a_refused_200_mb_upload_is_answered_before_4_mb_of_it_were_read(morning: Office) -> None:
    gate = process_that_listens(morning.process.pid, morning.proxy[1])
    morning.tweet("devi", "sebelum ini")  # whatever is loaded once is loaded now
    before = resident(gate)
    sent, status = upload(morning, SIZE)
    assert status == 403
    assert sent < 4 * MEGABYTE, f"{sent} bytes were taken before the answer"
    assert resident(gate) - before < 16 * MEGABYTE
    assert not any(arrival.host == "upload.x.com" for arrival in morning.standins.writes())


def upload(office: Office, size: int) -> tuple[int, int]:
    """How many bytes of a body of `size` the gate took before it answered, and the answer's status."""
    credentials = base64.b64encode(f"devi:{WORD}".encode())
    context = ssl.create_default_context(cafile=str(office.root))
    with socket.create_connection(office.proxy, 10) as plain:
        plain.sendall(
            b"CONNECT upload.x.com:443 HTTP/1.1\r\nHost: upload.x.com:443\r\n"
            b"Proxy-Authorization: Basic " + credentials + b"\r\n\r\n"
        )
        assert plain.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(plain, server_hostname="upload.x.com") as connection:
            head = (
                "POST /i/media/upload.json?command=APPEND&media_id=1970000000000000001&segment_index=0 HTTP/1.1\r\n"
                "Host: upload.x.com\r\nOrigin: https://x.com\r\nCookie: twid=u%3D2003\r\n"
                f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n"
            )
            connection.sendall(head.encode())
            sent, chunk = 0, bytes(64 << 10)
            while sent < size:
                readable, _, _ = select.select([connection], [], [], 0)
                if readable or connection.pending():
                    break
                try:
                    connection.sendall(chunk)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    break
                sent += len(chunk)
            return sent, int(connection.recv(4096).split()[1])


def process_that_listens(parent: int, port: int) -> int:
    """The process below `parent` that has the listening socket of `port`."""
    listening = {
        fields[9]
        for fields in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"
    }
    waiting = [parent]
    while waiting:
        pid = waiting.pop()
        links = (link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
        if any(str(link)[8:-1] in listening for link in links if str(link).startswith("socket:[")):
            return pid
        for task in Path(f"/proc/{pid}/task").iterdir():
            waiting += map(int, (task / "children").read_text().split())
    raise AssertionError(f"nothing below process {parent} listens on {port}")


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
