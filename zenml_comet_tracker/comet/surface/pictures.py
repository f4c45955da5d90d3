"""What is looked at, listened to and read: images, figures, films, sounds, text samples."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media import pictures, sounds
from zenml_comet_tracker.comet.media.files import file_contents
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.surface.files import FileData, Logged, described

FIGURE_FORMATS = ("auto", "png", "svg")


class Pictures(Surface):
    """Images, figures, films, sounds and text samples."""

    @logging_call
    def log_text(self, text: str, step: Any = None, metadata: Any = None) -> Logged | None:
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
        image_scale: float = 1.0,
        image_shape: tuple[int, int] | None = None,
        image_colormap: str | None = None,
        image_minmax: tuple[float, float] | None = None,
        image_channels: str = "last",
        copy_to_tmp: bool = True,
        step: Any = None,
        annotations: Any = None,
        metadata: Any = None,
    ) -> Logged | None:
        """Logs a picture: a path or an open file as it is, a PIL image or an array (h, w[, 1|3|4]) encoded as
        `image_format`; returns the same as `log_asset`.

        Arrays of whole numbers hold 0..255, of floats 0..1; `image_minmax` says another range. `image_shape` (width,
        height) and `image_scale` change the size, `image_colormap` (of matplotlib) colours one channel, and
        `image_channels="first"` takes arrays of shape (channels, h, w). `annotations` (boxes, points, labels) are kept
        in the metadata.
        """
        data: Path | bytes
        if isinstance(image_data, str | PathLike) or callable(getattr(image_data, "read", None)):
            data, default = file_contents(image_data, None)
            image_format = Path(name or default).suffix.lstrip(".") or Path(default).suffix.lstrip(".") or image_format
        else:
            look = pictures.Look(image_scale, image_shape, image_colormap, image_minmax, image_channels)
            data, default = pictures.image_bytes(image_data, image_format, look), f"image.{image_format}"
        if annotations is not None:
            metadata = described(metadata, {"annotations": annotations})
        more = {"step": step, "overwrite": overwrite, "metadata": metadata}
        return self._record.file("image", name or default, data, extension=image_format, **more)

    @logging_call
    def log_figure(
        self,
        figure_name: str | None = None,
        figure: Any = None,
        overwrite: bool = False,
        step: Any = None,
        metadata: Any = None,
        format: str = "auto",
    ) -> Logged | None:
        """Logs a matplotlib figure as PNG, or SVG (`format`); the current one when none is given. A figure of plotly
        is logged as the page that it is. Returns the same as `log_asset`."""
        if format not in FIGURE_FORMATS:
            raise InvalidValueError(f"format={format!r} is unknown; expected one of {', '.join(FIGURE_FORMATS)}")
        more = {"step": step, "overwrite": overwrite, "metadata": metadata}
        if pictures.is_plotly(figure):
            page = figure.to_html(include_plotlyjs=True).encode("utf-8", "replace")
            return self._record.file("asset", f"{figure_name or 'figure'}.html", page, **more)
        ending = "png" if format == "auto" else format
        data = pictures.figure_bytes(figure, ending)
        return self._record.file("image", figure_name or f"figure.{ending}", data, extension=ending, **more)

    @logging_call
    def log_audio(
        self,
        audio_data: FileData,
        sample_rate: int | None = None,
        normalize_data: str = "PCM_16_BIT",
        file_name: str | None = None,
        metadata: Any = None,
        overwrite: bool = False,
        copy_to_tmp: bool = True,
        step: Any = None,
    ) -> Logged | None:
        """Logs a sound: a path or an open file as it is, or samples of shape (n,) or (n, channels) as WAV, at
        `sample_rate` a second. Returns the same as `log_asset`.

        `PCM_16_BIT` scales samples so that the loudest uses all of 16 bits, `OFF` leaves them as they are.
        """
        data: Path | bytes
        if isinstance(audio_data, str | PathLike) or callable(getattr(audio_data, "read", None)):
            data, name = file_contents(audio_data, file_name)
        elif sample_rate is None:
            raise InvalidValueError("Audio that is not a file needs its sample_rate, samples a second")
        else:
            data, name = sounds.wav_bytes(audio_data, sample_rate, normalize_data), file_name or "audio.wav"
        if sample_rate is not None:
            metadata = described(metadata, {"sample_rate": sample_rate})
        return self._record.file("asset", name, data, type="audio", step=step, overwrite=overwrite, metadata=metadata)

    @logging_call
    def log_video(
        self,
        file: FileData,
        name: str | None = None,
        overwrite: bool = False,
        format: str | None = None,
        step: Any = None,
        epoch: Any = None,
        metadata: Any = None,
    ) -> Logged | None:
        """Logs a film, given as a path or an open file; returns the same as `log_asset`. `format` is its ending, where
        the name has none. Comet plays mp4, mov, wmv and gif."""
        data, shown = file_contents(file, name)
        ending = format or Path(shown).suffix.lstrip(".") or None
        more = {"step": step, "epoch": epoch, "overwrite": overwrite, "metadata": metadata}
        return self._record.file("asset", shown, data, type="video", extension=ending, **more)
