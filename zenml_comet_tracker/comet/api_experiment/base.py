"""What every part of `APIExperiment` stands on: which experiment it is, and what the server last said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import ConfigurationError, InvalidArgumentError
from zenml_comet_tracker.comet.resources import complete, experiments, optional_integer, optional_text
from zenml_comet_tracker.comet.transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self

_POSITIONAL = ("api_key", "cache", "version")
_NAMED = (
    "api",
    "api_key",
    "cache",
    "experiment_name",
    "metadata",
    "previous_experiment",
    "project_name",
    "rest_api_key",
    "url",
    "version",
    "workspace",
)


class ExperimentBase:
    """One experiment on a server: its key, its metadata, and the way to it.

    `name`, `workspace`, `archived` and the other properties say what the server last answered to this object: when it
    was made or listed, or at `get_metadata()`. What this object changes itself is asked anew. Methods always ask.
    """

    _connection: Connection
    _key: str
    # None where something may have changed since.
    _metadata: Mapping[str, Any] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """A new experiment on the server or, with `previous_experiment`, the one that has this key.

        New ones go to `workspace` and `project_name`, else where the configuration says, else to the account's default
        workspace and the project `general`; `experiment_name` names them. All else says how to reach the server, as for
        `API`: `api_key` (also called `rest_api_key`), `url`, or `api`, an `API` to share the connection of. `cache` is
        accepted and does nothing: every call asks the server. Raises `NotFoundError` for a key that does not exist.
        """
        options = _options(args, kwargs)
        self._connection = _connection_of(options)
        settings = self._connection.settings
        metadata = options.get("metadata")
        key = _previous(options) or (metadata or {}).get("experimentKey")
        if key is None:
            workspace = options.get("workspace") or settings.workspace
            project = options.get("project_name") or settings.project_name
            key = experiments.create(self._connection.transport, workspace, project, options.get("experiment_name"))
        self._key = str(key)
        self._metadata = metadata or experiments.metadata(self._connection.transport, self._key)

    @classmethod
    def of(cls, connection: Connection, metadata: Mapping[str, Any]) -> Self:
        """The experiment that a list or `GET experiment/metadata` described, without a request.

        Of the members only `experimentKey` must be there; what is not there is asked for when it is wanted.
        """
        experiment = cls.__new__(cls)
        experiment._connection = connection
        experiment._key = str(metadata["experimentKey"])
        experiment._metadata = metadata if len(metadata) > 1 else None
        return experiment

    def __repr__(self) -> str:
        known = self._metadata or {}
        place = [known.get("workspaceName"), known.get("projectName"), self._key]
        return f"<{type(self).__name__} {'/'.join(str(part) for part in place if part)!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExperimentBase):
            return NotImplemented
        return (self._connection.root, self._key) == (other._connection.root, other._key)

    def __hash__(self) -> int:
        return hash((self._connection.root, self._key))

    @property
    def key(self) -> str:
        """The experiment key."""
        return self._key

    @property
    def id(self) -> str:
        """The experiment key."""
        return self._key

    @property
    def name(self) -> str | None:
        """The experiment's name, None without one."""
        return optional_text(self._facts("experimentName"), "experimentName")

    @property
    def workspace(self) -> str:
        """The workspace that it belongs to."""
        return self._fact("workspaceName")

    @property
    def project_name(self) -> str:
        """The project that it belongs to."""
        return self._fact("projectName")

    @property
    def project_id(self) -> str:
        """The id of its project."""
        return self._fact("projectId")

    @property
    def archived(self) -> bool:
        """Whether it is archived."""
        return bool(self._facts("archived").get("archived"))

    @property
    def duration_millis(self) -> int:
        """How long it ran, in milliseconds."""
        return optional_integer(self._facts("durationMillis"), "durationMillis") or 0

    @property
    def start_server_timestamp(self) -> int | None:
        """When it began, in milliseconds since the epoch."""
        return optional_integer(self._facts("startTimeMillis"), "startTimeMillis")

    @property
    def end_server_timestamp(self) -> int | None:
        """When it ended, in milliseconds since the epoch; of a running one, when the server was asked."""
        return optional_integer(self._facts("endTimeMillis"), "endTimeMillis")

    @property
    def optimization_id(self) -> str | None:
        """The id of the optimizer's search that it belongs to, None without one."""
        return optional_text(self._facts("optimizationId"), "optimizationId")

    @property
    def file_path(self) -> str | None:
        """The path of the program that ran, None when it is not known."""
        return optional_text(self._facts("filePath"), "filePath")

    @property
    def file_name(self) -> str | None:
        """The name of the program's file, None when it is not known."""
        return optional_text(self._facts("fileName"), "fileName")

    @property
    def url(self) -> str:
        """The address of the experiment's page.

        >>> from zenml_comet_tracker.comet.connection import connect
        >>> row = {"experimentKey": "ab12", "workspaceName": "team", "projectName": "digits", "archived": False}
        >>> ExperimentBase.of(connect("key", url="https://comet.example.com"), row).url
        'https://comet.example.com/team/digits/ab12'
        """
        place = [self.workspace, self.project_name, *(["archive"] if self.archived else ()), self._key]
        return "/".join([self._connection.root, *(quote(part, safe="") for part in place)])

    def get_metadata(self) -> dict[str, Any]:
        """What the experiment is and how it stands, as the server has it now. GET `experiment/metadata`.

        `experimentKey`, `experimentName`, `workspaceName`, `projectName`, `projectId`, `startTimeMillis`,
        `endTimeMillis`, `durationMillis`, `archived`, `running`, `hasCrashed`, `filePath`, `fileName` and others.
        """
        metadata = experiments.metadata(self._transport, self._key)
        self._metadata = metadata
        return dict(metadata)

    @property
    def _transport(self) -> Transport:
        return self._connection.transport

    def _facts(self, member: str) -> Mapping[str, Any]:
        """The metadata, asked for unless they are known and hold the member."""
        known = self._metadata
        return known if known is not None and member in known else self.get_metadata()

    def _fact(self, member: str) -> str:
        """A member of the metadata that every experiment has."""
        return str(complete(self._facts(member), member)[member])

    def _changed(self) -> None:
        """What is known of the experiment may not be so any more."""
        self._metadata = None


