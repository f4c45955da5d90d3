"""Live logging to one experiment. No call waits for the network, none raises into the step (unless `strict`)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from zenml_comet_tracker.comet import media, values
from zenml_comet_tracker.comet.errors import DeliveryError, InvalidValueError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT, error_text
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.handle import Handle, new_handle
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.recorder import Recorder
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.resources.others import NAME_KEY
from zenml_comet_tracker.comet.settings import ResolvedSettings, resolve
from zenml_comet_tracker.comet.stats import DeliveryReport, Stats

logger = logging.getLogger(__name__)

FileData = Any


class Experiment:
    """One experiment that is being logged. Constructing it does no network I/O; what is logged goes to a journal on
    disk first and is delivered in the background; with `url="offline"` it stays there for `zenml-comet sync`.

    Arguments left out come from the environment and Comet's configuration files (see `comet.settings`). With `strict`,
    a value that cannot be logged raises `InvalidValueError`, and an `end` that leaves something undelivered raises
    `DeliveryError`. `durability="sync"` survives a power cut too, at the price of one fsync a call. `protocol` is
    "batch", "rest", or "auto", which finds out what the server allows. Only a `primary` writer sets the end status.
    Raises `ConfigurationError` for a missing API key or an unusable setting, `JournalError` when no journal can be
    written.

    >>> with Experiment(project_name="digits") as experiment:        # doctest: +SKIP
    ...     experiment.log_metric("loss", 0.3, step=1)
    """

    def __init__(
        self,
        api_key: str | None = None,
        workspace: str | None = None,
        project_name: str | None = None,
        *,
        url: str | None = None,
        experiment_key: str | None = None,
        experiment_name: str | None = None,
        tags: Iterable[str] = (),
        mode: str = "create",
        attempt: int = 1,
        primary: bool = True,
        journal_folder: str | PathLike[str] | None = None,
        strict: bool = False,
        durability: str = "process",
        journal_max_bytes: int | None = None,
        journal_persistent: bool | None = None,
        protocol: str | None = None,
        component_id: str | None = None,
        settings: ResolvedSettings | None = None,
    ) -> None:
        settings = settings or resolve(
            api_key=api_key, workspace=workspace, project_name=project_name, url=url, experiment_key=experiment_key
        )
        handle = new_handle(
            settings,
            mode=mode,
            attempt=attempt,
            primary=primary,
            journal_folder=journal_folder,
            strict=strict,
            durability=durability,
            journal_max_bytes=journal_max_bytes,
            journal_persistent=journal_persistent,
            protocol=protocol,
            component_id=component_id,
        )
        self._open(handle, Live(handle))
        if experiment_name:
            self.set_name(experiment_name)
        self.add_tags(tags)

    def _open(self, handle: Handle, live: Live) -> None:
        self._settings = handle.settings
        self._strict = handle.strict
        self._name = handle.name
        self._live = live
        self._record = Recorder(live, strict=handle.strict)

    def __reduce__(self) -> tuple[Any, ...]:
        """A handle for another process: it writes to the same experiment, with its first call, and does not end it."""
        return _arrive, (type(self), replace(self._live.handle(), name=self._name))

    def __copy__(self) -> Experiment:
        """Itself: there is one of it in a process."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Experiment:
        """Itself, as with `copy.copy`."""
        return self

    def __repr__(self) -> str:
        return f"Experiment({self.id!r}, root={self._settings.root!r})"

    def __enter__(self) -> Experiment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.end()
        else:
            # Nothing may take the place of the exception that is on its way.
            self._end(error, None)

    @property
    def id(self) -> str:
        """The experiment key, made by the client: it exists before the network does."""
        return self._live.header.experiment_key

    def get_key(self) -> str:
        """The experiment key."""
        return self.id

    @property
    def name(self) -> str | None:
        """The name last set here."""
        return self._name

    @property
    def workspace(self) -> str | None:
        """The workspace; None while the server's default applies and the server has not said which that is."""
        return self._place_names()[0]

    @property
    def project_name(self) -> str | None:
        """The project; None while the server's default applies and the server has not said which that is."""
        return self._place_names()[1]

    @property
    def url(self) -> str | None:
        """The experiment's page; None until workspace and project are known. Never a guess."""
        said = self._live.handshake and self._live.handshake.page
        return said or experiments.page(self._settings.root, *self._place_names(), self.id)

    @property
    def opening(self) -> Literal["opened", "refused", "pending"]:
        """What the server said to opening the experiment; `pending` until it answers."""
        return self._live.opening()

    def wait_for_url(self, timeout: float) -> str | None:
        """The page once the server has opened the experiment; early when it refuses or cannot be reached."""
        self._live.wait_for_handshake(timeout)
        return self.url

    def stats(self) -> Stats:
        """How many values were accepted, sent, refused and dropped, and how many wait."""
        return self._live.stats()

    def log_metric(self, name: Any, value: Any, step: Any = None, epoch: Any = None) -> None:
        """Logs one number. NaN and infinities are kept; `epoch` may be a fraction."""
        # As `logging_call`, without its detour: this is the call that loops make.
        try:
            self._record.metric(name, value, step, epoch)
        except Exception as error:
            self._excuse("log_metric", error)

    @logging_call
    def log_metrics(self, dic: Any, prefix: str | None = None, step: Any = None, epoch: Any = None) -> None:
        """Logs several numbers of one moment; nested mappings join their names by `/`, the prefix by `_`."""
        self._record.metrics(dic, prefix, step, epoch)

    @logging_call
    def log_parameter(self, name: Any, value: Any, step: Any = None) -> None:
        """Logs one parameter; the last value wins. Nested values become several, names joined by `|`."""
        self._record.parameter(name, value, step)

    @logging_call
    def log_parameters(self, parameters: Any, prefix: str | None = None, step: Any = None) -> None:
        """Logs the parameters of a mapping, dataclass, pydantic model or argparse namespace."""
        self._record.parameters(parameters, prefix, step)

    @logging_call
    def log_other(self, key: Any, value: Any) -> None:
        """Logs a named value that is neither metric nor parameter; the last one wins."""
        self._record.other(key, value)

    @logging_call
    def log_others(self, dictionary: Any) -> None:
        """Logs each item of a mapping as an other."""
        self._record.others(dictionary)

    @logging_call
    def set_name(self, name: Any) -> None:
        """Names the experiment."""
        self._name = values.name_of(name)
        self._record.other(NAME_KEY, self._name)

    @logging_call
    def add_tag(self, tag: Any) -> None:
        """Adds one tag."""
        self._record.tags([tag])

    @logging_call
    def add_tags(self, tags: Iterable[Any]) -> None:
        """Adds tags to those the experiment has; a single text is one tag."""
        self._record.tags([tags] if isinstance(tags, str) else list(tags))

    @logging_call
    def log_html(self, html: str, clear: bool = False) -> None:
        """Appends to the experiment's HTML page, or replaces it with `clear`."""
        self._record.html(html, clear=bool(clear))

    @logging_call
    def log_text(self, text: str, step: Any = None, metadata: Any = None) -> dict[str, str] | None:
        """Logs a text sample; returns the same as `log_asset`."""
        data = values.text_of(text).encode()
        return self._record.file("asset", "text-sample.txt", data, type="text-sample", step=step, metadata=metadata)

    @logging_call
    def log_asset(
        self,
        file_data: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        copy_to_tmp: bool = True,
        step: Any = None,
        metadata: Any = None,
    ) -> dict[str, str] | None:
        """Logs a file, given as a path or an open file, with the bytes it has now.

        Returns `assetId` and the URL `api` where the bytes can be read with the API key. `copy_to_tmp` is accepted for
        the sake of code written for Comet: the bytes are always kept until they are delivered.
        """
        data, name = media.file_contents(file_data, file_name)
        return self._record.file("asset", name, data, step=step, overwrite=overwrite, metadata=metadata)

    @logging_call
    def log_asset_data(
        self,
        data: Any,
        name: str | None = None,
        overwrite: bool = False,
        step: Any = None,
        metadata: Any = None,
        file_name: str | None = None,
        epoch: Any = None,
    ) -> dict[str, str] | None:
        """Logs bytes, a text, or anything JSON can hold as a file; returns the same as `log_asset`."""
        content = media.data_bytes(data)
        return self._record.file(
            "asset",
            file_name or name or "data",
            content,
            step=step,
            epoch=epoch,
            overwrite=overwrite,
            metadata=metadata,
        )

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

    @logging_call
    def log_model(
        self,
        name: str,
        file_or_folder: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        metadata: Any = None,
    ) -> None:
        """Logs a file, or every file of a folder, as the model `name`."""
        found: list[tuple[Path | bytes, str]]
        if isinstance(file_or_folder, str | PathLike) and Path(file_or_folder).is_dir():
            found = list(media.files_below(Path(file_or_folder)))
            if not found:
                raise InvalidValueError(f"the model folder {file_or_folder} holds no file")
        else:
            found = [media.file_contents(file_or_folder, file_name)]
        for data, element in found:
            self._record.file(
                "asset",
                element,
                data,
                type="model-element",
                grouping_name=name,
                overwrite=overwrite,
                metadata=metadata,
            )

    def flush(self, timeout: float | None = None) -> bool:
        """Whether all that was logged so far was delivered within `timeout` seconds (30 by default)."""
        return self._live.flush(FINISH_TIMEOUT if timeout is None else timeout)

    def end(self, timeout: float | None = None, error: BaseException | str | None = None) -> DeliveryReport:
        """Ends the experiment, failed when an `error` is given, and waits for delivery at most `timeout` seconds.

        Returns early when the server cannot be reached and the journal keeps the rest, and at once when offline. Raises
        nothing, except `DeliveryError` when strict, not offline, and something is left. Later logging calls are dropped
        and counted.
        """
        report = self._end(error, timeout)
        if self._strict and not report.delivered and not self._settings.offline:
            raise DeliveryError(f"Experiment {self.id} is not delivered whole: {report.reason}")
        return report

    def _end(self, error: BaseException | str | None, timeout: float | None) -> DeliveryReport:
        first = not self._live.ended
        report = self._live.end(error_text(error), FINISH_TIMEOUT if timeout is None else timeout)
        if first and self._settings.offline:
            logger.warning("%s", self._live.describe(report))
        return report

    def _excuse(self, call: str, error: Exception) -> None:
        """Counts and says what a logging call failed of; raises it when strict."""
        if self._strict:
            raise error
        self._live.drop(f"{call}: {type(error).__name__}", f"{call}: {error}")

    def _place_names(self) -> tuple[str | None, str | None]:
        handshake = self._live.handshake
        said = handshake.names if handshake is not None else (None, None)
        return said[0] or self._settings.workspace, said[1] or self._settings.project_name


def _arrive(kind: type[Experiment], sent: Handle) -> Experiment:
    """The experiment of the process that unpickles a handle."""
    experiment = kind.__new__(kind)
    handle = sent.arrived()
    experiment._open(handle, Live(handle, lazy=True))
    return experiment
