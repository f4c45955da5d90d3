"""The class `Model`: one model of a workspace's registry, and its versions."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.registry import files
from zenml_comet_tracker.comet.registry.registration import as_json
from zenml_comet_tracker.comet.registry.status import ModelStatusConfiguration
from zenml_comet_tracker.comet.resources import complete, registry, registry_items, texts

if TYPE_CHECKING:
    from semver import Version
    from typing_extensions import Self


class Model:
    """A registered model. Making one asks the server for it: `NotFoundError` when the workspace has none of the name.

    Versions are semantic versions, as texts. Methods that name one raise `NotFoundError` when there is none. Nothing is
    cached.

    >>> Model("team", "digits").find_versions("2")  # doctest: +SKIP
    ['2.1.0', '2.0.0']
    """

    def __init__(self, workspace: str, model_name: str, *, api_key: str | None = None) -> None:
        self._set(panels.connect(api_key, workspace, None, None), workspace, model_name)
        self._require()

    @classmethod
    def from_registry(cls, workspace: str, model_name: str, *, api_key: str | None = None) -> Self:
        """The model of this name. GET `registry-model/compact-details`."""
        return cls(workspace, model_name, api_key=api_key)

    @classmethod
    def over(cls, connection: Connection, workspace: str, model_name: str) -> Self:
        """The model of this name, over a connection that is there already. GET `registry-model/compact-details`."""
        model = cls.__new__(cls)
        model._set(connection, workspace, model_name)
        model._require()
        return model

    @classmethod
    def minimal_backend(cls) -> Version:
        """The version of Comet's server from which on it has this registry: 3.5.42."""
        # Nobody else pays for importing it.
        from semver import Version

        return Version(3, 5, 42)

    def _set(self, connection: Connection, workspace: str, model_name: str) -> None:
        self._connection = connection
        self._workspace = workspace
        self._name = model_name
        self._place = registry.named(workspace, model_name)

    def _require(self) -> None:
        self._id = registry.model_id(self._connection.transport, self._place)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._workspace!r}, {self._name!r})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def workspace(self) -> str:
        """The workspace whose model it is."""
        return self._workspace

    def find_versions(self, version_prefix: str = "", status: str | None = None, tag: str | None = None) -> list[str]:
        """The versions, the newest first: those that begin with a prefix ("2.1"), of a status and a tag where given.

        GET `registry-model/items`.
        """
        found = registry_items.of_model(
            self._connection.transport, self._place, prefix=version_prefix, status=status, tag=tag
        )
        return [str(item["version"]) for item in found]

    def get_details(self, version: str) -> dict[str, Any]:
        """What a version is: `registryModelItemId`, `experimentModel` (where it comes from), `comment`, `tags`,
        `status`, `userName`, `createdAt` and `lastUpdated` (milliseconds since the epoch), `assets` and others.

        GET `registry-model/item/details`.
        """
        return registry_items.details(self._connection.transport, self._place, version)

    def get_assets(self, version: str) -> list[dict[str, Any]]:
        """The files of a version: `fileName`, `fileSize` in bytes, `assetId`, `link`, `remote` and others of each.

        GET `registry-model/item/download-instructions`.
        """
        item = registry_items.with_files(self._connection.transport, self._place, version)
        return list(item.get("assets") or ())

    def download(self, version: str, output_folder: str | PathLike[str] | None = None, expand: bool = True) -> Path:
        """Downloads the files of a version to a folder, a temporary one if none is given; returns the folder.

        Six at a time, each with its name once it is whole; the checksum is compared where the server says one. A file
        that is there is replaced, one whose download was cut goes on. Links to files elsewhere are left out: see
        `get_assets`. `expand` changes nothing. Raises `DownloadError` for a file that arrives damaged, and, before
        anything is written, for a path that leads out of the folder. GET `registry-model/item/download-instructions`
        and `experiment/asset/get-asset`.
        """
        item = registry_items.with_files(self._connection.transport, self._place, version)
        folder = Path(tempfile.mkdtemp() if output_folder is None else output_folder)
        files.download(self._connection, self._name, item, folder)
        return folder

    def tags(self, version: str) -> list[str]:
        """The tags of a version. GET `registry-model/item/details`."""
        return texts(self.get_details(version), "tags")

    def add_tag(self, version: str, tag: str) -> None:
        """Gives a version one more tag. GET `write/registry-model/item/stage`."""
        registry_items.add_tag(self._connection.transport, self._item_id(version), tag)

    def delete_tag(self, version: str, tag: str) -> None:
        """Takes a tag from a version. GET `write/registry-model/item/stage/delete`."""
        registry_items.delete_tag(self._connection.transport, self._item_id(version), tag)

    def status(self, version: str) -> str:
        """The status of a version, for example "Production". GET `registry-model/item/details`."""
        return str(complete(self.get_details(version), "status")["status"])

    def set_status(self, version: str, status: str) -> None:
        """Gives a version a status; `API.model_registry_allowed_status_values` lists those that it may have.

        POST `write/registry-model/item/status`.
        """
        registry_items.set_status(self._connection.transport, self._item_id(version), status)

    def get_version_history(self, version: str) -> dict[str, list[dict[str, Any]]]:
        """What was done to a version: by day ("November 16, 2023"), the newest first, a list of changes.

        `actionType`, `previousValue`, `newValue`, `comment`, `userName` and others of each. POST
        `registry-model/history/item`.
        """
        return registry_items.history(self._connection.transport, self._item_id(version))

    def get_registry_model_metadata(
        self, version: str | None = None, model_item_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The metadata of a version: `[{"key": "accuracy", "value": 0.9}, ...]`.

        GET `registry-model/item/{id}/metadata`.
        """
        return registry_items.metadata(self._connection.transport, self._item_id(version, model_item_id))

    def update_registry_model_metadata(
        self, metadata: Mapping[str, Any], version: str | None = None, model_item_id: str | None = None
    ) -> dict[str, Any]:
        """Sets entries of a version's metadata, and leaves the others. NaN is kept as "NaN", an object as its text.

        POST `write/registry-model/item/{id}/metadata`.
        """
        if not isinstance(metadata, Mapping):
            raise InvalidArgumentError(
                f"metadata={metadata!r} is no dictionary; expected one, as in {{'accuracy': 0.9}}"
            )
        item_id = self._item_id(version, model_item_id)
        return registry_items.set_metadata(self._connection.transport, item_id, as_json(metadata))

    def get_registry_model_status_configuration(
        self, version: str | None = None, model_item_id: str | None = None
    ) -> ModelStatusConfiguration | None:
        """What came with the status of a version; None for nothing.

        GET `registry-model/item/{id}/status-configuration`.
        """
        item_id = self._item_id(version, model_item_id)
        return ModelStatusConfiguration.read(registry_items.status_configuration(self._connection.transport, item_id))

    def update_registry_model_status_configuration(
        self, status_configuration: ModelStatusConfiguration | Mapping[str, Any], version: str | None = None
    ) -> dict[str, Any]:
        """Gives a version a status, and keeps what comes with it: a `ModelStatusConfiguration`, or its members as a
        dictionary. The version is the one that the configuration names, unless `version` does.

        POST `write/registry-model/item/{id}/status-configuration`.
        """
        configuration = ModelStatusConfiguration.of(status_configuration)
        item_id = self._item_id(version, None if version else configuration.model_item_id)
        return registry_items.configure_status(self._connection.transport, item_id, as_json(configuration.written()))

    def _item_id(self, version: str | None, model_item_id: str | None = None) -> str:
        if model_item_id is not None:
            return model_item_id
        if version is None:
            raise InvalidArgumentError("No version was named. Pass version=..., or model_item_id=...")
        return str(self.get_details(version)["registryModelItemId"])
