"""What a node cannot use: one log line names it, nothing is published from it, and the node goes on."""

import io
from array import array
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from builtin_interfaces.msg import Time  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from emotion_recognition.nodes.conversions import to_time  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

SECOND = 1_000_000_000
NAN = float("nan")
# More nanoseconds than a second has, which would carry it beyond the last time that messages can hold.
NO_TIME = Time(sec=2**31 - 1, nanosec=4_000_000_000)
NO_TIME_SAID, EXPECTED_NS = "2147483647 s and 4000000000 ns is not a time", "expected nanoseconds below 1000000000"


@dataclass(frozen=True)
class Input:
    """One subscription: who has it, what it hears, where what it makes of that goes, a good message of a stamp."""

    node: type
    type: type
    topic: str
    output_type: type
    output: str
    good: object
    parameters: dict = field(default_factory=dict)
    models: tuple = ()


def jpeg() -> bytes:
    stream = io.BytesIO()
    Picture.new("RGB", (64, 48), (200, 100, 50)).save(stream, "jpeg")
    return stream.getvalue()


def noise(stamp_ns, seconds=0.3):
    return make.audio(np.random.default_rng(1).normal(0, 2000, round(16000 * seconds)).astype("<i2"), stamp_ns)


# Every frame is sampled, every window is short, nothing is said of itself: what is heard comes from what was sent.
FRAMES = {"window": 0.5, "frames": 150}
WINDOWS = {"window": 0.5, "min_window": 0.2, "hop": 0.1, "sample_rate": 16000}
QUIET = {"silence_report": 60.0}
IMAGE = Input(FaceDetector, Image, "image", FaceSamples, "face_samples", make.grey_image, FRAMES)
COMPRESSED = Input(
    FaceDetector, CompressedImage, "image/compressed", FaceSamples, "face_samples",
    lambda stamp: make.compressed(jpeg(), stamp), {**FRAMES, "image_transport": "compressed"},
)  # fmt: skip
AUDIO = Input(MfccExtractor, AudioDataStamped, "audio_stamped", MfccWindow, "mfcc", noise, WINDOWS)
FLOATS = Input(
    MfccExtractor, AudioDataStamped, "audio_stamped", MfccWindow, "mfcc",
    lambda stamp: make.audio(np.random.default_rng(1).normal(0, 0.1, 4800).astype("<f4"), stamp),
    {**WINDOWS, "sample_format": "F32LE"},
)  # fmt: skip
FACES = Input(
    VisualClassifierNode, FaceSamples, "face_samples", Emotion, "emotion/face",
    lambda stamp: make.face_samples(stamp, make.face()), models=("face",),
)  # fmt: skip
MFCC = Input(SpeechClassifierNode, MfccWindow, "mfcc", Emotion, "emotion/speech", make.mfcc, models=("speech",))
MEANS = replace(MFCC, models=("paper_speech",))
FACE = Input(FusionNode, Emotion, "emotion/face", Emotion, "emotion", make.emotion, {"idle_period": 60.0})
VOICE = Input(
    FusionNode, Emotion, "emotion/speech", Emotion, "emotion",
    lambda stamp: make.emotion(stamp, speech=True), {"idle_period": 60.0},
)  # fmt: skip


def image_with(**changes):
    return lambda stamp: make.grey_image(stamp, **changes)


def face_with(**changes):
    return lambda stamp: make.face_samples(stamp, make.face(**changes))


def mfcc_with(**changes):
    return lambda stamp: make.mfcc(stamp, **changes)


def emotion_with(speech=False, **changes):
    return lambda stamp: make.emotion(stamp, speech, **changes)


def audio_of(data):
    return lambda stamp: make.audio(data, stamp)


def some(values):
    return array("f", values)


