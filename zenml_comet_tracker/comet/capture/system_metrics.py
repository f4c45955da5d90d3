"""What the machine does while the program runs: CPU, memory, disk, network, load and GPUs, once a minute."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from zenml_comet_tracker.comet.capture import streams
from zenml_comet_tracker.comet.capture.gpu import Gpus

logger = logging.getLogger(__name__)

DEFAULT_SECONDS = 60.0
MIN_SECONDS = 1.0
# For the libraries, before a fork.
WAIT_SECONDS = 3.0
# What the CPU did is told from one look to the next: the first look tells nothing.
FIRST_SECONDS = 1.0

Take = Callable[[dict[str, float]], None]


class Machine:
    """Samples of this machine, by the names that Comet's own client uses.

    `sys.cpu.percent.01` and so on for each processor and `.avg` for all, `sys.load.avg` over a minute, `sys.ram.*` and
    `sys.disk.root.*` in bytes and percent, `sys.disk.*_bps` and `sys.network.*_bps` in bytes a second since the sample
    before, `sys.gpu.<index>.*` (see `gpu`). What the system does not tell is left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        import psutil

        self._psutil = psutil
        self._clock = clock
        self._gpus = Gpus()
        self._counted: dict[str, int] = {}
        self._at = clock()
        self._sources = (self._cpu, self._load, self._memory, self._disk, self._rates)
        psutil.cpu_percent(percpu=True)
        self._told(self._rates)

    def sample(self) -> dict[str, float]:
        """What the machine does now."""
        values: dict[str, float] = {}
        for source in self._sources:
            values |= self._told(source)
        return values | self._gpus.sample()

    def close(self) -> None:
        """Lets go of the GPUs."""
        self._gpus.close()

    def _told(self, source: Callable[[], dict[str, float]]) -> dict[str, float]:
        try:
            return source()
        except Exception as error:
            # A container may hide its disks, a system may have no load: one value less.
            logger.debug("Not sampled: %s: %s", type(error).__name__, error)
            return {}

    def _cpu(self) -> dict[str, float]:
        percents = self._psutil.cpu_percent(percpu=True)
        values = {f"sys.cpu.percent.{at:02d}": percent for at, percent in enumerate(percents, start=1)}
        return values | {"sys.cpu.percent.avg": sum(percents) / len(percents)}

    def _load(self) -> dict[str, float]:
        return {"sys.load.avg": os.getloadavg()[0]}

    def _memory(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        return {
            "sys.ram.total": memory.total,
            "sys.ram.used": memory.total - memory.available,
            "sys.ram.available": memory.available,
            "sys.ram.percent.used": memory.percent,
        }

    def _disk(self) -> dict[str, float]:
        disk = self._psutil.disk_usage("/")
        return {"sys.disk.root.used": disk.used, "sys.disk.root.percent.used": disk.percent}

    def _rates(self) -> dict[str, float]:
        disk, network = self._psutil.disk_io_counters(), self._psutil.net_io_counters()
        counted: dict[str, int] = {}
        if disk is not None:
            counted |= {"sys.disk.read_bps": disk.read_bytes, "sys.disk.write_bps": disk.write_bytes}
        if network is not None:
            counted |= {"sys.network.receive_bps": network.bytes_recv, "sys.network.send_bps": network.bytes_sent}
        now, before, since = self._clock(), self._counted, self._at
        self._counted, self._at = counted, now
        if now <= since:
            return {}
        # A counter begins anew when a disk or an interface goes.
        return {name: max(0, count - before[name]) / (now - since) for name, count in counted.items() if name in before}


class Sampler:
    """One thread that samples the machine for every experiment of the process, as often as the most eager one wants."""

    def __init__(self, new_machine: Callable[[], Any] = Machine) -> None:
        self._new_machine = new_machine
        self.anew()

    def anew(self) -> None:
        """As at first: in a forked child there is no thread, and nobody asked."""
        self._changed = threading.Condition(threading.RLock())
        self._takers: dict[Take, Callable[[], float | None]] = {}
        # Whether somebody asked since the last sample, who is to get a first one soon.
        self._came = False
        self._thread: threading.Thread | None = None
        # Whether the thread has the libraries that it needs.
        self._made = threading.Event()

    def add(self, take: Take, seconds: Callable[[], float | None]) -> None:
        """Gives `take` a sample a second from now, and then every `seconds()`, or oftener; asked anew each time."""
        with self._changed:
            self._takers[take] = seconds
            self._came = True
            if self._thread is None:
                self._made.clear()
                self._thread = threading.Thread(target=self._run, name="zenml-comet-system", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, take: Take) -> None:
        """Gives it no more; the thread ends with the last."""
        with self._changed:
            self._takers.pop(take, None)
            self._changed.notify()

    def before_fork(self) -> None:
        """Waits for the thread's imports: a child could never go on with a half imported module."""
        if self._thread is not None:
            self._made.wait(WAIT_SECONDS)

    def _run(self) -> None:
        streams.keep_out()
        try:
            machine = self._new_machine()
        except Exception as error:
            logger.warning("System metrics are not logged: %s: %s", type(error).__name__, error)
            with self._changed:
                self._takers.clear()
                self._thread = None
            return
        finally:
            self._made.set()
        try:
            wait = FIRST_SECONDS
            while self._sleep(wait):
                self._give(machine.sample())
                wait = self._wait()
        finally:
            machine.close()

    def _wait(self) -> float:
        with self._changed:
            wished = [seconds() or DEFAULT_SECONDS for seconds in self._takers.values()]
            return max(MIN_SECONDS, min(wished, default=MIN_SECONDS))

    def _sleep(self, seconds: float) -> bool:
        """Waits; False when nobody is left to sample for."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._takers:
                if self._came:
                    self._came = False
                    deadline = min(deadline, time.monotonic() + FIRST_SECONDS)
                if (left := deadline - time.monotonic()) <= 0:
                    break
                self._changed.wait(left)
            if not self._takers:
                self._thread = None
            return bool(self._takers)

    def _give(self, values: dict[str, float]) -> None:
        # Under the lock, so that whoever was removed gets nothing any more.
        with self._changed:
            for take in list(self._takers):
                try:
                    take(values)
                except Exception as error:
                    logger.warning("System metrics are logged no longer: %s: %s", type(error).__name__, error)
                    self.remove(take)


sampler = Sampler()
os.register_at_fork(before=sampler.before_fork, after_in_child=sampler.anew)
