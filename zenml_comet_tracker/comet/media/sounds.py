"""Samples -> a WAV file."""

from __future__ import annotations

import struct
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError

NORMALIZATIONS = ("PCM_16_BIT", "OFF")
_INTEGERS, _FLOATS = 1, 3


def wav_bytes(samples: Any, sample_rate: int, normalize: str = "PCM_16_BIT") -> bytes:
    """Samples of shape (n,) or (n, channels) as WAV.

    `PCM_16_BIT` scales them so that the loudest one uses all of 16 bits; `OFF` keeps them as they are, integers of 16
    or 32 bits, or floats.
    """
    import numpy

    if normalize not in NORMALIZATIONS:
        raise InvalidValueError(f"normalize_data={normalize!r} is unknown; expected one of {NORMALIZATIONS}")
    source = samples.detach().cpu().numpy() if hasattr(samples, "detach") else samples
    data = numpy.asarray(source)
    if data.ndim not in (1, 2) or data.size == 0 or data.dtype.kind not in "iuf":
        raise InvalidValueError(
            "Audio is expected as a path, an open file or numbers of shape (n,) or (n, channels); "
            f"got {type(samples).__name__} of shape {data.shape}"
        )
    if normalize == "PCM_16_BIT":
        floats = numpy.nan_to_num(data.astype("float64"))
        loudest = float(numpy.abs(floats).max())
        data = (floats * (32767 / loudest if loudest else 0)).astype("<i2")
    elif data.dtype.kind == "f":
        data = data.astype("<f4")
    else:
        data = data.astype("<i2" if data.dtype.itemsize <= 2 else "<i4")
    channels = 1 if data.ndim == 1 else data.shape[1]
    return _riff(data.tobytes(), _FLOATS if data.dtype.kind == "f" else _INTEGERS, channels, sample_rate, data.itemsize)


def _riff(data: bytes, kind: int, channels: int, sample_rate: int, width: int) -> bytes:
    frame = channels * width
    form = struct.pack("<HHIIHH", kind, channels, int(sample_rate), int(sample_rate) * frame, frame, 8 * width)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body
