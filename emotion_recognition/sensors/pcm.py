"""Raw audio bytes, as a message or a driver delivers them, to float samples.

Sample formats carry GStreamer's names (https://gstreamer.freedesktop.org/documentation/additional/design/mediatype-audio-raw.html),
which is what the AudioInfo message of ros-drivers holds.
"""

import math

import numpy as np

RAW_CODINGS = ("wave", "raw", "pcm", "")
MAX_CHANNELS = 64
# Above this a float stream is not sound scaled to [-1, 1] but something else, mostly integers cast to float.
MAX_PEAK = 8.0

# name: (NumPy type of the container, bits that carry the sample, is unsigned); None as type: packed in three bytes
_FORMATS = {
    "S8": ("i1", 8, False),
    "U8": ("u1", 8, True),
    "S16LE": ("<i2", 16, False),
    "S16BE": (">i2", 16, False),
    "U16LE": ("<u2", 16, True),
    "U16BE": (">u2", 16, True),
    "S24LE": ("<3", 24, False),
    "S24BE": (">3", 24, False),
    "S24_32LE": ("<i4", 24, False),
    "S24_32BE": (">i4", 24, False),
    "S32LE": ("<i4", 32, False),
    "S32BE": (">i4", 32, False),
    "F32LE": ("<f4", 32, False),
    "F32BE": (">f4", 32, False),
    "F64LE": ("<f8", 64, False),
    "F64BE": (">f8", 64, False),
}
SAMPLE_FORMATS = tuple(_FORMATS)


class AudioError(ValueError):
    """Audio that cannot be used; the text says what was found, what was expected and what to do."""


def decode_pcm(
    data: bytes | bytearray | memoryview | np.ndarray, sample_format: str, channels: int, coding_format: str = "wave"
) -> np.ndarray:
    """Return the samples of raw interleaved audio.

    Args:
        data: the bytes.
        sample_format: one of SAMPLE_FORMATS, in any case.
        channels: number of interleaved channels, 1 to 64.
        coding_format: one of RAW_CODINGS; anything else is compressed sound, which is refused.

    Returns:
        float32 (n, channels) in [-1, 1]. Integers are divided by 2 ** (bits - 1); floats beyond full scale are clipped.

    Raises:
        AudioError: unknown or compressed format, no bytes, bytes that are no whole number of samples, NaN or
            infinity, floats beyond MAX_PEAK.
    """
    if coding_format.strip().lower() not in RAW_CODINGS:
        raise AudioError(f"coding format '{coding_format}' is compressed: set the driver's format to 'wave'")
    try:
        kind, bits, is_unsigned = _FORMATS[sample_format.strip().upper()]
    except KeyError:
        raise AudioError(f"sample format '{sample_format}': expected one of {', '.join(SAMPLE_FORMATS)}") from None
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{channels} channels: expected 1 to {MAX_CHANNELS}")
    raw = _as_bytes(data)
    width = int(kind[-1])
    if not raw.size:
        raise AudioError("an audio message without bytes: expected at least one sample")
    if raw.size % (width * channels):
        raise AudioError(
            f"{raw.size} bytes are no whole number of {channels}-channel {sample_format} frames of "
            f"{width * channels} bytes: the message is cut, or format and channels are not those of the stream"
        )
    if width == 3:
        samples = _unpack_24(raw, kind[0])
    else:
        samples = raw.view(kind)
        if kind[1] == "f":
            return check_samples(samples.reshape(-1, channels))
    if bits == 24:
        # The upper byte of a 24-in-32 container is padding that some drivers leave at any value.
        samples = np.left_shift(samples.astype(np.int32), 8)
        bits = 32
    scale = np.float32(2.0 ** (1 - bits))
    decoded = samples.astype(np.float32) * scale
    if is_unsigned:
        decoded -= np.float32(1.0)
    return decoded.reshape(-1, channels)


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Return float samples (n, channels) as float32 clipped to [-1, 1]; mono may come as (n,).

    Raises:
        AudioError: another shape, no samples, NaN or infinity, values beyond MAX_PEAK.
    """
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise AudioError(f"samples of type {samples.dtype}: expected floats in [-1, 1]")
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or not samples.size:
        raise AudioError(f"samples of shape {samples.shape}: expected (n, channels), at least one sample")
    low, high = float(samples.min()), float(samples.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise AudioError("samples hold NaN or infinity: expected floats in [-1, 1]; the chunk is left out")
    if max(-low, high) > MAX_PEAK:
        raise AudioError(f"samples from {low:g} to {high:g}: expected floats in [-1, 1]; divide integers by full scale")
    if low < -1.0 or high > 1.0:
        samples = np.clip(samples, -1.0, 1.0)
    return samples.astype(np.float32, copy=False)


def _as_bytes(data) -> np.ndarray:
    if isinstance(data, np.ndarray):
        return np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, BufferError):
        pass
    except ValueError:  # numpy refuses an empty buffer in some versions
        return np.empty(0, np.uint8)
    try:
        return np.frombuffer(bytes(data), np.uint8)
    except (TypeError, ValueError) as error:
        raise AudioError(f"audio data of type {type(data).__name__}: expected bytes") from error


def _unpack_24(raw: np.ndarray, order: str) -> np.ndarray:
    octets = raw.reshape(-1, 3).astype(np.int32)
    low, middle, high = octets.T if order == "<" else octets.T[::-1]
    return low | middle << 8 | high << 16