CASES = {
    "image without data": (IMAGE, image_with(data=array("B")), "no data", "step 480 x height 120 = 57600 bytes"),
    "image of no size": (IMAGE, image_with(width=0, height=0, step=0, data=array("B")), "0 x 0", "at least 1 x 1"),
    "image cut off": (IMAGE, image_with(data=array("B", bytes(57593))), "57593 bytes", "= 57600 bytes"),
    "image of wrong height": (IMAGE, image_with(height=121), "57600 bytes", "480 x height 121 = 58080 bytes"),
    "image with short rows": (IMAGE, image_with(step=479), "step 479 is too small", "at least 480 bytes"),
    "image of unknown encoding": (IMAGE, image_with(encoding="rgb101010"), "encoding 'rgb101010'", "rgb8, bgr8"),
    "jpeg of garbage": (COMPRESSED, lambda stamp: make.compressed(b"garbage" * 9, stamp), "63 bytes", "JPEG or PNG"),
    "jpeg without data": (COMPRESSED, lambda stamp: make.compressed(b"", stamp), "no data", "JPEG or PNG"),
    "jpeg cut off": (COMPRESSED, lambda stamp: make.compressed(jpeg()[:-50], stamp), "bytes", "JPEG or PNG"),
    "video as jpeg": (COMPRESSED, lambda stamp: make.compressed(jpeg(), stamp, "h264"), "'h264'", "jpeg or png"),
    "audio without samples": (AUDIO, audio_of(b""), "without bytes", "at least one sample"),
    "audio of half a sample": (AUDIO, audio_of(b"123"), "3 bytes", "frames of 2 bytes"),
    "audio that is clipped": (
        AUDIO, audio_of(np.tile(np.array([32767] * 20 + [-32768] * 20, "<i2"), 200)),
        "100% of the samples", "expected at most 10%",
    ),
    "audio with NaN": (FLOATS, audio_of(np.array([0.1, NAN] * 900, "<f4")), "NaN", "expected floats in [-1, 1]"),
    "audio with infinity": (FLOATS, audio_of(np.array([0.1, np.inf] * 900, "<f4")), "infinity", "floats in [-1, 1]"),
    "audio of integers as floats": (FLOATS, audio_of(np.full(900, 3000, "<f4")), "3000", "divide integers"),
    "crop of wrong size": (FACES, face_with(crop=array("B", bytes(10))), "crop of 10 bytes", "= 150528"),
    "crop without data": (FACES, face_with(crop=array("B")), "crop of 0 bytes", "= 150528"),
    "box of NaN": (FACES, face_with(box=[NAN] * 4), "nan", "finite pixels"),
    "a frame without a face for a reason of the microphone": (
        FACES, lambda stamp: FaceSamples(header=make.header(stamp, make.CAMERA), reasons=Emotion.REASON_NO_VOICE),
        "status NEITHER with reasons 2", "expected some of",
    ),
    "a frame without a face for no reason there is": (
        FACES, lambda stamp: FaceSamples(header=make.header(stamp, make.CAMERA), reasons=1 << 20),
        "reasons 1048576", "bits of 1023 only",
    ),
    "no voice for a reason of the camera": (
        MFCC, mfcc_with(voice_activity=0.0, reasons=Emotion.REASON_NO_FACE), "NEITHER with reasons 1", "expected",
    ),
    "mfcc of wrong length": (MFCC, mfcc_with(mfcc=some([1.0] * 39)), "39 values", "x frames, 40 x 1"),
    "mfcc without frames": (MFCC, mfcc_with(mfcc=some([]), frames=0), "0 values", "at least one frame"),
    "mfcc of another count": (MFCC, mfcc_with(mfcc=some([1.0] * 13), coefficients=13), "(13, 1)", "(40, T)"),
    "mfcc with NaN": (MFCC, mfcc_with(mfcc=some([NAN] * 40)), "nan", "finite values"),
    "mfcc of silence with NaN": (MFCC, mfcc_with(mfcc=some([NAN] * 40), voice_activity=0.0), "nan", "finite"),
    "mfcc mean of wrong length": (
        MEANS, mfcc_with(mfcc_mean=some([1.0] * 39)), "39 values", "expected coefficients, 40",
    ),
    "mfcc mean of another count": (MEANS, mfcc_with(mfcc_mean=some([1.0] * 13), coefficients=13), "(13,)", "(40,)"),
    "mfcc mean with NaN": (MEANS, mfcc_with(mfcc_mean=some([NAN] * 40)), "nan", "finite values"),
    "voice activity of NaN": (MFCC, mfcc_with(voice_activity=NAN), "voice_activity nan", "expected 0 to 1"),
    "window that ends before it starts": (MFCC, mfcc_with(window_end=to_time(SECOND)), "ends at", "before its start"),
    "mfcc that is no message": (MFCC, lambda stamp: bytes([0, 1, 0, 3]), "message of 4 bytes", "expected more than 4"),
    "faces that are no message": (
        FACES, lambda stamp: serialize_message(make.face_samples(stamp, make.face()))[:-8], "cannot be read as",
        "emotion_recognition/msg/FaceSamples",
    ),
    "an estimate that is no message": (
        VOICE, lambda stamp: serialize_message(make.emotion(stamp, speech=True))[:90], "message of 90 bytes",
        "emotion_recognition/msg/Emotion",
    ),
    "window of no time": (MFCC, mfcc_with(window_end=NO_TIME), f"window_end: {NO_TIME_SAID}", EXPECTED_NS),
    "voice's window of no time": (
        VOICE, emotion_with(True, window_end=NO_TIME), f"window_end: {NO_TIME_SAID}", EXPECTED_NS,
    ),
    "face's window of no time": (
        FACE, emotion_with(window_start=NO_TIME), f"window_start: {NO_TIME_SAID}", EXPECTED_NS,
    ),
    "probabilities of NaN": (FACE, emotion_with(probabilities=some([NAN] * 8)), "nan", "expected each from 0 to 1"),
    "probabilities that sum to 2": (FACE, emotion_with(probabilities=some([0.25] * 8)), "sum to 2", "expected 1"),
    "probabilities without a table": (FACE, emotion_with(class_ids=array("B")), "class_ids ()", "each once"),
    "unknown class": (FACE, emotion_with(class_ids=array("B", range(2, 10))), "9", "(1, 2, 3, 4, 5, 6, 7, 8)"),
    "a probability too few": (VOICE, emotion_with(True, probabilities=some([1.0])), "1 probabilities", "8 classes"),
    "names of other classes": (VOICE, emotion_with(True, labels=["happy"] * 8), "happy", "expected ('neutral', 'calm'"),
    "another label": (VOICE, emotion_with(True, label="sad"), "label 'sad'", "expected 'happy'"),
    "confidence of 2": (VOICE, emotion_with(True, confidence=2.0), "confidence 2.0", "0 to 1"),
    "unknown modality": (FACE, emotion_with(modality=77), "77", "Modality"),
    "speech on the topic of faces": (FACE, emotion_with(True), "modality SPEECH", "expected modality FACE"),
    "face on the topic of speech": (VOICE, emotion_with(), "modality FACE", "expected modality SPEECH"),
    "a decision about nobody": (FACE, emotion_with(person_id=""), "person_id ''", "expected a person"),
    "nobody there for no reason": (
        VOICE, emotion_with(True, status=Emotion.STATUS_NEITHER, person_id=""), "NEITHER with reasons 0", "expected",
    ),
    "fused on the topic of faces": (
        FACE, emotion_with(status=Emotion.STATUS_BOTH), "status BOTH", "status FACE_ONLY or NEITHER",
    ),
}  # fmt: skip


