"""What is charted: curves, histograms, confusion matrices, points in space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media.curves import curve_bytes
from zenml_comet_tracker.comet.media.histograms import Bins, histogram_bytes
from zenml_comet_tracker.comet.media.matrices import Examples, confusion_matrix_bytes
from zenml_comet_tracker.comet.media.scenes import scene_of
from zenml_comet_tracker.comet.surface.files import Logged, described
from zenml_comet_tracker.comet.surface.pictures import Pictures
from zenml_comet_tracker.comet.texts import text_of


class Charts(Pictures):
    """Curves, histograms, confusion matrices and 3-D scenes."""

    @logging_call
    def log_curve(
        self, name: str, x: Any, y: Any, overwrite: bool = False, step: Any = None, metadata: Any = None
    ) -> Logged | None:
        """Logs a curve of as many `x` as `y`; returns the same as `log_asset`."""
        data = curve_bytes(text_of(name), x, y)
        return self._record.file("asset", name, data, type="curve", overwrite=overwrite, step=step, metadata=metadata)

    @logging_call
    def log_histogram_3d(
        self,
        /,
        values: Any,
        name: str | None = None,
        step: Any = None,
        epoch: Any = None,
        metadata: Any = None,
        **kwargs: Any,
    ) -> Logged | None:
        """Logs how numbers are distributed, nested lists, arrays and tensors of any shape; returns the same as
        `log_asset`.

        `start`, `stop`, `step` (the factor from bin to bin) and `offset` are those of the bins. NaN and infinities are
        left out.
        """
        data = histogram_bytes(values, Bins(**kwargs))
        more = {"step": step, "epoch": epoch, "metadata": metadata}
        return self._record.file("asset", name or "histogram_3d.json", data, type="histogram3d", **more)

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
        max_examples_per_cell: int = 25,
        max_categories: int = 25,
        winner_function: Callable[[Any], Any] | None = None,
        index_to_example_function: Callable[[int], Any] | None = None,
        cache: bool = True,
        file_name: str = "confusion-matrix.json",
        overwrite: bool = False,
        step: Any = None,
        epoch: Any = None,
        images: Sequence[Any] | None = None,
        selected: Sequence[Any] | None = None,
        images_annotations: Any = None,
        metadata: Any = None,
    ) -> Logged | None:
        """Logs a confusion matrix, counted from classes or given as `matrix` (rows are the truth); returns the same as
        `log_asset`.

        `winner_function` finds the class in a row of scores, without it the greatest wins. `index_to_example_function`
        gives what to show of a sample, a text or a mapping with `sample` and `assetId`, of up to
        `max_examples_per_cell` of each cell; `images`, one a sample, are logged and shown in its place. All categories
        are kept, whatever `max_categories` and `selected` say; `cache` and `images_annotations` change nothing.
        """
        example_of = index_to_example_function
        if images is not None and example_of is None:
            example_of = self._example_of_images(images)
        data = confusion_matrix_bytes(
            y_true,
            y_predicted,
            matrix,
            labels,
            title=title,
            row_label=row_label,
            column_label=column_label,
            winner_function=winner_function,
            examples=Examples(max_examples_per_cell, example_of),
        )
        more = {"step": step, "epoch": epoch, "overwrite": overwrite, "metadata": metadata}
        return self._record.file("asset", file_name, data, type="confusion-matrix", **more)

    @logging_call
    def log_points_3d(
        self,
        scene_name: str,
        points: Any = None,
        boxes: Iterable[Mapping[str, Any]] | None = None,
        step: Any = None,
        metadata: Any = None,
    ) -> None:
        """Logs a scene in space: `points` of at least three numbers each, `boxes` as mappings with `position`, `size`,
        `label` and others. In documented REST, which knows no scenes, it is one file of JSON lines."""
        scene = scene_of(points, boxes)
        self._record.file(
            "scene",
            scene_name,
            scene.points + scene.boxes,
            type="3d-image",
            step=step,
            metadata=described(metadata, scene.ranges),
            members={"points": len(scene.points)},
        )

    def _example_of_images(self, images: Sequence[Any]) -> Callable[[int], Any]:
        def example_of(index: int) -> Any:
            logged = self.log_image(images[index], f"confusion-matrix-{index}.png")
            return {"sample": f"Sample {index}", "assetId": logged and logged["assetId"]}

        return example_of
