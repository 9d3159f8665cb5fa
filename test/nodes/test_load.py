"""More than a robot should ever send: the nodes live, decide, count what they leave out, and keep their memory."""

import time
from itertools import count

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

import messages as make  # noqa: E402
import psutil  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from composed_faces import compose, cut_head  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from processes import ros_args  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from emotion_recognition.audio.resampling import RATE  # noqa: E402
from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402
from emotion_recognition.reliability import contract_problems  # noqa: E402
from emotion_recognition.sensors import MediaSource  # noqa: E402
from emotion_recognition.sensors.media import VideoFrame  # noqa: E402

SECOND = 1_000_000_000
MIB = 1 << 20
QUIET = {"silence_report": 60.0, "max_stamp_age": 600.0}


@pytest.fixture(scope="module")
def recorded():
    """The recording's frame at 2 s, (480, 640, 3) uint8, and its voice from 3 to 9 s, int16 (n,) at 16 kHz."""
    frame, sounds = None, []
    with MediaSource(RECORDING) as source:
        for item in source:
            if isinstance(item, VideoFrame):
                frame = item.rgb if frame is None and item.time_ns >= 2 * SECOND else frame
            else:
                assert item.rate == RATE
                sounds.append(item.samples[:, 0])
    return np.ascontiguousarray(frame), np.concatenate(sounds)[3 * RATE : 9 * RATE]


def resident_mib() -> float:
    return psutil.Process().memory_info().rss / MIB


# Sizes of a camera that nobody would mount on a robot.


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_frames_of_7680x4320_are_worked_on_in_constant_memory(bench, recorded, transport):
    frame, _ = recorded
    picture = Picture.fromarray(frame).resize((5760, 4320)).crop((-960, 0, 6720, 4320))
    patient = {"track_gap": 60.0, "frozen_after": 3600.0, **QUIET}
    node = bench.add(FaceDetector, image_transport=transport, window=0.5, frames=150, **patient)
    kind, topic = (Image, "image") if transport == "raw" else (CompressedImage, "image/compressed")
    publisher, heard = bench.publisher(kind, topic), bench.listen(FaceSamples, "face_samples")
    if transport == "raw":
        message = make.image(np.asarray(picture), 0)
    else:
        from io import BytesIO

        picture.save(encoded := BytesIO(), "JPEG")
        message = make.compressed(encoded.getvalue(), 0)
    resident = []
    for number in range(4):
        message.header = make.header(bench.now_ns(), make.CAMERA)
        publisher.publish(message)
        bench.until(lambda number=number: len(heard) > number, "the frame's faces", 60.0)
        bench.settle()
        resident.append(resident_mib())
    for one in heard:
        assert (one.image_width, one.image_height, len(one.faces)) == (7680, 4320, 1)
        # As in the small frame, nine times as large and 960 pixels to the right.
        x, y, width, height = one.faces[0].box
        assert abs(x - (960 + 9 * 227)) < 400 and abs(width - 9 * 179) < 250, one.faces[0].box
        assert one.faces[0].track_id == 1
    assert resident[-1] - resident[1] < 150, f"{resident} MiB: a frame has 95"
    assert not bench.lines(node)


