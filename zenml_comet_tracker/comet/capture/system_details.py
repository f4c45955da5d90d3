"""The machine and the process: what an experiment ran on, and as what."""

from __future__ import annotations

import functools
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.capture import redaction
from zenml_comet_tracker.comet.capture.gpu import Gpus

if TYPE_CHECKING:
    from importlib.metadata import Distribution

logger = logging.getLogger(__name__)

# A Debian machine's list of packages; others would take a program to ask.
DPKG_STATUS = Path("/var/lib/dpkg/status")
# Nobody has it: to connect a datagram socket sends nothing, and tells which address would be used.
_FAR_AWAY = ("192.0.2.1", 9)
_NAME = re.compile(r"^Name: *(.+?)\s*$", re.MULTILINE)
_VERSION = re.compile(r"^Version: *(.+?)\s*$", re.MULTILINE)
_DPKG_ENTRY = re.compile(
    r"^Package: (?P<name>.+)\nStatus: .* installed\n(?:.+\n)*?Version: (?P<version>.+)$", re.MULTILINE
)


def of_process(arguments: Sequence[str], secrets: Iterable[str] = ()) -> dict[str, Any]:
    """Process and machine, by the names of the wire; what cannot be found out is left out. Asks no network."""
    import getpass
    import platform

    secrets = tuple(secrets)
    return _told(
        {
            "command": lambda: redaction.arguments(arguments, secrets),
            "executable": lambda: sys.executable,
            "pid": os.getpid,
            "user": getpass.getuser,
            "hostname": socket.gethostname,
            "ip": _address,
            "networkInterfaceIps": _addresses,
            "os": platform.platform,
            "osType": platform.system,
            "osRelease": platform.release,
            "machine": platform.machine,
            "processor": _processor,
            "pythonVersion": platform.python_version,
            "pythonVersionVerbose": lambda: sys.version,
        }
    )


def of_gpus() -> dict[str, Any]:
    """The GPUs, empty where there are none."""
    gpus = Gpus()
    try:
        found = gpus.details()
    finally:
        gpus.close()
    return {"gpuStaticInfoList": found} if found else {}


def of_packages() -> dict[str, Any]:
    """What is installed, in Python (`name==version`) and, on Debian and its kin, around it (`name=version`)."""
    return _told({"installedPackages": _python_packages, "osPackages": _os_packages})


def _told(questions: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, question in questions.items():
        try:
            answer = question()
        except Exception as error:
            # A container without users, a machine without a network: one detail less.
            logger.debug("The system detail %s is not known: %s: %s", name, type(error).__name__, error)
            continue
        if answer not in (None, "", []):
            found[name] = answer
    return found


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_FAR_AWAY)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _addresses() -> list[str]:
    import psutil

    found = psutil.net_if_addrs().values()
    return [one.address for addresses in found for one in addresses if one.family == socket.AF_INET]


def _processor() -> str | None:
    import platform

    # On Linux the library would start a program, to say nothing.
    if platform.system() != "Linux":
        return platform.processor()
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
        return next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), None)


def _python_packages() -> list[str]:
    # Folders change when something is installed into them, or removed.
    return list(_packages_in(tuple((folder, _changed(folder)) for folder in sys.path)))


def _changed(path: str | Path) -> int | None:
    try:
        return os.stat(path or os.curdir).st_mtime_ns
    except OSError:
        return None


@functools.lru_cache(maxsize=1)
def _packages_in(folders: tuple[tuple[str, int | None], ...]) -> tuple[str, ...]:
    from importlib import metadata

    found = {_name_and_version(one) for one in metadata.distributions(path=[folder for folder, _ in folders])}
    # One that was removed by hand leaves a folder without a name.
    return tuple(sorted({f"{name}=={version}" for name, version in found if name}, key=str.lower))


def _name_and_version(one: Distribution) -> tuple[str | None, str | None]:
    # Both stand in the first lines, as a rule; to parse all of it takes ten times as long.
    head = (one.read_text("METADATA") or "")[:1_000]
    name, version = _NAME.search(head), _VERSION.search(head)
    return (name[1], version[1]) if name and version else (one.metadata["Name"], one.version)


def _os_packages() -> list[str] | None:
    return list(_os_packages_in(DPKG_STATUS, _changed(DPKG_STATUS))) if DPKG_STATUS.is_file() else None


@functools.lru_cache(maxsize=1)
def _os_packages_in(status: Path, changed: int | None) -> tuple[str, ...]:
    text = status.read_text("utf-8", "replace")
    return tuple(sorted(f"{entry['name']}={entry['version']}" for entry in _DPKG_ENTRY.finditer(text)))
