"""A world of 50,000 officers with own days, 5,000 approvals, 2,000 offices, beside an empty one; what changes cost."""

import asyncio
import gc
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from bench.proxies import a_post
from gerbang.clockings import Clockings, Desk, clocked_of
from gerbang.living import LivingWorld, giving_way
from gerbang.loading import load_world
from gerbang.model import Activity, Actor, Device, Kind, Officer, OwnDay, OwnKind, Request
from gerbang.pipeline import World, judge, laid_out
from gerbang.recognition.recognise import recognise
from gerbang.registers import load_registers
from gerbang.settings import OfficeSettings, Settings, ZoneSettings

OFFICERS, APPROVALS, OFFICES = 50_000, 5_000, 2_000
STATES = (
    "JHR",
    "KDH",
    "KTN",
    "MLK",
    "NSN",
    "PHG",
    "PNG",
    "PRK",
    "PLS",
    "SGR",
    "TRG",
    "SBH",
    "SWK",
    "KUL",
    "LBN",
    "PJY",
)
PATTERNS = ("flexi", "flexi-ramadan", "envelope", "fixed", "wp1", "wp2", "wp3")
REGIMES = ("federal", "statutory-body", "state")
ROUNDS, BATCH = 200, 100
MORNING = datetime(2026, 11, 24, 2, tzinfo=UTC)


def report() -> None:
    chance = random.Random(5)  # noqa: S311  # the same crowd each time
    with tempfile.TemporaryDirectory() as folder:
        empty = load_world(_settings(Path(folder) / "empty", 1, chance))
        settings = _settings(Path(folder) / "full", OFFICES, chance)
        _registers(settings.registers_folder, chance)
        before = _resident()
        started = time.perf_counter()
        full = laid_out(load_world(settings))
        took = time.perf_counter() - started
        _compare(empty, full, chance)
        print(f"  {'memory that the full world takes':<44} {_resident() - before:9.1f} MB")
        print(f"  {'load it whole':<44} {took:9.2f} s")
        started = time.perf_counter()
        load_registers(settings.registers_folder)
        print(
            f"  {f'read {OFFICERS:,} officers and {APPROVALS:,} approvals':<44} {time.perf_counter() - started:9.2f} s"
        )
        _stall(settings)
        _clock_in(settings, chance)


def _settings(state: Path, offices: int, chance: random.Random) -> Settings:
    state.mkdir()
    return Settings(
        state=state,
        offices=tuple(
            OfficeSettings(
                name=f"office-{number}",
                state=STATES[number % len(STATES)],
                pattern=chance.choice(PATTERNS),
                legal_regime=chance.choice(REGIMES),
            )
            for number in range(offices)
        ),
        zones=(
            ZoneSettings(name="hq", networks=(ip_network("10.0.0.0/8"),), office="office-0", device=Device.MANAGED),
        ),
    )


def _registers(folder: Path, chance: random.Random) -> None:
    folder.mkdir(parents=True)
    officers = ["id,name,unit,office,service_group,groups,pattern"]
    for number in range(OFFICERS):
        group = chance.choice(("professional", "support", ""))
        pattern = chance.choice(("", "", *PATTERNS))
        office = chance.randrange(OFFICES)
        officers.append(
            f"pegawai-{number},Pegawai {number} Contoh,unit-{number % 300},office-{office},{group},,{pattern}"
        )
    (folder / "officers.csv").write_text("\n".join(officers) + "\n", "utf-8")
    approvals = ["id,grantee,purpose,authority,reference,valid_from,valid_to,withdrawn"]
    for number in range(APPROVALS):
        grantee = f"pegawai-{chance.randrange(OFFICERS)}"
        approvals.append(f"k{number},{grantee},public-statement,Ketua Setiausaha,KPT/{number},2026-01-01,,")
    own = ["officer,kind,from,until,reference,by,office"]
    for number in range(0, OFFICERS, 3):
        day, officer = chance.randrange(1, 29), f"pegawai-{number}"
        own.append(f"{officer},leave,2026-11-{day:02},,C {number},ketua,")
        own.append(f"{officer},duty,2026-11-24T{chance.randrange(8, 20):02}:00,2026-11-24T21:00,T {number},ketua,")
    (folder / "own-days.csv").write_text("\n".join(own) + "\n", "utf-8")
    (folder / "approvals.csv").write_text("\n".join(approvals) + "\n", "utf-8")


