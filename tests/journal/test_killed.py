"""Killed at any instant: what was answered for is there, and the next start goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from gerbang.journal.reader import read
from gerbang.journal.verify import verify
from journal_builders import SEAL_KEY

ROUNDS = 20
WRITER = """
import sys, threading
from pathlib import Path
from journal_builders import a_journal, a_decision_event
from gerbang.record.number import decision_number
import os

journal = a_journal(Path(sys.argv[1]), seal_lines=25)
say = threading.Lock()

def told(number, future):
    # What is printed has been answered for: as a request that was forwarded.
    if future.exception() is None:
        with say:
            os.write(1, (number + "\\n").encode())

def work():
    while True:
        futures = []
        for _ in range(8):
            number = decision_number(os.urandom(7))
            future = journal.append(a_decision_event(number))
            future.add_done_callback(lambda future, number=number: told(number, future))
            futures.append(future)
        for future in futures:
            future.result(20)

for _ in range(3):
    threading.Thread(target=work).start()
"""


def test_in_rounds_of_kill_9_under_load_nothing_that_was_answered_for_lacks_its_line(tmp_path: Path) -> None:
    chosen = random.Random(9)
    tests = Path(__file__).parent.parent
    answered: set[str] = set()
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tests)},
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chosen.uniform(0.0, 0.08))
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        # The last word may have been cut by the kill.
        said = (first + rest).decode().split("\n")[:-1]
        assert said
        answered.update(said)
        report = verify(tmp_path, key=SEAL_KEY.public_key())
        assert report.damage is None, str(report.damage)
    recorded = {str(line.link.body["number"]) for line in read(tmp_path) if line.link.kind == "decision"}
    assert answered <= recorded
    assert len(answered) > ROUNDS
