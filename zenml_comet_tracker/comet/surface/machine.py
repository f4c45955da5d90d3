"""Where the experiment runs, and what it prints there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.texts import name_of, text_of


class Machine(Surface):
    """System details, packages and output."""

    @logging_call
    def log_system_details(
        self,
        command: str | Sequence[str] | None = None,
        executable: str | None = None,
        hostname: str | None = None,
        installed_packages: Sequence[str] | None = None,
        gpu_static_info: Sequence[Mapping[str, Any]] | None = None,
        ip: str | None = None,
        network_interface_ips: Sequence[str] | None = None,
        additional_system_info: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        os: str | None = None,
        os_packages: Sequence[str] | None = None,
        os_type: str | None = None,
        pid: int | None = None,
        user: str | None = None,
        r_version: str | None = None,
        r_version_verbose: str | None = None,
        r_version_verbos: str | None = None,
        *,
        python_version: str | None = None,
        python_version_verbose: str | None = None,
        os_release: str | None = None,
        machine: str | None = None,
        processor: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Says where the experiment runs; what is left out stays as it is.

        `gpu_static_info` is `gpuIndex`, `name`, `uuid`, `totalMemory` and `powerLimit` of each GPU;
        `additional_system_info` is `key` and `value` of each entry, or a mapping, and is added to what is there. The
        version of R takes the place of Python's, as in cometr.
        """
        details = {
            "command": _texts(command),
            "executable": executable,
            "hostname": hostname,
            "installedPackages": _texts(installed_packages),
            "gpuStaticInfoList": [gpu_static_info] if isinstance(gpu_static_info, Mapping) else gpu_static_info,
            "ip": ip,
            "networkInterfaceIps": _texts(network_interface_ips),
            "logAdditionalSystemInfoList": _entries(additional_system_info),
            "os": os,
            "osPackages": _texts(os_packages),
            "osType": os_type,
            "pid": pid,
            "user": user,
            "pythonVersion": python_version or r_version,
            "pythonVersionVerbose": python_version_verbose or r_version_verbose or r_version_verbos,
            "osRelease": os_release,
            "machine": machine,
            "processor": processor,
            "env": env,
        }
        told = _as_json({name: said for name, said in details.items() if said is not None})
        self._record.system_details(told, by_user=True)

    @logging_call
    def log_system_info(self, key: Any, value: Any) -> None:
        """Adds one entry to what is said of the system."""
        if not name_of(key):
            raise InvalidValueError("log_system_info needs a key that is not empty")
        self._record.system_details({"logAdditionalSystemInfoList": _entries({key: value})})

    @logging_call
    def set_pip_packages(self) -> None:
        """Logs the Python packages that are installed here."""
        self._log_packages("installedPackages")

    @logging_call
    def set_os_packages(self) -> None:
        """Logs the packages of the operating system, where it keeps a list that can be read (Debian and its kin)."""
        self._log_packages("osPackages")

    def _log_packages(self, kind: str) -> None:
        # What looks at the machine is loaded only where somebody looks.
        from zenml_comet_tracker.comet.capture import system_details

        found = system_details.of_packages().get(kind)
        if not found:
            raise InvalidValueError("There is no list of packages here that can be read")
        self._record.system_details({kind: found})

    @logging_call
    def log_output(self, lines: str | Iterable[Any], stderr: bool = False) -> None:
        """Logs what was printed: a text as it is, or lines, each of which gets the newline that it lacks."""
        if isinstance(lines, str):
            text = lines
        else:
            texts = [text_of(line) for line in lines]
            text = "".join(line if line.endswith("\n") else f"{line}\n" for line in texts)
        if text:
            self._record.output(text, stderr=stderr, context=self._record.stand.context)


def _texts(given: str | Sequence[Any] | None) -> list[str] | None:
    if given is None:
        return None
    return [given] if isinstance(given, str) else [text_of(part) for part in given]


def _entries(given: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None) -> list[dict[str, str]] | None:
    if given is None:
        return None
    pairs = given.items() if isinstance(given, Mapping) else [(entry.get("key"), entry.get("value")) for entry in given]
    return [{"key": text_of(key), "value": text_of(value)} for key, value in pairs]


def _as_json(details: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_text(details))
    return found
