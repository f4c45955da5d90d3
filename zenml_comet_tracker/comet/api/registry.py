"""The model registry of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import saving
from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.registry import files
from zenml_comet_tracker.comet.registry.model import Model
from zenml_comet_tracker.comet.resources import registry, registry_items


class Registry(ApiBase):
    """What `API` does with registered models. `get_model` gives one of them, with methods of its own."""

    def get_model(self, workspace: str | None, model_name: str) -> Model:
        """The registered model of this name; `NotFoundError` when there is none.

        GET `registry-model/compact-details`.
        """
        return Model.over(self._connection, self._workspace(workspace), model_name)

    def get_registry_model_names(self, workspace: str | None) -> list[str]:
        """The names of the workspace's registered models. GET `registry-model`."""
        found = registry.of_workspace(self._connection.transport, self._workspace(workspace))
        return [str(model["modelName"]) for model in found]

    def get_registry_model_count(self, workspace: str | None) -> int:
        """How many models the workspace has registered. GET `registry-model/count`."""
        return registry.count(self._connection.transport, self._workspace(workspace))

    def get_registry_model_details(
        self, workspace: str | None, registry_name: str, version: str | None = None
    ) -> dict[str, Any] | None:
        """What a model is, with all of its `versions`; or one of its versions, None when it has none of this number.

        Raises `NotFoundError` for a model that is not there. GET `registry-model/details`.
        """
        found = registry.details(self._connection.transport, self._model(workspace, registry_name))
        if version is None:
            return found
        return next((item for item in found["versions"] if item["version"] == version), None)

    def get_registry_model_versions(self, workspace: str | None, registry_name: str) -> list[str]:
        """The versions of a model, the newest first. GET `registry-model/details`."""
        found = registry.details(self._connection.transport, self._model(workspace, registry_name))
        return [str(item["version"]) for item in found["versions"]]

    def get_latest_registry_model_version_details(
        self,
        workspace: str | None,
        registry_name: str,
        stage: str | None = None,
        version_major: int | None = None,
        version_minor: int | None = None,
    ) -> dict[str, Any]:
        """The highest version of a model: of a stage, which is a tag, or of a number where given.

        Raises `NotFoundError` when there is none. GET `registry-model/latest_version`.
        """
        place = self._model(workspace, registry_name)
        return registry.latest_version(
            self._connection.transport, place, stage=stage, major=version_major, minor=version_minor
        )

    def get_model_registry_version_assets(
        self, workspace: str | None, registry_name: str, version: str | None = None, stage: str | None = None
    ) -> dict[str, Any]:
        """What a version is, with its `assets`: of `version`, else of the newest one, of a stage where given.

        GET `registry-model/item/download-instructions`.
        """
        place = self._model(workspace, registry_name)
        return registry_items.with_files(self._connection.transport, place, version, stage)

    def get_registry_model_notes(self, workspace: str | None, registry_name: str) -> str | None:
        """The notes on a model. GET `registry-model/notes`."""
        return registry.notes(self._connection.transport, self._model(workspace, registry_name))

    def update_registry_model_notes(self, workspace: str | None, registry_name: str, notes: str) -> dict[str, Any]:
        """Sets the notes in place of those that are there. POST `write/registry-model/notes`."""
        return registry.set_notes(self._connection.transport, self._workspace(workspace), registry_name, notes)

    def model_registry_allowed_status_values(self, workspace: str | None) -> list[str]:
        """The statuses that a version may have. GET `registry-model/allowed_status_values`."""
        return registry.allowed_statuses(self._connection.transport, self._workspace(workspace))

    def update_registry_model(
        self,
        workspace: str | None,
        registry_name: str,
        new_name: str | None = None,
        description: str | None = None,
        public: bool | None = None,
    ) -> dict[str, Any]:
        """Sets what is given of a model, and leaves the rest. POST `write/registry-model/update`."""
        if new_name is None and description is None and public is None:
            raise InvalidArgumentError("Nothing to update was named. Pass new_name=..., description=... or public=...")
        transport = self._connection.transport
        model = registry.model_id(transport, self._model(workspace, registry_name))
        return registry.update(transport, model, name=new_name, description=description, public=public)

    def update_registry_model_version(
        self,
        workspace: str | None,
        registry_name: str,
        version: str,
        comment: str | None = None,
        stages: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Sets comment and stages of a version, which take the place of those before.

        POST `write/registry-model/item/update`.
        """
        if comment is None and stages is None:
            raise InvalidArgumentError("Nothing to update was named. Pass comment=... or stages=[...]")
        if isinstance(stages, str):
            raise InvalidArgumentError(f"stages={stages!r} is one text; expected a list, as in stages=[{stages!r}]")
        item_id = self._item_id(workspace, registry_name, version)
        return registry_items.update(self._connection.transport, item_id, comment=comment, tags=stages)

    def add_registry_model_version_stage(
        self, workspace: str | None, registry_name: str, version: str, stage: str
    ) -> dict[str, Any]:
        """Gives a version one more stage, which is a tag. GET `write/registry-model/item/stage`."""
        item_id = self._item_id(workspace, registry_name, version)
        return registry_items.add_tag(self._connection.transport, item_id, stage)

    def delete_registry_model_version_stage(
        self, workspace: str | None, registry_name: str, version: str, stage: str
    ) -> dict[str, Any]:
        """Takes a stage from a version. GET `write/registry-model/item/stage/delete`."""
        item_id = self._item_id(workspace, registry_name, version)
        return registry_items.delete_tag(self._connection.transport, item_id, stage)

    def delete_registry_model(self, workspace: str | None, registry_name: str) -> dict[str, Any]:
        """Takes a model away with all of its versions; experiments keep what they logged.

        GET `write/registry-model/delete`.
        """
        return registry.delete(self._connection.transport, self._model(workspace, registry_name))

    def delete_registry_model_version(self, workspace: str | None, registry_name: str, version: str) -> dict[str, Any]:
        """Takes a version away; the experiment keeps its model. GET `write/registry-model/item/delete`."""
        item_id = self._item_id(workspace, registry_name, version)
        return registry_items.delete(self._connection.transport, item_id)

    def download_registry_model(
        self,
        workspace: str | None,
        registry_name: str,
        version: str | None = None,
        output_path: str | PathLike[str] = "./",
        expand: bool = True,
        stage: str | None = None,
    ) -> None:
        """Saves the files of a version below a folder: of `version`, else of the newest one, of a stage where given.

        As `Model.download` does it; without `expand` as one file `<name>_<version>.zip`.
        GET `registry-model/item/download-instructions`, then `experiment/asset/get-asset` or
        `registry-model/item/download`.
        """
        transport, place, folder = self._connection.transport, self._model(workspace, registry_name), Path(output_path)
        item = registry_items.with_files(transport, place, version, stage)
        if expand:
            files.download(self._connection, registry_name, item, folder)
            return
        path = saving.below(folder, f"{registry_name}_{item['version']}.zip")
        saving.save(registry_items.download(transport, place, str(item["version"])), path, saving.check_zip)

    def _model(self, workspace: str | None, registry_name: str) -> registry.Place:
        return registry.named(self._workspace(workspace), registry_name)

    def _item_id(self, workspace: str | None, registry_name: str, version: str) -> str:
        item = registry_items.details(self._connection.transport, self._model(workspace, registry_name), version)
        return str(item["registryModelItemId"])
