"""Machine, process and GPUs: held against the machine itself, and NVML against the names of its real library."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import socket
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from zenml_comet_tracker.comet.capture import system_details
from zenml_comet_tracker.comet.capture.gpu import Gpus
from zenml_comet_tracker.comet.capture.system_metrics import Machine, Sampler


class NVMLError(Exception):
    """What NVML raises."""


class Nvml(types.ModuleType):
    """Two GPUs; the second is a share of one, which tells nothing of its use."""

    NVML_TEMPERATURE_GPU = 0
    running = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.running += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.running -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, at: int) -> int:  # noqa: N802
        return at

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return "GPU A" if handle == 0 else b"GPU B"

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return f"GPU-{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return types.SimpleNamespace(total=100, used=40, free=60)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:  # noqa: N802
        return 250_000

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        if handle == 1:
            raise NVMLError("Not Supported")
        return types.SimpleNamespace(gpu=70, memory=30)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        return 90_000

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 55


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nvml]:
    module = Nvml("pynvml")
    monkeypatch.setitem(sys.modules, "pynvml", module)
    yield module
    assert module.running == 0


def test_the_process_and_the_machine() -> None:
    told = system_details.of_process(["train.py", "--api-key=abc", "the-secret"], ["the-secret"])
    assert told["command"] == ["train.py", "--api-key=***", "***"]
    assert (told["pid"], told["executable"], told["hostname"]) == (os.getpid(), sys.executable, socket.gethostname())
    assert (told["osType"], told["pythonVersion"]) == (platform.system(), platform.python_version())
    assert told["ip"] in [*told["networkInterfaceIps"], "127.0.0.1"]
    assert told["user"] == psutil.Process().username()


def test_what_cannot_be_told_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("no such user")

    monkeypatch.setattr("getpass.getuser", nobody)
    told = system_details.of_process([])
    assert "user" not in told
    assert "command" not in told
    assert told["pid"] == os.getpid()


def test_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path / "status"
    entry = "Package: {}\nStatus: {}\nPriority: x\nVersion: {}\nDescription: y\n z\n\n"
    status.write_text(
        entry.format("b", "install ok installed", "2:1-1")
        + entry.format("gone", "deinstall ok config-files", "1")
        + entry.format("a", "install ok installed", "1")
    )
    monkeypatch.setattr(system_details, "DPKG_STATUS", status)
    told = system_details.of_packages()
    assert told["osPackages"] == ["a=1", "b=2:1-1"]
    assert f"psutil=={importlib.metadata.version('psutil')}" in told["installedPackages"]
    assert told["installedPackages"] == sorted(told["installedPackages"], key=str.lower)
    monkeypatch.setattr(system_details, "DPKG_STATUS", tmp_path / "none")
    assert "osPackages" not in system_details.of_packages()


def test_gpus(nvml: Nvml) -> None:
    assert system_details.of_gpus() == {
        "gpuStaticInfoList": [
            {"gpuIndex": 0, "name": "GPU A", "uuid": "GPU-0", "totalMemory": 100, "powerLimit": 250_000},
            {"gpuIndex": 1, "name": "GPU B", "uuid": "GPU-1", "totalMemory": 100, "powerLimit": 250_000},
        ]
    }
    gpus = Gpus()
    memory = {"total_memory": 100, "used_memory": 40, "free_memory": 60, "power_usage": 90_000, "temperature": 55}
    first = {"gpu_utilization": 70, "memory_utilization": 30, **memory}
    expected = {f"sys.gpu.0.{name}": value for name, value in first.items()}
    assert gpus.sample() == expected | {f"sys.gpu.1.{name}": value for name, value in memory.items()}
    gpus.close()


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert (Gpus().sample(), Gpus().details(), system_details.of_gpus()) == ({}, [], {})


@pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="needs nvidia-ml-py")
def test_nvml_has_what_is_asked_of_it() -> None:
    import pynvml

    asked = [name for name in vars(Nvml) if name.startswith("nvml")]
    assert [name for name in asked if not callable(getattr(pynvml, name, None))] == []
    assert pynvml.NVML_TEMPERATURE_GPU == Nvml.NVML_TEMPERATURE_GPU
    assert {"gpu", "memory"} <= dict(pynvml.c_nvmlUtilization_t._fields_).keys()
    assert {"total", "free", "used"} <= dict(pynvml.c_nvmlMemory_t._fields_).keys()


def test_a_sample_has_the_names_that_the_sdk_uses(nvml: Nvml) -> None:
    times = iter(range(0, 1000, 10))
    machine = Machine(lambda: float(next(times)))
    sample = machine.sample()
    machine.close()
    # Those of the SDK's, among them what a machine may not have: a disk's counters in a container.
    plain = {name for name in sample if not re.fullmatch(r"sys\.(cpu\.percent\.\d\d|gpu\..*)", name)}
    always = {"sys.cpu.percent.avg", "sys.load.avg", "sys.disk.root.used", "sys.disk.root.percent.used"}
    always |= {f"sys.ram.{name}" for name in ("total", "used", "available", "percent.used")}
    rates = {f"sys.disk.{name}_bps" for name in ("read", "write")} | {
        f"sys.network.{n}_bps" for n in ("send", "receive")
    }
    assert always <= plain <= always | rates
    assert f"sys.cpu.percent.{psutil.cpu_count():02d}" in sample
    assert sample["sys.ram.total"] == psutil.virtual_memory().total
    assert sample["sys.ram.used"] + sample["sys.ram.available"] == sample["sys.ram.total"]
    assert all(isinstance(value, int | float) for value in sample.values())
    assert "sys.gpu.0.gpu_utilization" in sample


def test_rates_are_bytes_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    counted = iter([(0, 0), (500, 1000), (100, 2000)])
    times = iter([0.0, 0.0, 10.0, 20.0])

    def count() -> Any:
        received, sent = next(counted)
        return types.SimpleNamespace(bytes_recv=received, bytes_sent=sent)

    monkeypatch.setattr(psutil, "net_io_counters", count)
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    machine = Machine(lambda: next(times))
    samples = [machine.sample(), machine.sample()]
    assert [sample["sys.network.receive_bps"] for sample in samples] == [50, 0]
    assert [sample["sys.network.send_bps"] for sample in samples] == [100, 100]
    assert not any(name.startswith("sys.disk.read") for sample in samples for name in sample)


class Numbered:
    """A machine whose samples are numbered."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    def sample(self) -> dict[str, float]:
        self.taken += 1
        return {"sys.number": float(self.taken)}

    def close(self) -> None:
        self.closed = True


def test_one_thread_samples_for_all_until_the_last_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zenml_comet_tracker.comet.capture.system_metrics.FIRST_SECONDS", 0.0)
    machines: list[Numbered] = []

    def new_machine() -> Numbered:
        machines.append(Numbered())
        return machines[-1]

    both = threading.Semaphore(0)
    first: list[dict[str, float]] = []
    second: list[dict[str, float]] = []

    def take_first(values: dict[str, float]) -> None:
        first.append(values)
        both.release()

    def take_second(values: dict[str, float]) -> None:
        second.append(values)
        both.release()
        raise OSError("the journal is full")

    sampler = Sampler(new_machine)
    before = set(threading.enumerate())
    sampler.add(take_first, lambda: 60.0)
    sampler.add(take_second, lambda: None)
    thread = sampler._thread
    assert thread is not None
    for _ in range(2):
        assert both.acquire(timeout=20)
    assert [t for t in set(threading.enumerate()) - before if t.name == thread.name] == [thread]
    sampler.remove(take_first)
    thread.join(20)
    assert not thread.is_alive()
    # The one that failed was let go of, so that the other was the last.
    assert len(machines) == 1
    assert machines[0].closed
    assert len(second) == 1
    assert first
