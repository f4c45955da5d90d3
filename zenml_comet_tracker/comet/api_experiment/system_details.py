"""The machine, the program and the packages of an experiment. Every method is one request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.writing import Writing, text, texts
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import experiments, system_details


class SystemDetails(Writing):
    """System details, read one by one or all at once, and set. What was not logged reads as None, lists as []."""

    def get_system_details(self) -> dict[str, Any]:
        """Every detail under Comet's own names; None, or [] for a list, where nothing was logged.

        `user`, `pythonVersion`, `pid`, `os`, `hostname`, `command`, `installedPackages`, `gpuStaticInfoList`,
        `systemMetricNames` and others. GET `experiment/system-details`.
        """
        return system_details.read(self._transport, self.key)

    def get_user(self) -> str | None:
        """The name of the user who ran it. GET `experiment/system-details`."""
        return cast("str | None", self._detail("user"))

    def get_python_version(self) -> str | None:
        """The Python version. GET `experiment/system-details`."""
        return cast("str | None", self._detail("pythonVersion"))

    def get_python_version_verbose(self) -> str | None:
        """The Python version with build and compiler. GET `experiment/system-details`."""
        return cast("str | None", self._detail("pythonVersionVerbose"))

    def get_pid(self) -> int | None:
        """The process id. GET `experiment/system-details`."""
        return cast("int | None", self._detail("pid"))

    def get_os_type(self) -> str | None:
        """The kind of operating system. GET `experiment/system-details`."""
        return cast("str | None", self._detail("osType"))

    def get_os(self) -> str | None:
        """The operating system with its version. GET `experiment/system-details`."""
        return cast("str | None", self._detail("os"))

    def get_os_release(self) -> str | None:
        """The release of the operating system. GET `experiment/system-details`."""
        return cast("str | None", self._detail("osRelease"))

    def get_machine(self) -> str | None:
        """The kind of machine. GET `experiment/system-details`."""
        return cast("str | None", self._detail("machine"))

    def get_processor(self) -> str | None:
        """The processor. GET `experiment/system-details`."""
        return cast("str | None", self._detail("processor"))

    def get_ip(self) -> str | None:
        """The IP address. GET `experiment/system-details`."""
        return cast("str | None", self._detail("ip"))

    def get_hostname(self) -> str | None:
        """The name of the host. GET `experiment/system-details`."""
        return cast("str | None", self._detail("hostname"))

    def get_executable(self) -> str | None:
        """The program that ran the code. GET `experiment/system-details`."""
        return cast("str | None", self._detail("executable"))

    def get_command(self) -> list[str] | None:
        """Script and arguments. GET `experiment/system-details`."""
        return cast("list[str] | None", self._detail("command"))

    def get_network_interface_ips(self) -> list[str] | None:
        """The IP addresses of the network interfaces. GET `experiment/system-details`."""
        return cast("list[str] | None", self._detail("networkInterfaceIps"))

    def get_gpu_static_info(self) -> list[dict[str, Any]]:
        """`gpuIndex`, `name`, `uuid`, `totalMemory` and `powerLimit` of each GPU. GET `experiment/system-details`."""
        return cast("list[dict[str, Any]]", self._detail("gpuStaticInfoList"))

    def get_additional_system_info(self) -> list[dict[str, Any]]:
        """`key` and `value` of each additional fact. GET `experiment/system-details`."""
        return cast("list[dict[str, Any]]", self._detail("logAdditionalSystemInfoList"))

    def get_installed_packages(self) -> list[str]:
        """The installed Python packages. GET `experiment/system-details`."""
        return cast("list[str]", self._detail("installedPackages"))

    def get_os_packages(self) -> list[str]:
        """The packages of the operating system. GET `experiment/system-details`."""
        return cast("list[str]", self._detail("osPackages"))

    def get_system_metric_names(self) -> list[str]:
        """The names of the system metrics that were logged. GET `experiment/system-details`."""
        return cast("list[str]", self._detail("systemMetricNames"))

    def get_max_memory(self) -> float | None:
        """The largest memory of a GPU, in bytes. GET `experiment/system-details`."""
        return cast("float | None", self._detail("maxTotalMemory"))

    def get_total_memory(self) -> int | None:
        """The memory of the machine, in bytes. GET `experiment/system-details`."""
        return cast("int | None", self._detail("totalRam"))

    def get_environment_details(self) -> list[str]:
        """As `get_os_packages`, which took its place."""
        return self.get_os_packages()

    def _detail(self, member: str) -> Any:
        return self.get_system_details().get(member)

    def _set(self, member: str, value: Any) -> dict[str, Any]:
        return system_details.write(self._transport, self.key, {member: value})

    def set_user(self, user: str) -> dict[str, Any]:
        """Sets the name of the user who ran it. POST `write/experiment/system-details`."""
        return self._set("user", text("user", user))

    def set_python_version(self, python_version: str) -> dict[str, Any]:
        """Sets the Python version. POST `write/experiment/system-details`."""
        return self._set("pythonVersion", text("python_version", python_version))

    def set_python_version_verbose(self, python_version_verbose: str) -> dict[str, Any]:
        """Sets the Python version with build and compiler. POST `write/experiment/system-details`."""
        return self._set("pythonVersionVerbose", text("python_version_verbose", python_version_verbose))

    def set_os_type(self, os_type: str) -> dict[str, Any]:
        """Sets the kind of operating system. POST `write/experiment/system-details`."""
        return self._set("osType", text("os_type", os_type))

    def set_os(self, os: str) -> dict[str, Any]:
        """Sets the operating system with its version. POST `write/experiment/system-details`."""
        return self._set("os", text("os", os))

    def set_os_release(self, os_release: str) -> dict[str, Any]:
        """Sets the release of the operating system. POST `write/experiment/system-details`."""
        return self._set("osRelease", text("os_release", os_release))

    def set_machine(self, machine: str) -> dict[str, Any]:
        """Sets the kind of machine. POST `write/experiment/system-details`."""
        return self._set("machine", text("machine", machine))

    def set_processor(self, processor: str) -> dict[str, Any]:
        """Sets the processor. POST `write/experiment/system-details`."""
        return self._set("processor", text("processor", processor))

    def set_ip(self, ip: str) -> dict[str, Any]:
        """Sets the IP address. POST `write/experiment/system-details`."""
        return self._set("ip", text("ip", ip))

    def set_hostname(self, hostname: str) -> dict[str, Any]:
        """Sets the name of the host. POST `write/experiment/system-details`."""
        return self._set("hostname", text("hostname", hostname))

    def set_executable(self, executable: str) -> dict[str, Any]:
        """Sets the program that ran the code. POST `write/experiment/system-details`."""
        return self._set("executable", text("executable", executable))

    def set_command(self, command_args_list: Sequence[str]) -> dict[str, Any]:
        """Sets script and arguments. POST `write/experiment/system-details`."""
        return self._set("command", texts("command_args_list", command_args_list))

    def set_installed_packages(self, installed_packages: Sequence[str]) -> dict[str, Any]:
        """Sets the installed Python packages. POST `write/experiment/system-details`."""
        return self._set("installedPackages", texts("installed_packages", installed_packages))

    def set_os_packages(self, os_packages: Sequence[str]) -> dict[str, Any]:
        """Sets the packages of the operating system. POST `write/experiment/system-details`."""
        return self._set("osPackages", texts("os_packages", os_packages))

    def set_network_interface_ips(self, network_interface_ips: Sequence[str]) -> dict[str, Any]:
        """Sets the IP addresses of the network interfaces. POST `write/experiment/system-details`."""
        return self._set("networkInterfaceIps", texts("network_interface_ips", network_interface_ips))

    def set_pid(self, pid: int | str) -> dict[str, Any]:
        """Sets the process id. POST `write/experiment/system-details`."""
        number = values.step_of(pid)
        if number is None:
            raise InvalidValueError(f"pid is expected to be a whole number; got {pid!r}")
        return self._set("pid", number)

    def set_gpu_static_info(self, gpu_static_info: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Sets `gpuIndex`, `name`, `uuid`, `totalMemory` and `powerLimit` of each GPU.

        POST `write/experiment/system-details`.
        """
        gpus = [*gpu_static_info] if isinstance(gpu_static_info, Iterable) else [None]
        if isinstance(gpu_static_info, Mapping) or not all(isinstance(gpu, Mapping) for gpu in gpus):
            raise InvalidValueError("gpu_static_info is expected to be a list of dictionaries, one for each GPU")
        return self._set("gpuStaticInfoList", orjson.loads(values.json_text(gpus)))

    def log_additional_system_info(self, key: str, value: Any) -> dict[str, Any]:
        """Adds one more fact to those there are. POST `write/experiment/system-details`."""
        name = self._name(key, "additional system information")
        return self._set("logAdditionalSystemInfoList", [{"key": name, "value": values.scalar(value)}])

    def set_filename(self, filename: str) -> dict[str, Any]:
        """Sets the path of the program that ran. POST `write/experiment/file-path`."""
        self._changed()
        return experiments.set_file_path(self._transport, self.key, text("filename", filename))
