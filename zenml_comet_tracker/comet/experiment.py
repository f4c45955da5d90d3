"""Live logging to one experiment. No call waits for the network, none raises into the step (unless `strict`)."""

from __future__ import annotations

import functools
import re
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast
from urllib.parse import quote

from zenml_comet_tracker.comet import media, values
from zenml_comet_tracker.comet.errors import ConfigurationError, DeliveryError, InvalidValueError
from zenml_comet_tracker.comet.journal.place import find_place
from zenml_comet_tracker.comet.journal.record import Header, fingerprint
from zenml_comet_tracker.comet.live import FINISH_TIMEOUT, DeliveryReport, Live, Stats, error_text
from zenml_comet_tracker.comet.recorder import Recorder
from zenml_comet_tracker.comet.resources.others import NAME_KEY
from zenml_comet_tracker.comet.settings import resolve
from zenml_comet_tracker.comet.transport import open_transport

_KEY_FORM = re.compile(r"[0-9A-Za-z]{32,50}")
_MODES = ("create", "get_or_create")
_DURABILITIES = ("process", "sync")

P = ParamSpec("P")
R = TypeVar("R")
FileData = Any


def _logging_call(
    method: Callable[Concatenate[Experiment, P], R],
) -> Callable[Concatenate[Experiment, P], R | None]:
    """Keeps every exception of a logging call from the step: it is counted and said, and raised only when strict."""

    @functools.wraps(method)
    def guarded(self: Experiment, *args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            if self._strict:
                raise
            self._live.drop(f"{method.__name__}: {type(error).__name__}", f"{method.__name__}: {error}")
            return None

    return cast("Callable[Concatenate[Experiment, P], R | None]", guarded)


class Experiment:
    """One experiment that is being logged. Constructing it does no network I/O; what is logged goes to a journal on
    disk first and is delivered in the background.

    Arguments left out come from the environment and Comet's configuration files (see `comet.settings`). With `strict`,
    a value that cannot be logged raises `InvalidValueError`, and an `end` that leaves something undelivered raises
    `DeliveryError`. `durability="sync"` survives a power cut too, at the price of one fsync a call. Only a `primary`
    writer sets the end status. Raises `ConfigurationError` for a missing API key or an unusable setting, `JournalError`
    when no journal can be written.

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
    ) -> None:
        _expect("mode", mode, _MODES)
        _expect("durability", durability, _DURABILITIES)
        settings = resolve(
            api_key=api_key, workspace=workspace, project_name=project_name, url=url, experiment_key=experiment_key
        )
        self._settings = settings
        self._strict = strict
        self._name: str | None = None
        header = Header(
            experiment_key=_checked_key(settings.experiment_key),
            root=settings.root,
            key_fingerprint=fingerprint(settings.api_key),
            workspace=settings.workspace,
            project_name=settings.project_name,
            primary=primary,
            mode=mode,
            attempt=attempt,
            started_millis=time.time_ns() // 1_000_000,
        )
        place = find_place(journal_folder)
        self._live = Live(
            header, place, settings.api_key, functools.partial(open_transport, settings), durability=durability
        )
        self._record = Recorder(self._live, strict=strict)
        if experiment_name:
            self.set_name(experiment_name)
        self.add_tags(tags)

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
            # Nothing may take the place of the exception that is on its way; leaving with success is no failure.
            left_well = isinstance(error, SystemExit) and error.code in (None, 0)
            self._live.end(None if left_well else error_text(error), FINISH_TIMEOUT)

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
        handshake = self._live.handshake
        if handshake is not None and handshake.focus_url:
            return handshake.focus_url + self.id
        workspace, project = self._place_names()
        if workspace and project:
            return f"{self._settings.root}/{quote(workspace, safe='')}/{quote(project, safe='')}/{self.id}"
        return None

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

    @_logging_call
    def log_metric(self, name: Any, value: Any, step: Any = None, epoch: Any = None) -> None:
        """Logs one number. NaN and infinities are kept; `epoch` may be a fraction."""
        self._record.metrics((values.metric(name, value),), step, epoch)

    @_logging_call
    def log_metrics(self, dic: Any, prefix: str | None = None, step: Any = None, epoch: Any = None) -> None:
        """Logs several numbers of one moment; nested mappings join their names by `/`, the prefix by `_`."""
        self._record.metrics(values.metrics(dic, prefix), step, epoch)

    @_logging_call
    def log_parameter(self, name: Any, value: Any, step: Any = None) -> None:
        """Logs one parameter; the last value wins. Nested values become several, names joined by `|`."""
        self._record.parameters({name: value}, None, step)

    @_logging_call
    def log_parameters(self, parameters: Any, prefix: str | None = None, step: Any = None) -> None:
        """Logs the parameters of a mapping, dataclass, pydantic model or argparse namespace."""
        self._record.parameters(parameters, prefix, step)

    @_logging_call
    def log_other(self, key: Any, value: Any) -> None:
        """Logs a named value that is neither metric nor parameter; the last one wins."""
        self._record.other(key, value)

    @_logging_call
    def log_others(self, dictionary: Any) -> None:
        """Logs each item of a mapping as an other."""
        for key, value in dict(dictionary).items():
            self.log_other(key, value)

    @_logging_call
    def set_name(self, name: Any) -> None:
        """Names the experiment."""
        self._name = values.name_of(name)
        self._record.other(NAME_KEY, self._name)

    @_logging_call
    def add_tag(self, tag: Any) -> None:
        """Adds one tag."""
        self._record.tags([tag])

    @_logging_call
    def add_tags(self, tags: Iterable[Any]) -> None:
        """Adds tags to those the experiment has; a single text is one tag."""
        self._record.tags([tags] if isinstance(tags, str) else list(tags))

    @_logging_call
    def log_html(self, html: str, clear: bool = False) -> None:
        """Appends to the experiment's HTML page, or replaces it with `clear`."""
        self._record.html(html, clear=bool(clear))

    @_logging_call
    def log_text(self, text: str, step: Any = None, metadata: Any = None) -> dict[str, str] | None:
        """Logs a text sample; returns the same as `log_asset`."""
        data = values.text_of(text).encode()
        return self._record.file("asset", "text-sample.txt", data, type="text-sample", step=step, metadata=metadata)

    @_logging_call
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

    @_logging_call
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

    @_logging_call
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

    @_logging_call
    def log_figure(
        self, figure_name: str | None = None, figure: Any = None, overwrite: bool = False, step: Any = None
    ) -> dict[str, str] | None:
        """Logs a matplotlib figure as PNG; the current one when none is given."""
        name, data = figure_name or "figure.png", media.figure_bytes(figure)
        return self._record.file("image", name, data, extension="png", step=step, overwrite=overwrite)

    @_logging_call
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

    @_logging_call
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

        Returns early when the server cannot be reached and the journal keeps the rest. Raises nothing, except
        `DeliveryError` when strict and something is left. Later logging calls are dropped and counted.
        """
        report = self._live.end(error_text(error), FINISH_TIMEOUT if timeout is None else timeout)
        if self._strict and not report.delivered:
            raise DeliveryError(f"Experiment {self.id} is not delivered whole: {report.reason}")
        return report

    def _place_names(self) -> tuple[str | None, str | None]:
        handshake = self._live.handshake
        said = handshake.names if handshake is not None else (None, None)
        return said[0] or self._settings.workspace, said[1] or self._settings.project_name


def _expect(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigurationError(f"{name}={value!r} is unknown; expected one of {', '.join(map(repr, allowed))}")


def _checked_key(key: str | None) -> str:
    if key is None:
        return uuid.uuid4().hex
    if not _KEY_FORM.fullmatch(key):
        raise ConfigurationError(
            f"The experiment key {key!r} cannot be used; expected 32 to 50 letters and digits. "
            "Leave it out to get a new one."
        )
    return key
