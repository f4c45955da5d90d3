"""Where the API key, workspace, project and URL come from.

First wins: arguments, then a mapping of the caller's (a ZenML component's secrets, say), then the environment, then
`.comet.yml` and `.comet.config` in the working directory, then the same two in the home directory.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from zenml_comet_tracker.comet.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

logger = logging.getLogger(__name__)

DEFAULT_ROOT = "https://www.comet.com"
YAML_FILE = ".comet.yml"
INI_FILE = ".comet.config"

# Our field names and the names that the environment and `.comet.yml` use for them.
VARIABLES = {
    "api_key": "COMET_API_KEY",
    "workspace": "COMET_WORKSPACE",
    "project_name": "COMET_PROJECT_NAME",
    "url": "COMET_URL_OVERRIDE",
    "experiment_key": "COMET_EXPERIMENT_KEY",
    "check_tls_certificate": "COMET_INTERNAL_CHECK_TLS_CERTIFICATE",
    "custom_ca_bundle": "COMET_INCLUDE_CUSTOM_CA_BUNDLE",
    "extra_header_name": "COMET_ALLOW_HEADER_NAME",
    "extra_header_value": "COMET_ALLOW_HEADER_VALUE",
    "timeout": "COMET_TIMEOUT_HTTP",
}
_SECRET_FIELDS = {"api_key", "extra_header_value"}


@dataclass(frozen=True)
class ResolvedSettings:
    """What a client needs to reach Comet. The key shows in no repr.

    `root` is scheme, host and perhaps a path prefix, without a trailing slash; `workspace` and `project_name` are None
    where the server's own defaults apply; `timeout` is in seconds, None where ours applies.
    """

    api_key: str = field(repr=False)
    root: str
    workspace: str | None = None
    project_name: str | None = None
    experiment_key: str | None = None
    check_tls_certificate: bool = True
    custom_ca_bundle: str | None = None
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None


def resolve(
    *,
    api_key: str | None = None,
    workspace: str | None = None,
    project_name: str | None = None,
    url: str | None = None,
    experiment_key: str | None = None,
    fallback: Mapping[str, str] | None = None,
) -> ResolvedSettings:
    """The settings in force: each argument when given, else the first source that names it.

    `fallback` uses the environment's names (`COMET_API_KEY`, ...) and comes before the environment itself. An empty
    string counts as not set. Raises `ConfigurationError` when no API key is found or the URL cannot be used.
    """
    arguments = {
        "api_key": api_key,
        "workspace": workspace,
        "project_name": project_name,
        "url": url,
        "experiment_key": experiment_key,
    }
    found = _load(_set_only(arguments), _by_field(fallback or {}))
    key = (found.get("api_key") or "").strip()
    if not key:
        raise ConfigurationError(
            "No Comet API key was found. Pass api_key=..., set the environment variable COMET_API_KEY, or put "
            f"'COMET_API_KEY: <key>' into {YAML_FILE} in the working or home directory. The local Comet makes a key of "
            "its own: `zenml-comet status` says where it is."
        )
    _check(key, found)
    header = found.get("extra_header_name")
    return ResolvedSettings(
        api_key=key,
        root=root_of(found["url"]) if found.get("url") else _root_in_key(key) or DEFAULT_ROOT,
        workspace=found.get("workspace"),
        project_name=found.get("project_name"),
        experiment_key=found.get("experiment_key"),
        check_tls_certificate=found.get("check_tls_certificate", True),
        custom_ca_bundle=found.get("custom_ca_bundle"),
        extra_headers={header: found.get("extra_header_value") or ""} if header else {},
        timeout=found.get("timeout"),
    )


def _check(key: str, found: Mapping[str, Any]) -> None:
    """Refuses, before anything is sent, what no request could be made with. Says nothing of the key itself."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "The Comet API key holds a space, a line break or a character that no key has; was it copied whole?"
        )
    timeout = found.get("timeout")
    if timeout is not None and not 0 < timeout < 86_400:
        raise ConfigurationError(f"COMET_TIMEOUT_HTTP is {timeout}; expected seconds, more than 0 and less than a day.")
    bundle = found.get("custom_ca_bundle")
    if bundle and not os.path.exists(bundle):
        raise ConfigurationError(f"COMET_INCLUDE_CUSTOM_CA_BUNDLE names {bundle}, which is not there.")


