"""The same frames and sound for both machines: taken from the bundled recording, or from any other."""

from pathlib import Path

import numpy as np

from emotion_recognition.faces import FrameSampler
from emotion_recognition.sensors.media import AudioChunk, MediaSource, VideoFrame
from emotion_recognition.stamps import SECOND_NS

START_NS, LENGTH_NS = 2 * SECOND_NS, 3 * SECOND_NS
# No rate of the pipeline's own, so that the resampler works.
RATE = 44100


def inputs(recording: Path) -> dict[str, np.ndarray]:
    """Return what :func:`~emotion_recognition.emulation.stages.run` reads: three seconds of a recording.

    Returns:
        ``frames`` (15, H, W, 3) uint8, ``stamps`` (15,) int64 in ns, ``sound`` (n, 2) float32 in [-1, 1] at ``rate``.

    Raises:
        MediaError: the file cannot be read.
        ValueError: it has no picture or no sound in these seconds.
    """
    import soxr

    sampler = FrameSampler()
    frames, stamps, chunks, rate = [], [], [], 0
    with MediaSource(recording) as source:
        for item in source:
            if not START_NS <= item.time_ns < START_NS + LENGTH_NS:
                continue
            if isinstance(item, VideoFrame) and sampler.accept(item.time_ns):
                frames.append(item.rgb)
                stamps.append(item.time_ns)
            elif isinstance(item, AudioChunk):
                chunks.append(item.samples.mean(axis=1) / 32768.0)
                rate = item.rate
    if not frames or not chunks:
        raise ValueError(f"{recording}: {len(frames)} frames and {len(chunks)} pieces of sound from 2 to 5 s")
    mono = soxr.resample(np.concatenate(chunks), rate, RATE)
    stereo = np.stack([mono, 0.8 * mono], axis=1).clip(-1, 1).astype(np.float32)
    return {"frames": np.stack(frames), "stamps": np.array(stamps), "sound": stereo, "rate": np.array(RATE)}
