"""A sensor that repeats itself with fresh stamps is not taken for a person who does not move."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

SECOND = 1_000_000_000
STEP = SECOND // 10
QUIET = {"silence_report": 60.0}
WINDOWS = {"window": 0.5, "min_window": 0.5, "hop": 0.5, "sample_rate": 16000}


def test_a_frozen_camera_is_named_until_it_moves(bench, model):
    node = bench.add(FaceDetector, window=0.5, frames=150, frozen_after=0.3, **QUIET)
    bench.add(VisualClassifierNode, **model("face"), **QUIET)
    camera = bench.publisher(Image, "image")
    samples, emotions = bench.listen(FaceSamples, "face_samples"), bench.listen(Emotion, "emotion/face")
    begin = bench.now_ns() - 2 * SECOND
    rng = np.random.default_rng(0)
    moving = rng.integers(0, 255, (120, 160, 3), np.uint8)
    for number in range(6):
        camera.publish(make.grey_image(begin + number * STEP))
        # One frame at a time: the classifier skips those it has no time for.
        bench.until(lambda number=number: len(emotions) == number + 1, "the frame is judged")
    camera.publish(make.image(moving, begin + 6 * STEP))
    bench.until(lambda: len(emotions) == 7, "all frames are judged")
    frozen, none = Emotion.REASON_CAMERA_FROZEN, Emotion.REASON_NO_FACE
    assert [message.reasons for message in samples] == [0, 0, 0, frozen, frozen, frozen, 0]
    assert [message.reasons for message in emotions] == [none, none, none, frozen, frozen, frozen, none]
    assert all(message.status == Emotion.STATUS_NEITHER for message in emotions)
    (line,) = bench.lines(node)
    assert f"{bench.namespace}/image is the same to the last bit for at least 0.3 s" in line


def test_the_reason_reaches_the_planner(bench):
    bench.add(FusionNode, idle_period=0.1, stale_after=60.0, max_stamp_age=60.0, **QUIET)
    face, speech = bench.publisher(Emotion, "emotion/face"), bench.publisher(Emotion, "emotion/speech")
    heard = bench.listen(Emotion, "emotion")
    nothing = {"status": Emotion.STATUS_NEITHER, "class_id": 0, "label": "unknown", "confidence": 0.0, "person_id": ""}
    stamp = bench.now_ns()
    face.publish(make.emotion(stamp, reasons=Emotion.REASON_CAMERA_FROZEN, **nothing))
    speech.publish(make.emotion(stamp, speech=True, reasons=Emotion.REASON_MICROPHONE_FROZEN, **nothing))
    wanted = Emotion.REASON_CAMERA_FROZEN | Emotion.REASON_MICROPHONE_FROZEN
    bench.until(lambda: heard and heard[-1].reasons == wanted, "both reasons are told")
    assert heard[-1].status == Emotion.STATUS_NEITHER


@pytest.mark.parametrize("value", [0, 1234])
def test_a_microphone_of_one_value_is_named(bench, model, value):
    bench.add(MfccExtractor, **QUIET, **WINDOWS)
    bench.add(SpeechClassifierNode, **model("speech"), **QUIET)
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    windows, emotions = bench.listen(MfccWindow, "mfcc"), bench.listen(Emotion, "emotion/speech")
    begin = bench.now_ns() - 2 * SECOND
    sound.publish(make.audio(np.full(8000, value, "<i2"), begin))
    bench.until(lambda: emotions, "the first window is judged")
    noise = np.random.default_rng(0).normal(0, 1000, 8000).astype("<i2")
    sound.publish(make.audio(noise, begin + SECOND // 2))
    bench.until(lambda: len(emotions) == 2, "both windows are judged")
    assert [message.reasons for message in windows] == [Emotion.REASON_MICROPHONE_FROZEN, 0]
    assert [message.reasons for message in emotions] == [Emotion.REASON_MICROPHONE_FROZEN, Emotion.REASON_NO_VOICE]


def test_sound_without_a_header_has_the_frame_id_of_the_parameter(bench):
    plain = {**WINDOWS, "audio_transport": "plain", "microphone_frame_id": "ear"}
    bench.add(MfccExtractor, **QUIET, **plain)
    sound = bench.publisher(AudioData, "audio")
    windows = bench.listen(MfccWindow, "mfcc")
    noise = np.random.default_rng(0).normal(0, 1000, 8000).astype("<i2")
    sound.publish(make.audio(noise, 1).audio)
    bench.until(lambda: windows, "a window")
    assert windows[0].header.frame_id == "ear"


def test_of_the_windows_that_end_in_one_message_the_newest_is_published(bench):
    bench.add(MfccExtractor, **QUIET, **{**WINDOWS, "min_window": 0.2, "hop": 0.1})
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    windows = bench.listen(MfccWindow, "mfcc")
    rng = np.random.default_rng(0)
    begin = bench.now_ns() - 2 * SECOND
    for number in range(2):
        sound.publish(make.audio(rng.normal(0, 1000, 8000).astype("<i2"), begin + number * SECOND // 2))
    bench.until(lambda: len(windows) == 2, "one window a message")
    bench.settle()
    ends = [message.window_end.sec * SECOND + message.window_end.nanosec - begin for message in windows]
    last_sample = SECOND // 16000
    assert len(windows) == 2
    np.testing.assert_allclose(ends, [SECOND // 2 - last_sample, SECOND - last_sample], atol=2)


def test_a_narrow_band_microphone_is_named(bench):
    node = bench.add(MfccExtractor, **QUIET)
    bench.publisher(AudioInfo, "audio_info").publish(make.audio_info(8000))
    line = bench.until(lambda: next(iter(bench.lines(node)), None), "a line about it")
    assert f"sample_rate on {bench.namespace}/audio_info is 8000 Hz: expected at least 16000 Hz" in line