def assert_left_out(bench, subscription, model, bad, *words):
    """Publish something bad twice and something good once: only the good has an effect, one line tells of the bad."""
    remapping = f"{subscription.topic}:=sensors/mine"
    node = bench.add(
        subscription.node, "-r", remapping, **QUIET, **model(*subscription.models), **subscription.parameters
    )
    publisher = bench.publisher(subscription.type, "sensors/mine")
    output = bench.listen(subscription.output_type, subscription.output)
    start = bench.now_ns() - 3 * SECOND
    for stamp in (start, start + SECOND):
        publisher.publish(bad(stamp))
        bench.settle()
    assert bench.lines(node), "nothing was said of it"
    good = start + 2 * SECOND
    publisher.publish(subscription.good(good))
    bench.until(lambda: good in stamps(output), "what is good is used")
    lines = bench.lines(node)
    assert len(lines) == 1, lines
    assert f" {bench.namespace}/sensors/mine " in lines[0]
    for word in words:
        assert word in lines[0]
    assert set(stamps(output)) == {good}


@pytest.mark.parametrize("case", CASES)
def test_bad_message_is_left_out(bench, model, case):
    assert_left_out(bench, CASES[case][0], model, *CASES[case][1:])


STAMPS = {
    "zero": (lambda stamp: 0, "stamp 0.000000000 s is not set", "expected the time the sensor measured"),
    "negative": (lambda stamp: -SECOND, "stamp -1.000000000 s is not set", "expected"),
    "past": (lambda stamp: stamp - 3600 * SECOND, "s old", "expected at most 5 s"),
    "future": (lambda stamp: stamp + 3600 * SECOND, "s in the future", "expected at most 0.5 s"),
}


@pytest.mark.parametrize("moved", STAMPS)
@pytest.mark.parametrize(
    "subscription", [IMAGE, COMPRESSED, AUDIO, FACES, MFCC, FACE, VOICE], ids=lambda one: f"{one.node.NAME}-{one.topic}"
)
def test_stamp_of_another_time_is_left_out(bench, model, subscription, moved):
    move, *words = STAMPS[moved]

    def bad(stamp):
        message = subscription.good(stamp)
        message.header.stamp = to_time(move(stamp))
        return message

    assert_left_out(bench, subscription, model, bad, *words)