def _options(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    if len(args) > len(_POSITIONAL):
        raise TypeError(
            f"APIExperiment takes {', '.join(_POSITIONAL)} by position and got {len(args)} arguments; "
            f"name the others: {', '.join(_NAMED)}"
        )
    options = dict(zip(_POSITIONAL, args, strict=False))
    for name, value in kwargs.items():
        if name not in _NAMED:
            raise TypeError(f"APIExperiment knows no argument {name!r}; it takes {', '.join(_NAMED)}")
        if name in options:
            raise TypeError(f"APIExperiment got {name!r} by position and by name")
        options[name] = value
    if options.get("version", "v2") != "v2":
        raise ConfigurationError(f"version={options['version']!r} is unknown; Comet's REST API has version 'v2'")
    return options


def _previous(options: Mapping[str, Any]) -> str | None:
    """The key of the experiment that is meant; a new one would be made in the place of one whose key was not found."""
    if "previous_experiment" not in options:
        return None
    key = options["previous_experiment"]
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError(
            f"previous_experiment={key!r} is no experiment key; leave it out for a new experiment"
        )
    return key


def _connection_of(options: Mapping[str, Any]) -> Connection:
    api = options.get("api")
    if api is not None:
        connection = getattr(api, "_connection", None)
        if not isinstance(connection, Connection):
            raise TypeError(f"api is expected to be an API; got {type(api).__name__}")
        return connection
    key = options.get("api_key") or options.get("rest_api_key")
    return panels.connect(key, options.get("workspace"), options.get("project_name"), options.get("url"))
