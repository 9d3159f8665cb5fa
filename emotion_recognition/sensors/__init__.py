"""Decoding of what cameras, microphones and media files send."""

from emotion_recognition.sensors.cdr import (
    CompressedFile,
    FrameHeader,
    RawImage,
    read_compressed_image,
    read_header,
    read_image,
)
from emotion_recognition.sensors.decoding import create_image_decoder
from emotion_recognition.sensors.devices import LiveSource
from emotion_recognition.sensors.images import ImageError, decode_compressed, decode_image
from emotion_recognition.sensors.media import AudioChunk, MediaError, MediaSource, VideoFrame
from emotion_recognition.sensors.pcm import AudioError, check_samples, decode_pcm

__all__ = [
    "AudioChunk",
    "AudioError",
    "CompressedFile",
    "FrameHeader",
    "ImageError",
    "LiveSource",
    "MediaError",
    "MediaSource",
    "RawImage",
    "VideoFrame",
    "check_samples",
    "create_image_decoder",
    "decode_compressed",
    "decode_image",
    "decode_pcm",
    "read_compressed_image",
    "read_header",
    "read_image",
]
