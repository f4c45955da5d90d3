"""Pictures and figures -> the bytes of an image."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError


@dataclass(frozen=True)
class Look:
    """How an image is shown: enlarged by `scale`, at `shape` (width, height); an array's values between the two of
    `minmax` stretched over all shades, those of one channel in the colours of matplotlib's `colormap`, its `channels`
    "first" or "last"."""

    scale: float = 1.0
    shape: tuple[int, int] | None = None
    colormap: str | None = None
    minmax: tuple[float, float] | None = None
    channels: str = "last"


PLAIN = Look()


def image_bytes(image: Any, image_format: str = "png", look: Look = PLAIN) -> bytes:
    """The encoded bytes of a PIL image or an array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4).

    Arrays of whole numbers hold 0..255, arrays of floats 0..1. Raises `InvalidValueError` for anything else.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise InvalidValueError("Logging an image that is not a file needs Pillow: pip install pillow") from error
    picture = image if isinstance(image, Image.Image) else Image.fromarray(_pixels(image, look))
    if look.shape is not None or look.scale != 1.0:
        width, height = look.shape or picture.size
        picture = picture.resize((max(1, round(width * look.scale)), max(1, round(height * look.scale))))
    if image_format.lower() in ("jpg", "jpeg") and picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, format="JPEG" if image_format.lower() == "jpg" else image_format)
    return stream.getvalue()


def _pixels(image: Any, look: Look) -> Any:
    import numpy

    source = image.detach().cpu().numpy() if hasattr(image, "detach") else image
    pixels = numpy.asarray(source)
    if look.channels not in ("first", "last"):
        raise InvalidValueError(f"image_channels={look.channels!r} is unknown; expected 'first' or 'last'")
    if pixels.ndim == 3 and look.channels == "first":
        pixels = numpy.moveaxis(pixels, 0, 2)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype == object or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise InvalidValueError(
            "An image is expected as a path, a PIL image or an array of shape (h, w), (h, w, 3) or (h, w, 4); "
            f"got {type(image).__name__} of shape {pixels.shape}"
        )
    shades = _shades(pixels, look.minmax)
    if look.colormap is None or pixels.ndim != 2:
        return shades
    import matplotlib

    return (matplotlib.colormaps[look.colormap](shades)[:, :, :3] * 255).round().astype("uint8")


def _shades(pixels: Any, minmax: tuple[float, float] | None) -> Any:
    import numpy

    values = pixels.astype("float64")
    if minmax is not None:
        least, greatest = minmax
        values = (numpy.nan_to_num(values) - least) / ((greatest - least) or 1) * 255
    elif pixels.dtype.kind == "b":
        values = values * 255
    elif pixels.dtype.kind == "f":
        values = numpy.nan_to_num(values) * 255
    return numpy.clip(numpy.round(values), 0, 255).astype("uint8")


def figure_bytes(figure: Any = None, image_format: str = "png") -> bytes:
    """A matplotlib figure as PNG, or SVG; the current one when none is given."""
    if figure is None:
        import matplotlib.pyplot

        if not matplotlib.pyplot.get_fignums():
            raise InvalidValueError("There is no current matplotlib figure; draw one first or pass figure=...")
        figure = matplotlib.pyplot.gcf()
    figure = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)
    if figure is None:
        raise InvalidValueError("A matplotlib or plotly figure, or what was drawn on one, is expected")
    stream = io.BytesIO()
    figure.savefig(stream, format=image_format, bbox_inches="tight")
    return stream.getvalue()


def is_plotly(figure: Any) -> bool:
    """Whether it is a figure of plotly, which is a page rather than a picture."""
    return callable(getattr(figure, "to_html", None)) and callable(getattr(figure, "to_plotly_json", None))
