"""The models that an experiment logged."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import saving
from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import NotFoundError
from zenml_comet_tracker.comet.resources import models
from zenml_comet_tracker.comet.texts import quoted


class Models(ExperimentBase):
    """Models: names, files, download."""

    def get_model_names(self) -> list[str]:
        """The names of the models. GET `experiment/model`."""
        return [str(model["modelName"]) for model in models.of_experiment(self._transport, self.key)]

    def get_model_asset_list(self, model_name: str) -> list[dict[str, Any]]:
        """The assets that make up one model, as from `get_asset_list`; empty when there is no such model.

        GET `experiment/model/asset/list`.
        """
        return models.assets(self._transport, self.key, model_name)

    def get_model_data(self, name: str) -> list[dict[str, Any]]:
        """As `get_model_asset_list`: `fileName`, `fileSize`, `link`, `createdAt`, `metadata` and more of each file."""
        return self.get_model_asset_list(name)

    def download_model(
        self,
        name: str,
        output: str | PathLike[str] = "./",
        output_path: str | PathLike[str] | None = None,
        expand: bool = True,
    ) -> None:
        """Saves all files of a model below the folder `output`, under the paths they were logged with.

        Files that are there are replaced. Without `expand` the model is saved as one file `<name>.zip`. `output_path`
        is what newer SDKs call `output`. Raises `NotFoundError` for a model that the experiment does not have, and
        `DownloadError`, before anything is written, when a path leads out of the folder. GET
        `experiment/model/download`.
        """
        folder = Path(output if output_path is None else output_path)
        pieces = models.download(self._transport, self.key, name)
        try:
            if expand:
                saving.unpack(pieces, folder)
            else:
                saving.save(pieces, saving.below(folder, f"{name}.zip"))
        except NotFoundError as error:
            raise NotFoundError(
                f"Model {quoted(name)} of experiment {self.key}",
                status=error.status,
                sdk_error_code=error.sdk_error_code,
                server_message=f"{error.server_message} get_model_names() names those that the experiment has.",
            ) from None
