"""Every Emotion carries the stamp, the frame_id and the window of the very samples it was computed from."""

from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import Bench, stamps  # noqa: E402
from real_recording import recording_parts  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from stream import (  # noqa: E402
    FRAMES,
    RATE,
    SECOND,
    Decision,
    Frame,
    Oracle,
    assert_consistent,
    make_stream,
)

from emotion_recognition.engines import load_metadata  # noqa: E402
from emotion_recognition.nodes.conversions import stamp_ns  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402


@dataclass
class Run:
    """What was sent, what had to follow, and what the four topics carried."""

    items: list
    oracle: Oracle
    samples: list
    windows: list
    face: list
    speech: list
    raw: list
    smoothed: list
    hashes: tuple[str, str]
    began_ns: int
    ended_ns: int


@pytest.fixture(scope="module")
def recording():
    """A picture with one face, about 320 x 380, and some seconds of speech."""
    return recording_parts()


@pytest.fixture(scope="module")
def run(ros, model, recording):
    """Play a stream into the five nodes, item by item: the next one goes out when all has come that the last brings."""
    bench = Bench(ros, "/stream")
    try:
        yield _play(bench, model, *recording)
    finally:
        bench.close()


def _play(bench, model, picture, voice) -> Run:
    free = {"max_stamp_age": 3600.0, "max_stamp_ahead": 3600.0, "silence_report": 3600.0}
    # The choice of frames depends on all of them, so here the queue drops none; and every new face is seen at once.
    depth = {f"qos_overrides.{bench.namespace}/image.subscription.depth": 1000}
    bench.add(FaceDetector, detection_interval=0.0, **free, **depth)
    bench.add(MfccExtractor, **free)
    bench.add(VisualClassifierNode, **model("face"), **free)
    bench.add(SpeechClassifierNode, **model("speech"), **free)
    bench.add(FusionNode, idle_period=0.1, **free)
    began = bench.now_ns()
    samples, windows = bench.listen(FaceSamples, "face_samples"), bench.listen(MfccWindow, "mfcc")
    names = ("emotion/face", "emotion/speech", "emotion/raw", "emotion")
    face, speech, raw, smoothed = (bench.listen(Emotion, name) for name in names)
    images, sound = bench.publisher(Image, "image", 1000), bench.publisher(AudioDataStamped, "audio_stamped", 100)
    bench.publisher(AudioInfo, "audio_info").publish(make.audio_info())
    bench.until(lambda: smoothed, "the fusion says that there is nothing")
    # Stamps of the near future, so that the fusion, which goes by ROS time, finds none of them stale.
    base = bench.now_ns() + 60 * SECOND + 37
    items, oracle = make_stream(picture, voice, base), Oracle(base)

    def all_came() -> bool:
        return (
            len(face) == len(oracle.face)
            and len(raw_of(raw)) >= len(oracle.raw)
            and len(raw_of(smoothed)) >= len(oracle.raw)
        )

    for item in items:
        if isinstance(item, Frame):
            images.publish(make.image(item.rgb, item.stamp_ns))
            oracle.frame(item)
        else:
            sound.publish(make.audio(item.samples, item.stamp_ns))
            for window in oracle.chunk(item):
                count = len(oracle.speech) + 1
                bench.until(lambda count=count: len(speech) >= count, "the window is classified")
                oracle.window(window, speech[count - 1].status != Emotion.STATUS_NEITHER)
        bench.until(all_came, f"what follows from {type(item).__name__} {item.stamp_ns}")
    hashes = tuple(load_metadata(path).weights_sha256 for path in model("face", "speech").values())
    return Run(items, oracle, samples, windows, face, speech, raw, smoothed, hashes, began, bench.now_ns())


def raw_of(messages) -> list:
    return [message for message in messages if message.status != Emotion.STATUS_NEITHER]


def decision_of(message: Emotion) -> Decision:
    """Return what a message says of its origin."""
    return Decision(
        message.person_id, message.status, stamp_ns(message.header.stamp), stamp_ns(message.window_start),
        stamp_ns(message.window_end), message.header.frame_id,
    )  # fmt: skip


def test_the_stream_holds_every_kind_of_decision(run):
    assert {(one.person, one.status) for one in run.oracle.raw} == {
        ("face_1", Emotion.STATUS_FACE_ONLY),
        ("face_1", Emotion.STATUS_BOTH),
        ("face_2", Emotion.STATUS_FACE_ONLY),
        ("voice", Emotion.STATUS_SPEECH_ONLY),
    }
    assert {one.status for one in run.oracle.speech} == {Emotion.STATUS_NEITHER, Emotion.STATUS_SPEECH_ONLY}
    assert {one.frame_id for one in run.oracle.raw if one.status == Emotion.STATUS_BOTH} == {
        make.CAMERA, make.MICROPHONE,
    }  # fmt: skip
    assert max(message.face_frames for message in run.face) == FRAMES


def test_faces_have_the_stamps_and_windows_of_their_frames(run):
    assert [decision_of(message) for message in run.face] == run.oracle.face


def test_voices_have_the_stamps_and_windows_of_their_chunks(run):
    assert [decision_of(message) for message in run.speech] == run.oracle.speech


@pytest.mark.parametrize("topic", ["raw", "smoothed"])
def test_fused_decisions_have_the_stamps_and_windows_of_what_was_fused(run, topic):
    assert [decision_of(message) for message in raw_of(getattr(run, topic))] == run.oracle.raw


