"""The experiment that a process inherits from the one that started it, through its environment."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet.handle import Handle
from zenml_comet_tracker.comet.journal.place import Place, find_place
from zenml_comet_tracker.comet.journal.record import Header, fingerprint
from zenml_comet_tracker.comet.ranks import NOBODY
from zenml_comet_tracker.comet.settings import DEFAULT_ROOT, VARIABLES, ResolvedSettings, resolve

logger = logging.getLogger(__name__)

# What Comet's own variables cannot say: that one joins, of which attempt, with which journal. Never the API key.
VARIABLE = "ZENML_COMET_EXPERIMENT"
# How Comet's own client takes an experiment key: as one to join, whether or not it is there already.
_START_MODE = "COMET_START_MODE"
_SECRET = {VARIABLES["api_key"], VARIABLES["extra_header_value"]}
_UNTRACKED = "untracked"
_UNREADABLE = "The environment variable %s cannot be understood, and is ignored; experiment.env() makes it anew."
_HANDLE = ("durability", "max_bytes", "strict", "name", "ended", "ranks")


class ChildEnvironment(dict[str, str]):
    """Variables for the environment of a child process; the API key is among them and shows in no repr.

    >>> ChildEnvironment(COMET_API_KEY="k", COMET_WORKSPACE="team")
    {'COMET_API_KEY': '***', 'COMET_WORKSPACE': 'team'}
    """

    def __repr__(self) -> str:
        return repr({name: "***" if name in _SECRET and value else value for name, value in self.items()})


def environment(
    handle: Handle, server_key: str | None, workspace: str | None, project_name: str | None
) -> ChildEnvironment:
    """The variables by which a child process writes to the experiment of a handle.

    `server_key` is the key that the server knows it by. Workspace and project are those that the server named, or that
    were asked for.
    """
    settings = handle.settings
    header_name, header_value = next(iter(settings.extra_headers.items()), (None, None))
    said = {
        "api_key": settings.api_key or None,
        # The path is what Comet's own client expects behind a server's address; ours takes it off.
        "url": f"{settings.root}/clientlib/",
        "workspace": workspace,
        "project_name": project_name,
        "experiment_key": server_key or handle.header.experiment_key,
        "check_tls_certificate": str(settings.check_tls_certificate).lower(),
        "custom_ca_bundle": settings.custom_ca_bundle,
        "extra_header_name": header_name,
        "extra_header_value": header_value,
        "timeout": None if settings.timeout is None else str(settings.timeout),
        "online": str(not settings.offline).lower(),
        "offline_directory": settings.offline_directory,
    }
    found = {VARIABLES[name]: value for name, value in said.items() if value is not None}
    told = {
        "header": asdict(handle.header),
        "server_key": server_key,
        "place": [handle.place.folder and str(handle.place.folder), handle.place.persistent],
        **{name: getattr(handle, name) for name in _HANDLE},
    }
    return ChildEnvironment(found, **{_START_MODE: "get_or_create", VARIABLE: orjson.dumps(told).decode()})


def untracked_environment(experiment_key: str) -> ChildEnvironment:
    """The variables by which `Experiment()` logs nothing in a child process, as in its parent, which is not tracked."""
    return ChildEnvironment({VARIABLE: orjson.dumps({_UNTRACKED: experiment_key}).decode()})


def joins() -> bool:
    """Whether `Experiment()` joins that of the process which started this one. Raises what `settings.resolve` does."""
    return bool(os.environ.get(VARIABLE)) and settled(None, None, None, None, None)[1] is not None


def settled(
    api_key: str | None, workspace: str | None, project_name: str | None, url: str | None, experiment_key: str | None
) -> tuple[ResolvedSettings, Handle | None]:
    """The settings in force, and the handle by which this process joins the experiment of the one that started it.

    That is None where there is none, and where the settings name another experiment or another server. Raises what
    `settings.resolve` does.
    """
    told = _told()
    if experiment_key is None and isinstance(told.get(_UNTRACKED), str):
        # There may be no API key at all, and what needs one is not to fail here where it did not in the parent.
        handle = _untracked(told[_UNTRACKED])
        return handle.settings, handle
    settings = resolve(
        api_key=api_key, workspace=workspace, project_name=project_name, url=url, experiment_key=experiment_key
    )
    return settings, _inherited(told, settings) if told else None


def _untracked(key: str) -> Handle:
    settings = ResolvedSettings("", DEFAULT_ROOT, experiment_key=key, offline=True)
    header = Header(key, DEFAULT_ROOT, "", primary=False, offline=True)
    return Handle(settings, header, Place(None, persistent=False), ranks=NOBODY)


def _inherited(told: dict[str, Any], settings: ResolvedSettings) -> Handle | None:
    try:
        return _joined(told, settings)
    except (ValueError, TypeError, KeyError, AttributeError):
        logger.warning(_UNREADABLE, VARIABLE)
        return None


def _joined(told: dict[str, Any], settings: ResolvedSettings) -> Handle | None:
    sent = {name: told["header"][name] for name in told["header"].keys() & Header.__dataclass_fields__.keys()}
    header = Header(**{**sent, "earlier_writers": tuple(sent["earlier_writers"])})
    keys = {header.experiment_key, told["server_key"] or header.experiment_key}
    if settings.experiment_key not in keys or settings.root != header.root:
        return None
    header = replace(header, key_fingerprint=fingerprint(settings.api_key) if settings.api_key else "")
    folder, persistent = told["place"]
    place = Place(Path(folder), persistent) if folder else find_place()
    return Handle(settings, header, place, **{name: told[name] for name in _HANDLE}).arrived()


def _told() -> dict[str, Any]:
    """What the variable says; nothing where it says nothing that can be read."""
    text = os.environ.get(VARIABLE)
    if not text:
        return {}
    try:
        told = orjson.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        logger.warning(_UNREADABLE, VARIABLE)
        return {}
    return told