def test_eight_faces_in_a_frame_are_eight_people_to_the_end(bench, recorded, model):
    frame, _ = recorded
    head = cut_head(frame)
    places = [(160 + 320 * (number % 4), 180 + 360 * (number // 4), 300) for number in range(8)]
    picture = compose([head] * 8, places, (1280, 720))
    bench.add(FaceDetector, window=0.5, frames=150, **QUIET)
    bench.add(VisualClassifierNode, **model("face"), **QUIET)
    bench.add(FusionNode, stale_after=60.0, **QUIET)
    publisher, samples = bench.publisher(Image, "image"), bench.listen(FaceSamples, "face_samples")
    face, raw = bench.listen(Emotion, "emotion/face"), bench.listen(Emotion, "emotion/raw")
    smooth = bench.listen(Emotion, "emotion")
    for number in range(3):
        publisher.publish(make.image(picture, bench.now_ns()))
        bench.until(lambda number=number: len(smooth) >= 8 * (number + 1), "eight decisions more", 60.0)
        bench.settle()
    people = {f"face_{number}" for number in range(1, 9)}
    assert [len(one.faces) for one in samples] == [8] * 3
    for stamp in stamps(samples):
        for heard in (face, raw, smooth):
            assert {one.person_id for one in heard if stamps([one]) == [stamp]} == people
    for one in smooth:
        assert not contract_problems(one, smoothed=True)


def test_sound_of_eight_channels_at_192_khz_gives_what_one_at_16_khz_gives(bench, recorded):
    _, voice = recorded
    voice = voice[: 4 * RATE].astype(np.float64)
    fine = np.interp(np.arange(12 * len(voice)) / 12, np.arange(len(voice)), voice)
    # Each channel has a gain of its own; their mean is the voice.
    gains = np.linspace(0.3, 1.7, 8)
    wide = (fine[:, None] * gains).clip(-32768, 32767).astype("<i2")
    windows = {}
    for name, samples, rate, channels in (
        ("wide", wide, 192000, 8),
        ("narrow", wide.mean(1)[::12].astype("<i2")[:, None], RATE, 1),
    ):
        mapping = [f"{topic}:={topic}_{name}" for topic in ("audio_stamped", "audio_info", "mfcc")]
        words = [word for one in (*mapping, f"__node:=mfcc_{name}") for word in ("-r", one)]
        node = bench.add(MfccExtractor, *words, **QUIET)
        info = bench.publisher(AudioInfo, f"audio_info_{name}", QoSProfile(depth=1))
        sound = bench.publisher(AudioDataStamped, f"audio_stamped_{name}", QoSProfile(depth=500))
        heard = windows[name] = bench.listen(MfccWindow, f"mfcc_{name}")
        info.publish(make.audio_info(rate, channels))
        bench.settle()
        begin, size = bench.now_ns() - 5 * SECOND, rate // 20
        before = resident_mib()
        for number in range(len(samples) // size):
            sound.publish(make.audio(samples[number * size : (number + 1) * size], begin + number * SECOND // 20))
            bench.executor.spin_once(timeout_sec=0)
        bench.until(lambda heard=heard: len(heard) >= 5, "windows", 60.0)
        bench.settle()
        assert resident_mib() - before < 80
        assert not bench.lines(node)
    assert len(windows["wide"]) == len(windows["narrow"])
    for one, other in zip(windows["wide"], windows["narrow"], strict=True):
        assert one.sample_rate == other.sample_rate == RATE
        assert abs(one.voice_activity - other.voice_activity) < 0.15 and abs(one.level - other.level) < 1.0
        # Linear interpolation leaves something above the voice: the coefficients of the shape differ a little.
        assert np.corrcoef(one.mfcc_mean[1:], other.mfcc_mean[1:])[0, 1] > 0.98


def test_thousands_of_changes_of_the_sounds_format_leave_the_last(bench, recorded):
    _, voice = recorded
    node = bench.add(MfccExtractor, window=0.5, min_window=0.2, hop=0.1, **QUIET)
    info = bench.publisher(AudioInfo, "audio_info", QoSProfile(depth=1000))
    sound, heard = bench.publisher(AudioDataStamped, "audio_stamped"), bench.listen(MfccWindow, "mfcc")
    formats = [
        make.audio_info(8000 + 10 * number, 1 + number % 8, sample_format=kind)
        for number, kind in zip(range(3000), ["S16LE", "F32LE", "U8", "S24LE", "MP3", ""] * 500, strict=True)
    ]
    begin, before = bench.now_ns() - 6 * SECOND, resident_mib()
    for number, one in enumerate(formats):
        info.publish(one)
        if number % 100 == 0:
            sound.publish(make.audio(voice[: RATE // 20], begin + number * SECOND // 3000))
        bench.executor.spin_once(timeout_sec=0)
    info.publish(make.audio_info(RATE))
    step = node._step
    bench.until(lambda: step.format and (step.format.sample_rate, step.format.channels) == (RATE, 1), "the last format")
    bench.settle()
    heard.clear()
    begin = bench.now_ns() - 3 * SECOND
    for number in range(40):
        chunk = voice[number * RATE // 20 : (number + 1) * RATE // 20]
        sound.publish(make.audio(chunk, begin + number * SECOND // 20))
    bench.until(lambda: len(heard) >= 10, "windows of the last format")
    assert all(begin <= one < begin + 2 * SECOND for one in stamps(heard))
    assert resident_mib() - before < 40


FLOODED_S = 3.0


def test_ten_times_the_usual_rates_leave_a_process_deciding_in_constant_memory(bench, start, recorded):
    """300 frames/s with eight faces, all looked at; sound in chunks of 5 ms, each twice and with its format."""
    frame, voice = recorded
    more = ("-p", "face_detector:frames:=150", "-p", "face_detector:window:=0.5")  # looks at every frame
    process = start("composed", *ros_args(bench.namespace, *more))
    emotions, samples = [], []
    bench.node.create_subscription(Emotion, "emotion", emotions.append, 1000)
    bench.node.create_subscription(FaceSamples, "face_samples", samples.append, 1000)
    images = bench.publisher(Image, "image", make.best_effort(1))
    sounds = bench.publisher(AudioDataStamped, "audio_stamped", QoSProfile(depth=500))
    infos = bench.publisher(AudioInfo, "audio_info", QoSProfile(depth=1))
    places = [(80 + 160 * (number % 4), 90 + 180 * (number // 4), 150) for number in range(8)]
    eight = compose([cut_head(frame)] * 8, places, (640, 360))
    pictures = [make.image(np.roll(eight, number, axis=1), 0) for number in range(10)]
    size, sent = RATE // 200, {"images": 0, "sounds": 0}
    begin_ns, began = bench.now_ns(), time.monotonic()
    chunks = count()

    def send(rate: float) -> None:
        """Send what is due: sound up to now, and a frame at a rate, or at once."""
        now = time.monotonic() - began
        while sent["sounds"] * size < now * RATE - size:
            number = next(chunks)
            at = number * size % (len(voice) - size)
            infos.publish(make.audio_info(RATE))
            chunk = make.audio(voice[at : at + size], begin_ns + number * size * SECOND // RATE)
            sounds.publish(chunk)
            if rate > 100:
                sounds.publish(chunk)
            sent["sounds"] += 1
        if sent["images"] < now * rate:
            picture = pictures[sent["images"] % len(pictures)]
            picture.header = make.header(bench.now_ns(), make.CAMERA)
            images.publish(picture)
            sent["images"] += 1
        bench.executor.spin_once(timeout_sec=0.001 if rate < 100 else 0)

    def resident() -> float:
        return psutil.Process(process.pid).memory_info().rss / MIB

    def usual():
        send(30.0)
        return {one.status for one in emotions} >= {Emotion.STATUS_BOTH}

    bench.until(usual, "face and voice at the usual rates", 60.0)
    flood_ns, end = bench.now_ns(), time.monotonic() + FLOODED_S
    before = highest = resident()
    first = sent["images"] = int((time.monotonic() - began) * 300)  # from now on
    while time.monotonic() < end:
        send(300.0)
        highest = max(highest, resident()) if sent["images"] % 50 == 0 else highest
    print(f"{sent['images'] - first} frames in {FLOODED_S} s, {before:.0f} to {highest:.0f} MiB")
    assert process.running, process.output()
    late = flood_ns + round(FLOODED_S / 2 * SECOND)
    bench.until(
        lambda: {one.status for one in emotions if stamps([one])[0] > late} >= {Emotion.STATUS_BOTH} or send(30.0),
        "a decision on face and voice of the flood's second half",
        60.0,
    )
    assert highest - before < 60, f"{before:.0f} to {highest:.0f} MiB"
    used = [one for one in samples if stamps([one])[0] >= flood_ns]
    assert used and len(used) + sum(one.skipped for one in used) <= sent["images"] - first
    for person in {one.person_id for one in emotions if one.person_id}:
        order = stamps(one for one in emotions if one.person_id == person)
        assert order == sorted(set(order))
    for one in emotions:
        assert not contract_problems(one, smoothed=True)
