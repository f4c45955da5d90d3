"""The machine and the process: what an experiment ran on, and as what."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.capture import redaction
from zenml_comet_tracker.comet.capture.gpu import Gpus

logger = logging.getLogger(__name__)

# A Debian machine's list of packages; others would take a program to ask.
DPKG_STATUS = Path("/var/lib/dpkg/status")
# Nobody has it: to connect a datagram socket sends nothing, and tells which address would be used.
_FAR_AWAY = ("192.0.2.1", 9)
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
    from importlib import metadata

    # One that was removed by hand leaves a folder without a name.
    found = {(one.metadata["Name"], one.version) for one in metadata.distributions() if one.metadata["Name"]}
    return sorted({f"{name}=={version}" for name, version in found}, key=str.lower)


def _os_packages() -> list[str] | None:
    if not DPKG_STATUS.is_file():
        return None
    text = DPKG_STATUS.read_text("utf-8", "replace")
    return sorted(f"{entry['name']}={entry['version']}" for entry in _DPKG_ENTRY.finditer(text))
