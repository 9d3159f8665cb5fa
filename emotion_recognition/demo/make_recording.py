"""Make the bundled demonstration recording from a photo and a voice: a short story that shows every status.

A virtual camera moves over the photo, so that the face comes into view and leaves again; the voice starts while the
face is there and goes on after it has left. Run with the inputs that recording.md names::

    python -m emotion_recognition.demo.make_recording --photo astronaut.png --voice voice.wav --output recording.mkv
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES_PER_S = 640, 480, 25
SAMPLES_PER_S = 16000
DURATION_S = 8.6
VOICE_STARTS_S = 2.1
VOICE_PEAK = 0.5
# Where the camera looks: time in s, centre x, y and width of the view in pixels of the 512 x 512 photo.
CAMERA_PATH = (
    (0.0, 400.0, 130.0, 220.0),  # the model shuttle beside the person, no face
    (0.8, 400.0, 135.0, 220.0),
    (1.5, 226.0, 150.0, 290.0),  # the face, slowly closer
    (5.6, 232.0, 146.0, 240.0),
    (6.4, 250.0, 380.0, 290.0),  # down to the suit, no face
    (8.6, 262.0, 384.0, 280.0),
)
# A held camera is never quite still: amplitude in photo pixels and period in s, for x and y.
SWAY = ((1.2, 2.3), (0.9, 1.7))
PICTURE_NOISE = 1.5  # standard deviation, of 255
ROOM_NOISE = 0.001  # standard deviation, of full scale: -60 dB
QUALITY = "22"  # libx264's constant rate factor
SEED = 2


def view(time_s: float) -> tuple[float, float, float, float]:
    """Return the rectangle (left, top, right, bottom) of the photo that the camera sees, in pixels of the photo."""
    times = [point[0] for point in CAMERA_PATH]
    following = min(int(np.searchsorted(times, time_s, side="right")), len(times) - 1)
    before, after = CAMERA_PATH[following - 1], CAMERA_PATH[following]
    share = min(1.0, (time_s - before[0]) / (after[0] - before[0]))
    share = share * share * (3 - 2 * share)  # starts and stops gently
    x, y, width = (a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True))
    x, y = (
        centre + amplitude * np.sin(2 * np.pi * time_s / period)
        for centre, (amplitude, period) in zip((x, y), SWAY, strict=True)
    )
    height = width * HEIGHT / WIDTH
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def picture(photo: Image.Image, time_s: float, noise: np.random.Generator) -> np.ndarray:
    """Return what the camera sees, (480, 640, 3) uint8 RGB, with the noise of a sensor."""
    scale = photo.width / 512
    extent = tuple(edge * scale for edge in view(time_s))
    clean = photo.transform((WIDTH, HEIGHT), Image.Transform.EXTENT, extent, Image.Resampling.BICUBIC)
    grain = noise.normal(0, PICTURE_NOISE, (HEIGHT, WIDTH, 1))
    return np.clip(np.round(np.asarray(clean, np.float64) + grain), 0, 255).astype(np.uint8)


def sound(voice: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    """Return the whole sound track, (n,) int16 at 16 kHz: room noise, and the voice from ``VOICE_STARTS_S`` on.

    Args:
        voice: (n,) float at 16 kHz, any level.
        noise: source of the room's noise.

    Raises:
        ValueError: the voice is silent, or does not end within the recording.
    """
    track = noise.normal(0, ROOM_NOISE, int(DURATION_S * SAMPLES_PER_S))
    start = int(VOICE_STARTS_S * SAMPLES_PER_S)
    peak = np.abs(voice).max(initial=0.0)
    if peak == 0 or start + len(voice) > len(track):
        longest = (len(track) - start) / SAMPLES_PER_S
        raise ValueError(f"the voice is silent or {len(voice) / SAMPLES_PER_S:.2f} s long, expected up to {longest} s")
    track[start : start + len(voice)] += voice * (VOICE_PEAK / peak)
    return np.round(32767 * np.clip(track, -1, 1)).astype(np.int16)


def read_voice(path: Path) -> np.ndarray:
    """Return a recording of a voice as (n,) float64 at 16 kHz, mono."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLES_PER_S)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)


def write(output: Path, photo: Image.Image, voice: np.ndarray) -> None:
    """Write the recording: H.264 and FLAC in Matroska."""
    noise = np.random.default_rng(SEED)
    samples = sound(voice, noise)
    with av.open(str(output), "w") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": QUALITY, "preset": "slow", "threads": "1"}
        audio = container.add_stream("flac", rate=SAMPLES_PER_S, layout="mono")
        audio.options = {"compression_level": "8"}
        per_frame = SAMPLES_PER_S // FRAMES_PER_S
        for number in range(int(DURATION_S * FRAMES_PER_S)):
            image = picture(photo, number / FRAMES_PER_S, noise)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_S)
            container.mux(video.encode(frame))
            block = samples[number * per_frame : (number + 1) * per_frame]
            heard = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = (
                SAMPLES_PER_S,
                number * per_frame,
                Fraction(1, SAMPLES_PER_S),
            )
            container.mux(audio.encode(heard))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def main() -> None:
    """Command line of the generator."""
    parser = argparse.ArgumentParser(description="Make the bundled demonstration recording.")
    parser.add_argument("--photo", type=Path, required=True, help="scikit-image's astronaut.png (512 x 512)")
    parser.add_argument("--voice", type=Path, required=True, help="speech, at most 6.5 s")
    parser.add_argument("--output", type=Path, required=True, help="the Matroska file to write")
    arguments = parser.parse_args()
    write(arguments.output, Image.open(arguments.photo).convert("RGB"), read_voice(arguments.voice))


if __name__ == "__main__":
    main()