def _compare(empty: World, full: World, chance: random.Random) -> None:
    """Random officers of random offices at random minutes of a day, in turns with one officer of the only office."""
    headers = (("Content-Type", "application/json"), ("Cookie", "twid=u%3D2001; ct0=f00d"))
    request = Request("POST", "x.com", "/i/api/graphql/AbCd/CreateTweet", headers, a_post())
    (activity,) = recognise(request, full.platforms).activities
    assert activity.kind is Kind.POST
    alone = Officer("aminah", "Aminah binti Contoh", office="office-0")
    officers = list(full.registers.officers.values())
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        moments = [MORNING + timedelta(minutes=chance.randrange(600)) for _ in range(BATCH)]
        some = [Actor(full.zones[0], "10.0.0.1", one) for one in chance.choices(officers, k=BATCH)]
        same = [Actor(empty.zones[0], "10.0.0.1", replace(alone)) for _ in range(BATCH)]
        pairs = ((empty, same), (full, some))
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            world, actors = pairs[which]
            times[which].append(_took(activity, actors, world, moments))
    middle = [statistics.median(each) / BATCH * 1e6 for each in times]
    ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
    print(f"  {'judge in an empty world':<44} {middle[0]:9.1f} us")
    print(f"  {'judge in the full world, random officers':<44} {middle[1]:9.1f} us")
    print(f"  {'full / empty (aim: at most 1.1)':<44} {ratio:9.2f} times")


def _took(activity: Activity, actors: list[Actor], world: World, moments: list[datetime]) -> float:
    before = time.process_time()
    for actor, moment in zip(actors, moments, strict=True):
        judge(activity, actor, world, moment, "K7")
    return time.process_time() - before


def _resident() -> float:
    gc.collect()
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6


def _stall(settings: Settings) -> None:
    """How late an event loop's turns are while a change of one line is taken."""
    living = LivingWorld(settings)
    gc.collect()
    gc.freeze()  # as `serve` does
    file = settings.registers_folder / "officers.csv"
    file.write_text(file.read_text("utf-8").replace("Pegawai 7 Contoh", "Pegawai Tujuh Contoh"), "utf-8")
    delays = {"nothing is done": _delays(lambda: time.sleep(0.7)), "it is taken plainly": _delays(living.refresh)}
    with giving_way():
        delays["the gate takes it"] = _delays(living.refresh)
    for what, late in delays.items():
        high = statistics.quantiles(late, n=100)[98]
        figures = (
            f"{statistics.median(late) * 1e3:.1f} ms, one in a hundred {high * 1e3:.1f}, worst {max(late) * 1e3:.1f}"
        )
        print(f"  a loop's turn is late, while {what + ':':<21} {figures}")
    gc.unfreeze()


def _clock_in(settings: Settings, chance: random.Random) -> None:
    """What a morning costs: every officer clocks in, a hundred in a batch."""
    entries = [
        OwnDay(
            f"pegawai-{number}", OwnKind.CLOCK_IN, MORNING - timedelta(minutes=chance.randrange(60, 150)), by="api: x"
        )
        for number in range(OFFICERS)
    ]
    desk, living = Desk(settings.clockings_folder), LivingWorld(settings, lambda: MORNING)
    clockings = living._clockings
    told, taken = [], []
    before = _resident()
    for start in range(0, OFFICERS, 100):
        at = time.perf_counter()
        desk.write(desk.new(entries[start : start + 100]))
        told.append(time.perf_counter() - at)
        at = time.perf_counter()
        if clockings.changed():
            living.take_clockings()
        taken.append(time.perf_counter() - at)
    print(f"  {'tell a hundred clock-ins, median and worst':<44} {_two(told)}")
    print(f"  {'a gate takes them, median and worst':<44} {_two(taken)}")
    print(f"  {'memory that all of the clock-ins take, twice':<44} {_resident() - before:9.1f} MB")
    at = time.perf_counter()
    Clockings(settings.clockings_folder, lambda: MORNING).changed()
    print(f"  {f'read {OFFICERS:,} of them at the start':<44} {time.perf_counter() - at:9.2f} s")
    at = time.perf_counter()
    clocked_of(settings.clockings_folder, "pegawai-7", MORNING.date(), MORNING.date())
    print(f"  {'ask for one officer of a past day':<44} {(time.perf_counter() - at) * 1e3:9.2f} ms")


def _two(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:9.1f} ms, {max(seconds) * 1e3:.1f}"


def _delays(work: Callable[[], None]) -> list[float]:
    async def loop() -> list[float]:
        thread = threading.Thread(target=work)
        thread.start()
        late = []
        while thread.is_alive():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(time.perf_counter() - before - 0.001)
        return late

    return asyncio.run(loop())