@pytest.mark.parametrize("subscription", [IMAGE, AUDIO], ids=lambda one: one.topic)
def test_stamp_that_jumps_back_is_left_out(bench, subscription):
    node = bench.add(subscription.node, **QUIET, **subscription.parameters)
    publisher = bench.publisher(subscription.type, subscription.topic)
    output = bench.listen(subscription.output_type, subscription.output)
    first = bench.now_ns() - 2 * SECOND
    publisher.publish(subscription.good(first))
    bench.until(lambda: first in stamps(output), "the first is used")
    for back in (first - SECOND, first):
        publisher.publish(subscription.good(back))
        bench.settle()
    later = first + SECOND
    publisher.publish(subscription.good(later))
    bench.until(lambda: later in stamps(output), "the later one is used")
    (line,) = bench.lines(node)
    assert f"{bench.namespace}/{subscription.topic} left out" in line
    assert "1.000 s before the last one" in line and "expected a later stamp" in line
    assert set(stamps(output)) == {first, later}


def test_a_bad_face_does_not_take_the_good_ones_with_it(bench, model):
    node = bench.add(VisualClassifierNode, **model("face"), **QUIET)
    publisher = bench.publisher(FaceSamples, "face_samples")
    output = bench.listen(Emotion, "emotion/face")
    publisher.publish(make.face_samples(bench.now_ns(), make.face(1, crop=array("B", bytes(3))), make.face(2)))
    bench.until(lambda: output, "the good face is classified")
    assert [message.person_id for message in output] == ["face_2"]
    (line,) = bench.lines(node)
    assert f"face 1 on {bench.namespace}/face_samples left out" in line


BAD_FORMATS = {
    "mp3": ({"coding_format": "mp3"}, "'mp3'", "format to 'wave'"),
    "unknown": ({"sample_format": "S17XE"}, "'S17XE'", "expected one of S8, U8, S16LE"),
    "no channels": ({"channels": 0}, "0 channels", "expected 1 to 64"),
    "no rate": ({"rate": 0}, "sample rate 0 Hz", "expected a whole number from 4000"),
}


@pytest.mark.parametrize("case", BAD_FORMATS)
def test_sound_of_a_bad_format_is_left_out(bench, case):
    changes, *words = BAD_FORMATS[case]
    assert_format_needed(bench, make.audio_info(**changes), f"{bench.namespace}/audio_stamped", *words)


def test_sound_of_no_format_is_left_out(bench):
    assert_format_needed(bench, None, f"{bench.namespace}/audio_stamped", f"AudioInfo on {bench.namespace}/audio_info")


def assert_format_needed(bench, info, *words):
    node = bench.add(MfccExtractor, **QUIET, **{**WINDOWS, "sample_rate": 0})
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    infos = bench.publisher(AudioInfo, "audio_info")
    output = bench.listen(MfccWindow, "mfcc")
    start = bench.now_ns() - 3 * SECOND
    if info is not None:
        infos.publish(info)
    for stamp in (start, start + SECOND):
        bench.settle()
        sound.publish(noise(stamp))
    bench.settle()
    assert bench.lines(node), "nothing was said of it"
    infos.publish(make.audio_info())
    bench.settle()
    sound.publish(noise(start + 2 * SECOND))
    bench.until(lambda: output, "sound of a good format is used")
    (line,) = bench.lines(node)
    for word in words:
        assert word in line
    assert set(stamps(output)) == {start + 2 * SECOND}


def test_silent_sound_is_named_and_has_no_voice(bench):
    node = bench.add(MfccExtractor, **QUIET, **WINDOWS)
    publisher = bench.publisher(AudioDataStamped, "audio_stamped")
    output = bench.listen(MfccWindow, "mfcc")
    stamp = bench.now_ns() - SECOND
    publisher.publish(make.audio(np.zeros(8000, "<i2"), stamp))
    bench.until(lambda: output, "the newest of the windows of 0.2, 0.3, 0.4 and 0.5 s that end in the message")
    (message,) = output
    assert (message.voice_activity, message.level, message.reasons) == (0, -120, Emotion.REASON_MICROPHONE_FROZEN)
    (line,) = bench.lines(node)
    assert f"{bench.namespace}/audio_stamped has one value throughout 0.5 s: expected some noise" in line
