"""Where the API key, workspace, project and URL come from.

First wins: arguments, then a mapping of the caller's (a ZenML component's secrets, say), then the environment, then
`.comet.yml` and `.comet.config` in the working directory, then the same two in the home directory.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from zenml_comet_tracker.comet import logging_file
from zenml_comet_tracker.comet.errors import ConfigurationError

logger = logging.getLogger(__name__)

DEFAULT_ROOT = "https://www.comet.com"
# Instead of an address: nothing is sent, the journal waits for `zenml-comet sync`.
OFFLINE = "offline"
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
    "online": "COMET_START_ONLINE",
    "offline_directory": "COMET_OFFLINE_DIRECTORY",
    "logging_file": "COMET_LOGGING_FILE",
    "logging_file_level": "COMET_LOGGING_FILE_LEVEL",
}
# What the key for reading was called when Comet had two.
REST_API_KEY = "COMET_REST_API_KEY"
_SECRET_FIELDS = {"api_key", "extra_header_value"}


@dataclass(frozen=True)
class ResolvedSettings:
    """What a client needs to reach Comet. The key shows in no repr.

    `root` is scheme, host and perhaps a path prefix, without a trailing slash; `workspace` and `project_name` are None
    where the server's own defaults apply; `timeout` is in seconds, None where ours applies. `offline` says that nothing
    is to be sent, and that the key may be missing (empty); `root` is then where the journal is meant to go.
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
    offline: bool = False
    offline_directory: str | None = None


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
    string counts as not set. `url="offline"`, or COMET_START_ONLINE set to false, sends nothing: the server that the
    next source names is then the one that the journal is for. Raises `ConfigurationError` when no API key is found
    (unless offline) or the URL cannot be used.
    """
    arguments = {
        "api_key": api_key,
        "workspace": workspace,
        "project_name": project_name,
        "url": url,
        "experiment_key": experiment_key,
    }
    sources = [_set_only(arguments), _by_field(fallback or {}), _by_field(os.environ), *_files()]
    found = _converted(sources)
    logging_file.begin(found.get("logging_file"), found.get("logging_file_level"))
    urls = [source["url"] for source in sources if "url" in source]
    offline = not found.get("online", True) or urls[:1] == [OFFLINE]
    key = (found.get("api_key") or "").strip()
    if not key and not offline:
        raise ConfigurationError(NO_KEY)
    _check(key, found)
    header = found.get("extra_header_name")
    settings = ResolvedSettings(
        api_key=key,
        root=_root([url for url in urls if url != OFFLINE] if offline else urls, key),
        workspace=found.get("workspace"),
        project_name=found.get("project_name"),
        experiment_key=found.get("experiment_key"),
        check_tls_certificate=found.get("check_tls_certificate", True),
        custom_ca_bundle=found.get("custom_ca_bundle"),
        extra_headers={header: found.get("extra_header_value") or ""} if header else {},
        timeout=found.get("timeout"),
        offline=offline,
        offline_directory=found.get("offline_directory"),
    )
    logger.debug("%s, workspace %s, project %s", settings.root, settings.workspace, settings.project_name)
    return settings


def offline_directory() -> str | None:
    """Where offline runs of this user write, if the environment or a file says so."""
    found = ChainMap(_by_field(os.environ), *_files()).get("offline_directory")
    return found if isinstance(found, str) else None


NO_KEY = (
    "No Comet API key was found. Pass api_key=..., set the environment variable COMET_API_KEY, or put "
    f"'COMET_API_KEY: <key>' into {YAML_FILE} in the working or home directory. The local Comet needs none: "
    "give --local to a command, url=local to a tracker, and to a program the variables of `zenml-comet env`."
)


def _root(urls: Sequence[Any], key: str) -> str:
    if urls:
        return root_of(str(urls[0]))
    return _root_in_key(key) or DEFAULT_ROOT


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
    if text in ("local", OFFLINE):
        raise ConfigurationError(
            f"{text!r} is not the address of a server, for example http://127.0.0.1:5470. `zenml-comet status` prints "
            "that of the local Comet; url='local' means something only in the ZenML tracker's configuration."
        )
    expected = "Expected something like https://www.comet.com or http://127.0.0.1:5470."
    try:
        parts = urlsplit(text if "://" in text else f"{_likely_scheme(text)}://{text}")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        shown = re.sub(".*@", "***@", url, flags=re.DOTALL)
        raise ConfigurationError(f"{shown!r} is not the address of a Comet server. {expected}")
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


def _converted(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the first source says that names a field, as text, switch or number.

    No settings library does this: to import one takes longer than all that a new experiment does until its first call
    returns, and the sources differ in nothing but their order.
    """
    found = ChainMap(*map(dict, sources))
    values: dict[str, Any] = {}
    problems = []
    for name, variable in VARIABLES.items():
        if name not in found:
            continue
        convert, expected = _KINDS.get(name, (_text, "a text"))
        try:
            values[name] = convert(found[name])
        except (ValueError, TypeError):
            got = "" if name in _SECRET_FIELDS else f", got {found[name]!r}"
            problems.append(f"{variable}: expected {expected}{got}")
    if problems:
        raise ConfigurationError("A Comet setting cannot be used. " + "; ".join(problems))
    return values


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _switch(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError
    return _WORDS[word]


_WORDS = dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("0", "false", "f", "no", "n", "off"), False
)
_KINDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "check_tls_certificate": (_switch, "true or false"),
    "online": (_switch, "true or false"),
    "timeout": (float, "seconds"),
}


def _set_only(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _by_field(variables: Mapping[str, Any]) -> dict[str, Any]:
    """By our field names; numbers and dates, which YAML makes of some names, as the text they were."""
    found = {name: variables.get(variable) for name, variable in VARIABLES.items()}
    found["api_key"] = found["api_key"] or variables.get(REST_API_KEY)
    plain = (str, bool, type(None), list, dict)
    return _set_only({name: value if isinstance(value, plain) else str(value) for name, value in found.items()})


def _files() -> list[dict[str, Any]]:
    """What the configuration files set, in the order in which they count."""
    return [reader(folder / name) for folder in _folders() for name, reader in _READERS]


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
    def parse(text: str) -> dict[str, Any]:
        # Few have such a file, and importing the library takes as long as making an experiment.
        import yaml

        try:
            return _by_field(yaml.safe_load(text) or {})
        except yaml.YAMLError as error:
            raise ValueError from error

    return _read(path, parse)


def _read_ini(path: Path) -> dict[str, Any]:
    def parse(text: str) -> dict[str, Any]:
        import configparser

        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise ValueError from error
        # `[comet] api_key` is COMET_API_KEY, `[comet_timeout] http` is COMET_TIMEOUT_HTTP.
        return _by_field(
            {f"{s}_{option}".upper(): value for s in parser.sections() for option, value in parser.items(s)}
        )

    return _read(path, parse)


def _read(path: Path, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What a file sets; a file that cannot be used is named in a warning, because another source may do."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("%s cannot be read and is left out: %s", path, error)
        return {}
    try:
        return parse(text)
    except (AttributeError, ValueError) as error:
        # The text of a parse error can quote the line it failed at, which may hold the key.
        logger.warning("%s is not valid and is left out (%s)", path, type(error.__cause__ or error).__name__)
        return {}


_READERS = ((YAML_FILE, _read_yaml), (INI_FILE, _read_ini))