def root_of(url: str) -> str:
    """The root of a Comet address as people write it: with or without scheme, `/clientlib`, a trailing slash.

    >>> root_of("https://comet.example.com/clientlib/")
    'https://comet.example.com'

    Raises `ConfigurationError` for what is no HTTP address.
    """
    text = url.strip()
    if text in ("local", "offline"):
        raise ConfigurationError(
            f"url={text!r} means something only in the ZenML tracker's configuration. Here the address of a server is "
            "expected, for example http://127.0.0.1:5470 (`zenml-comet status` prints the local one)."
        )
    expected = "Expected something like https://www.comet.com or http://127.0.0.1:5470."
    try:
        parts = urlsplit(text if "://" in text else f"{_likely_scheme(text)}://{text}")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(f"{url!r} is not the address of a Comet server. {expected}")
    if "@" in parts.netloc:
        raise ConfigurationError(f"The address of the Comet server holds a user or a password. {expected}")
    path = parts.path.rstrip("/")
    path = path.removesuffix("/clientlib").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _likely_scheme(address: str) -> str:
    """What people mean who write none: plain HTTP is for this machine."""
    host = address.partition("/")[0].rsplit(":", 1)[0].strip("[]")
    return "http" if host in ("localhost", "127.0.0.1", "::1") else "https"


def _root_in_key(key: str) -> str | None:
    """The base URL that a key of the form `SHORT*BASE64` carries; the whole text stays the key."""
    if key.count("*") != 1:
        return None
    tail = key.partition("*")[2]
    if not tail:
        return None
    try:
        payload = orjson.loads(base64.b64decode(tail + "=" * (-len(tail) % 4)))
        return root_of(payload["baseUrl"])
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("The API key has a part after '*' that names no server; using %s.", DEFAULT_ROOT)
        return None


def _load(arguments: Mapping[str, Any], fallback: Mapping[str, str]) -> dict[str, Any]:
    """What the sources say, by our field names."""
    settings_class = _settings_class(fallback)
    try:
        return {k: v for k, v in settings_class(**arguments).model_dump().items() if v is not None}
    except ValueError as error:
        raise ConfigurationError(_plain_validation_error(error)) from None


def _plain_validation_error(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    lines = []
    for item in details():
        name = str(item["loc"][0])
        got = "" if name in _SECRET_FIELDS else f", got {item['input']!r}"
        lines.append(f"{VARIABLES.get(name, name)}: {item['msg']}{got}")
    return "A Comet setting cannot be used. " + "; ".join(lines)


def _settings_class(fallback: Mapping[str, str]) -> type[BaseSettings]:
    # pydantic-settings takes longer to import than the rest of the client, and only a new experiment needs it.
    from pydantic import Field
    from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

    class _Mapped(PydanticBaseSettingsSource):
        """A source whose values are already at hand, by our field names."""

        def __init__(self, settings_class: type[BaseSettings], values: Mapping[str, Any]) -> None:
            super().__init__(settings_class)
            self._values = values

        def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
            return self._values.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return dict(self._values)

    class CometSettings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="", env_ignore_empty=True, extra="ignore")

        api_key: str | None = Field(None, repr=False)
        workspace: str | None = None
        project_name: str | None = None
        url: str | None = None
        experiment_key: str | None = None
        check_tls_certificate: bool = True
        custom_ca_bundle: str | None = None
        extra_header_name: str | None = None
        extra_header_value: str | None = Field(None, repr=False)
        timeout: float | None = None

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            environment = _by_field(EnvSettingsSource(settings_cls, case_sensitive=True).env_vars)
            files = [reader(folder / name) for folder in _folders() for name, reader in _READERS]
            return (init_settings, *(_Mapped(settings_cls, values) for values in (fallback, environment, *files)))

    return CometSettings


def _set_only(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _by_field(variables: Mapping[str, Any]) -> dict[str, Any]:
    """By our field names; numbers and dates, which YAML makes of some names, as the text they were."""
    found = {name: variables.get(variable) for name, variable in VARIABLES.items()}
    plain = (str, bool, type(None), list, dict)
    return _set_only({name: value if isinstance(value, plain) else str(value) for name, value in found.items()})


def _folders() -> list[Path]:
    folders: list[Path] = []
    for find in (Path.cwd, Path.home):
        # The working directory may have been deleted, and there may be no home.
        with contextlib.suppress(OSError, RuntimeError):
            folder = find()
            if folder not in folders:
                folders.append(folder)
    return folders


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    return _read(path, lambda text: _by_field(yaml.safe_load(text) or {}), yaml.YAMLError)


def _read_ini(path: Path) -> dict[str, Any]:
    def parse(text: str) -> dict[str, Any]:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        # `[comet] api_key` is COMET_API_KEY, `[comet_timeout] http` is COMET_TIMEOUT_HTTP.
        flat = {f"{s}_{option}".upper(): value for s in parser.sections() for option, value in parser.items(s)}
        return _by_field(flat)

    return _read(path, parse, configparser.Error)


def _read(path: Path, parse: Any, broken: type[Exception]) -> dict[str, Any]:
    """What a file sets; a file that cannot be used is named in a warning, because another source may do."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("%s cannot be read and is left out: %s", path, error)
        return {}
    try:
        values: dict[str, Any] = parse(text)
    except (broken, AttributeError, ValueError) as error:
        # The text of a parse error can quote the line it failed at, which may hold the key.
        logger.warning("%s is not valid and is left out (%s)", path, type(error).__name__)
        return {}
    return values


_READERS = ((YAML_FILE, _read_yaml), (INI_FILE, _read_ini))
