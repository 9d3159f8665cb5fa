"""Messages made by the tests."""

from array import array

import numpy as np
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from emotion_recognition.msg import Emotion, FaceSample, FaceSamples, MfccWindow
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from emotion_recognition.emotions import CLASS_IDS, LABELS
from emotion_recognition.nodes.conversions import to_time

CAMERA, MICROPHONE = "head_camera", "head_microphone"
SAMPLE_FORMATS = {np.dtype("<i2"): "S16LE", np.dtype("<f4"): "F32LE"}


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def image(rgb, stamp_ns: int, **changes) -> Image:
    """Return an (H, W, 3) uint8 picture as a message."""
    height, width = rgb.shape[:2]
    fields = {
        "height": height,
        "width": width,
        "encoding": "rgb8",
        "step": 3 * width,
        "data": array("B", rgb.tobytes()),
    }
    return Image(header=header(stamp_ns, CAMERA), **{**fields, **changes})


def grey_image(stamp_ns: int, **changes) -> Image:
    """Return a small picture in which there is nothing."""
    return image(np.full((120, 160, 3), 128, np.uint8), stamp_ns, **changes)


def changing_image(stamp_ns: int) -> Image:
    """Return a small picture with nothing in it but a grey of its stamp."""
    return image(np.full((120, 160, 3), 60 + stamp_ns // 100_000_000 % 120, np.uint8), stamp_ns)


def compressed(data: bytes, stamp_ns: int, format: str = "jpeg") -> CompressedImage:
    return CompressedImage(header=header(stamp_ns, CAMERA), format=format, data=array("B", data))


def audio(samples, stamp_ns: int) -> AudioDataStamped:
    """Return samples, or bytes, as a message."""
    data = samples if isinstance(samples, bytes) else np.ascontiguousarray(samples).tobytes()
    return AudioDataStamped(header=header(stamp_ns, MICROPHONE), audio=AudioData(data=array("B", data)))


def audio_info(rate: int = 16000, channels: int = 1, dtype="<i2", **changes) -> AudioInfo:
    fields = {"sample_format": SAMPLE_FORMATS[np.dtype(dtype)], "coding_format": "wave"}
    return AudioInfo(sample_rate=rate, channels=channels, **{**fields, **changes})


def face_samples(stamp_ns: int, *faces: FaceSample) -> FaceSamples:
    return FaceSamples(header=header(stamp_ns, CAMERA), image_width=640, image_height=480, faces=list(faces))


def face(track_id: int = 1, **changes) -> FaceSample:
    crop = np.random.default_rng(track_id).integers(0, 255, (224, 224, 3), np.uint8)
    fields = {"score": 0.99, "box": [10.0, 20.0, 200.0, 220.0], "crop": array("B", crop.tobytes())}
    return FaceSample(track_id=track_id, **{**fields, **changes})


def mfcc(stamp_ns: int, **changes) -> MfccWindow:
    """Return a window of three seconds that ends just after its stamp, full of voice."""
    mean = np.linspace(-200, 100, 40, dtype=np.float32)
    fields = {
        "window_start": to_time(stamp_ns - 2_900_000_000),
        "window_end": to_time(stamp_ns + 100_000_000),
        "sample_rate": 16000,
        "coefficients": 40,
        "frames": 1,
        "mfcc": array("f", mean),
        "mfcc_mean": array("f", mean),
        "voice_activity": 1.0,
        "level": -20.0,
    }
    return MfccWindow(header=header(stamp_ns, MICROPHONE), **{**fields, **changes})


def emotion(stamp_ns: int, speech: bool = False, **changes) -> Emotion:
    """Return what a classifier would publish of a person who looks, or sounds, happy."""
    probabilities = np.array([0.65 if number == Emotion.HAPPY else 0.05 for number in CLASS_IDS], np.float32)
    fields = {
        "header": header(stamp_ns, MICROPHONE if speech else CAMERA),
        "window_start": to_time(stamp_ns - 1_000_000_000),
        "window_end": to_time(stamp_ns),
        "person_id": "voice" if speech else "face_1",
        "modality": Emotion.MODALITY_SPEECH if speech else Emotion.MODALITY_FACE,
        "status": Emotion.STATUS_SPEECH_ONLY if speech else Emotion.STATUS_FACE_ONLY,
        "class_id": Emotion.HAPPY,
        "label": "happy",
        "confidence": 0.65,
        "class_ids": array("B", CLASS_IDS),
        "labels": [LABELS[number] for number in CLASS_IDS],
        "probabilities": array("f", probabilities),
        "valence": 0.5,
        "arousal": 0.3,
    }
    return Emotion(**{**fields, **changes})


def best_effort(depth: int) -> QoSProfile:
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)
