"""What is looked at: images, figures, matrices, text samples."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import media, values
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.surface.files import FileData


class Pictures(Surface):
    """Images, figures, confusion matrices and text samples."""

    @logging_call
    def log_text(self, text: str, step: Any = None, metadata: Any = None) -> dict[str, str] | None:
        """Logs a text sample; returns the same as `log_asset`."""
        data = values.text_of(text).encode()
        return self._record.file("asset", "text-sample.txt", data, type="text-sample", step=step, metadata=metadata)

    @logging_call
    def log_image(
        self,
        image_data: FileData,
        name: str | None = None,
        overwrite: bool = False,
        image_format: str = "png",
        *,
        step: Any = None,
        metadata: Any = None,
    ) -> dict[str, str] | None:
        """Logs a picture: a path as it is, a PIL image or an array (h, w[, 1|3|4]) encoded as `image_format`."""
        data: Path | bytes
        if isinstance(image_data, str | PathLike):
            data, default = media.file_contents(image_data, None)
            image_format = Path(default).suffix.lstrip(".") or image_format
        else:
            data, default = media.image_bytes(image_data, image_format), f"image.{image_format}"
        return self._record.file(
            "image",
            name or default,
            data,
            extension=image_format,
            step=step,
            overwrite=overwrite,
            metadata=metadata,
        )

    @logging_call
    def log_figure(
        self, figure_name: str | None = None, figure: Any = None, overwrite: bool = False, step: Any = None
    ) -> dict[str, str] | None:
        """Logs a matplotlib figure as PNG; the current one when none is given."""
        name, data = figure_name or "figure.png", media.figure_bytes(figure)
        return self._record.file("image", name, data, extension="png", step=step, overwrite=overwrite)

    @logging_call
    def log_confusion_matrix(
        self,
        y_true: Sequence[Any] | None = None,
        y_predicted: Sequence[Any] | None = None,
        matrix: Sequence[Sequence[float]] | None = None,
        labels: Sequence[Any] | None = None,
        title: str = "Confusion Matrix",
        row_label: str = "Actual Category",
        column_label: str = "Predicted Category",
        *,
        file_name: str = "confusion-matrix.json",
        overwrite: bool = False,
        step: Any = None,
        epoch: Any = None,
    ) -> dict[str, str] | None:
        """Logs a confusion matrix, counted from classes or given as `matrix` (rows are the truth)."""
        data = media.confusion_matrix_bytes(
            y_true, y_predicted, matrix, labels, title=title, row_label=row_label, column_label=column_label
        )
        return self._record.file(
            "asset", file_name, data, type="confusion-matrix", step=step, epoch=epoch, overwrite=overwrite
        )
