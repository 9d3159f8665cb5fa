"""Small media files with known content at known times, made with PyAV."""

from fractions import Fraction

import av
import numpy as np

RED, GREEN, BLUE, GREY = (250, 0, 0), (0, 250, 0), (0, 0, 250), (100, 100, 100)

BLOCK = 1024  # samples written at a time


def tone(frequency, seconds, rate=16000, amplitude=0.5, channels=1):
    """Return (n, channels) int16 of a sine."""
    time = np.arange(int(seconds * rate)) / rate
    mono = np.round(32767 * amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.int16)
    return np.repeat(mono[:, None], channels, axis=1)


def write_media(path, frames=(), sound=(), rate=16000, codec="ffv1", pixels="bgr0", sound_codec=None, colorspace=None):
    """Write frames [(time in ms, rgb picture or colour)] and sound [(time in ms, (n, channels) int16)] to a file."""
    wave = str(path).endswith(("wav", "flac", "mkv"))
    sound_codec = sound_codec or ("pcm_s16le" if not str(path).endswith("flac") and wave else "flac")
    with av.open(str(path), "w") as container:
        video = audio = None
        if frames:
            video = container.add_stream(codec, rate=1000)
            video.time_base = video.codec_context.time_base = Fraction(1, 1000)
            first = _picture(frames[0][1])
            video.height, video.width = first.shape[:2]
            video.pix_fmt = pixels
            if codec == "libx264":
                video.options = {"crf": "4"}
            if colorspace is not None:
                video.codec_context.colorspace = colorspace
        if sound:
            channels = sound[0][1].shape[1]
            audio = container.add_stream(sound_codec, rate=rate, layout={1: "mono", 2: "stereo"}[channels])
        for milliseconds, content in frames:
            frame = av.VideoFrame.from_ndarray(_picture(content), format="rgb24")
            if colorspace is not None:
                frame = frame.reformat(format=pixels, dst_colorspace=colorspace)
            frame.pts, frame.time_base = milliseconds, Fraction(1, 1000)
            container.mux(video.encode(frame))
        for milliseconds, samples in sound:
            for first in range(0, len(samples), BLOCK):
                block = samples[first : first + BLOCK].reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(block, "s16", {1: "mono", 2: "stereo"}[samples.shape[1]])
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = milliseconds * rate // 1000 + first
                container.mux(audio.encode(frame))
        for stream in (video, audio):
            if stream is not None:
                container.mux(stream.encode(None))
    return path


def _picture(content):
    picture = np.asarray(content, np.uint8)
    return np.full((48, 64, 3), picture, np.uint8) if picture.ndim == 1 else picture