def test_every_stamp_is_one_that_its_sensor_sent(run):
    sent = {make.CAMERA: set(), make.MICROPHONE: set()}
    for item in run.items:
        sent[make.CAMERA if isinstance(item, Frame) else make.MICROPHONE].add(item.stamp_ns)
    for message in [*run.face, *run.speech, *raw_of(run.raw), *raw_of(run.smoothed), *run.samples, *run.windows]:
        assert stamp_ns(message.header.stamp) in sent[message.header.frame_id]


@pytest.mark.parametrize("topic", ["raw", "smoothed"])
def test_stamps_rise_for_every_person(run, topic):
    by_person: dict[str, list[int]] = {}
    for message in raw_of(getattr(run, topic)):
        by_person.setdefault(message.person_id, []).append(stamp_ns(message.header.stamp))
    assert set(by_person) == {"face_1", "face_2", "voice"}
    for heard in by_person.values():
        assert all(later > earlier for earlier, later in zip(heard, heard[1:], strict=False))


@pytest.mark.parametrize("topic", ["face", "speech", "raw", "smoothed"])
def test_every_message_keeps_the_contract(run, topic):
    modality = {"face": Emotion.MODALITY_FACE, "speech": Emotion.MODALITY_SPEECH}.get(topic, Emotion.MODALITY_FUSED)
    for message in getattr(run, topic):
        assert message.modality == modality
        assert_consistent(message, topic == "smoothed")
        assert {message.face_weights, message.speech_weights} <= {"", *run.hashes}


def test_face_frames_are_the_samples_since_the_start_of_the_window(run):
    sampled = stamps(run.samples)
    for message in run.face:
        if message.status == Emotion.STATUS_FACE_ONLY:
            window = (stamp_ns(message.window_start), stamp_ns(message.window_end))
            assert message.face_frames == sum(window[0] <= stamp <= window[1] for stamp in sampled)


def test_the_largest_face_has_the_voice(run):
    second = [message for message in raw_of(run.raw) if message.person_id == "face_2"]
    assert second
    for message in second:
        assert message.reasons == Emotion.REASON_VOICE_OF_ANOTHER and message.face_rank == 1
    assert {message.faces_in_view for message in second} == {2}


@pytest.mark.parametrize("topic", ["raw", "smoothed"])
def test_with_nothing_to_say_the_stamp_is_the_time_of_publishing(run, topic):
    nothing = [message for message in getattr(run, topic) if message.status == Emotion.STATUS_NEITHER]
    assert nothing
    for message in nothing:
        stamp = stamp_ns(message.header.stamp)
        assert run.began_ns - SECOND <= stamp <= run.ended_ns
        assert decision_of(message) == Decision("", Emotion.STATUS_NEITHER, stamp, stamp, stamp, "")
    assert nothing[0].reasons == Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE


@pytest.mark.parametrize("meaning", ["start", "end"])
def test_times_follow_sound_of_another_rate_whose_stamps_jitter(bench, recording, meaning):
    """48 kHz stereo, stamps up to 2 ms off: stamps are handed on as sent, times of samples are right to the jitter."""
    bench.add(MfccExtractor, audio_stamp=meaning, hop=0.5, max_stamp_ahead=60.0)
    windows = bench.listen(MfccWindow, "mfcc")
    bench.publisher(AudioInfo, "audio_info").publish(make.audio_info(rate=48000, channels=2))
    sound = bench.publisher(AudioDataStamped, "audio_stamped", 1000)
    bench.settle()
    rng = np.random.default_rng(3)
    spoken = np.repeat(recording[1][: 4 * RATE], 3)
    base, first, sent = bench.now_ns(), 0, []
    while first < len(spoken):
        count = int(rng.integers(480, 4800))
        samples = np.stack([spoken[first : first + count]] * 2, axis=1)
        at = first if meaning == "start" else first + len(samples)
        sent.append((base + at * SECOND // 48000 + int(rng.integers(-2_000_000, 2_000_000)), first))
        sound.publish(make.audio(samples, sent[-1][0]))
        first += count
    bench.until(lambda: len(windows) >= 6, "six windows")
    for number, window in enumerate(windows):
        end = base + (16000 + number * 8000 - 1) * SECOND // RATE
        start = base + max(0, 16000 + number * 8000 - 48000) * SECOND // RATE
        assert abs(stamp_ns(window.window_end) - end) < 4_000_000
        assert abs(stamp_ns(window.window_start) - start) < 4_000_000
        newest = max(stamp for stamp, index in sent if index <= (16000 + number * 8000 - 1) * 3)
        assert stamp_ns(window.header.stamp) == newest and window.header.frame_id == make.MICROPHONE
        assert (window.sample_rate, window.source_sample_rate, window.source_channels) == (16000, 48000, 2)


def test_sound_without_stamps_has_the_time_of_its_receipt(bench):
    from audio_common_msgs.msg import AudioData

    bench.add(MfccExtractor, audio_transport="plain", sample_rate=16000, min_window=0.5, hop=0.5)
    windows = bench.listen(MfccWindow, "mfcc")
    sound = bench.publisher(AudioData, "audio")
    before = bench.now_ns()
    sound.publish(make.audio(np.random.default_rng(0).normal(0, 900, 8000).astype("<i2"), 1).audio)
    (window,) = bench.until(lambda: windows, "a window")
    assert before <= stamp_ns(window.header.stamp) <= bench.now_ns()
    assert stamp_ns(window.header.stamp) - stamp_ns(window.window_start) == SECOND // 2
    assert window.header.frame_id == "microphone"
