"""Devices are stood in for by FFmpeg's own generators (its input format lavfi), and by readers with known stamps."""

import itertools
import time

import numpy as np
import pytest

av = pytest.importorskip("av")
if "lavfi" not in av.formats_available:
    pytest.skip("this FFmpeg has no lavfi input", allow_module_level=True)

from emotion_recognition.sensors import devices  # noqa: E402
from emotion_recognition.sensors.devices import LiveSource  # noqa: E402
from emotion_recognition.sensors.media import AudioChunk, MediaError, MediaSource, VideoFrame  # noqa: E402

CAMERA = "color=c=0x00fa00:size=64x48:rate=25:duration=0.4,format=rgb24,realtime"
MICROPHONE = "sine=frequency=500:sample_rate=16000:samples_per_frame=160:duration=0.4,arealtime"
SECOND = 1_000_000_000


def split(items):
    return [[item for item in items if isinstance(item, kind)] for kind in (VideoFrame, AudioChunk)]


def test_one_device_through_media_source():
    with MediaSource("color=c=red:size=32x32:rate=10:duration=0.5", input_format="lavfi") as source:
        items = list(source)
    assert source.has_video and not source.has_audio
    assert [item.time_ns for item in items] == [100_000_000 * i for i in range(5)]
    assert items[0].rgb[0, 0].tolist()[1:] == [0, 0] and items[0].rgb[0, 0, 0] > 245


def test_camera_and_microphone_merge_by_capture_time():
    wall = 1_700_000_000 * SECOND
    with LiveSource(
        CAMERA, MICROPHONE, camera_format="lavfi", microphone_format="lavfi", wall_clock_ns=lambda: wall
    ) as source:
        items = list(source)
    frames, chunks = split(items)
    assert source.has_video and source.has_audio and source.problems == []
    assert [item.time_ns for item in items] == sorted(item.time_ns for item in items)
    assert len(frames) == 10
    assert np.diff([frame.time_ns for frame in frames]).tolist() == [SECOND // 25] * 9
    assert all((frame.rgb == (0, 250, 0)).all() for frame in frames)
    sound = np.concatenate([chunk.samples for chunk in chunks])[:, 0]
    assert len(sound) == 6400 and {chunk.rate for chunk in chunks} == {16000}
    assert np.argmax(np.abs(np.fft.rfft(sound))) * 16000 / 6400 == pytest.approx(500, abs=3)
    # Both are anchored at one wall clock: the frame at its arrival, the chunk of 10 ms at its first sample.
    assert source.start_wall_ns == wall - 10_000_000
    assert frames[0].time_ns == 10_000_000 and chunks[0].time_ns == 0


class FakeReader:
    """A device with given items; fails at the end where told."""

    def __init__(self, items, name="fake", failure=None):
        self.items, self.name, self.failure = items, name, failure
        self.problems = [failure] if failure else []
        self.closed = False

    def __iter__(self):
        return iter(self.items)

    def close(self):
        self.closed = True


def live(monkeypatch, readers, **arguments):
    waiting = iter(readers)
    monkeypatch.setattr(devices, "_open_device", lambda *_: next(waiting))
    names = ["camera", "microphone"][: len(readers)]
    return LiveSource(*names, **arguments)


def frame(time_ns):
    return VideoFrame(time_ns, np.zeros((2, 2, 3), np.uint8))


def chunk(time_ns):
    return AudioChunk(time_ns, np.zeros((160, 1), np.int16), 16000)


def test_wall_clock_stamps_are_kept(monkeypatch):
    wall = 1_700_000_000 * SECOND
    camera = FakeReader([frame(wall + i * 30_000_000) for i in range(4)])
    microphone = FakeReader([chunk(wall - 5_000_000 + i * 10_000_000) for i in range(12)])
    with live(monkeypatch, [camera, microphone], wall_clock_ns=lambda: wall + 50_000_000) as source:
        items = list(source)
    frames, chunks = split(items)
    assert source.start_wall_ns == wall - 5_000_000
    assert [item.time_ns for item in frames] == [5_000_000 + i * 30_000_000 for i in range(4)]
    assert [item.time_ns for item in chunks] == [i * 10_000_000 for i in range(12)]
    assert [item.time_ns for item in items] == sorted(item.time_ns for item in items)
    assert camera.closed and microphone.closed


def test_a_device_that_fails_is_named_and_the_other_goes_on(monkeypatch):
    camera = FakeReader([frame(0)], "the camera", "reading the video stopped: no such device")
    microphone = FakeReader([chunk(i * 10_000_000) for i in range(30)])
    source = live(monkeypatch, [camera, microphone], wall_clock_ns=lambda: 10**18)
    items = list(itertools.islice(source, 31))
    assert [len(part) for part in split(items)] == [1, 30]
    assert source.problems == ["the camera: reading the video stopped: no such device"]
    with pytest.raises(MediaError, match="no such device"):
        next(source)


def test_a_silent_device_does_not_hold_up_the_other(monkeypatch):
    class Stuck(FakeReader):
        def __iter__(self):
            released.wait(30)
            yield from ()

    import threading

    released = threading.Event()
    microphone = FakeReader([chunk(i * 10_000_000) for i in range(5)])
    with live(monkeypatch, [Stuck([]), microphone], wall_clock_ns=lambda: 10**18) as source:
        items = [next(source) for _ in range(5)]
        released.set()
    assert [item.time_ns for item in items] == [i * 10_000_000 for i in range(5)]


def test_unread_frames_are_dropped_oldest_first(monkeypatch):
    camera = FakeReader([frame(i * 10_000_000) for i in range(20)])
    source = live(monkeypatch, [camera], wall_clock_ns=lambda: 10**18)
    source._start()
    source._threads[0].join()
    source._start = lambda: None
    items = list(source)
    assert len(items) == devices.MAX_WAITING_FRAMES and source.dropped_frames == 12
    assert items[-1].time_ns - items[0].time_ns == 70_000_000
    assert source.start_wall_ns == 10**18 + 120_000_000


@pytest.mark.skipif(not devices.ALSA_CONFIGURATION.is_file(), reason="alsa is not installed")
def test_alsa_finds_its_settings_and_stamps_with_the_wall_clock(monkeypatch):
    monkeypatch.setenv("ALSA_CONFIG_PATH", "to be removed again")
    monkeypatch.delenv("ALSA_CONFIG_PATH")
    before_ns = time.time_ns()
    with LiveSource(microphone="null") as source:  # alsa's device that is always there
        chunk = next(source)
    assert isinstance(chunk, AudioChunk) and chunk.time_ns == 0
    assert before_ns - SECOND < source.start_wall_ns < time.time_ns()


def test_missing_devices_and_formats_are_named():
    with pytest.raises(MediaError, match="neither a camera nor a microphone"):
        LiveSource()
    with pytest.raises(MediaError, match="/dev/no_such_camera"):
        LiveSource("/dev/no_such_camera")
    with pytest.raises(MediaError, match="no input format 'telepathy'"):
        LiveSource(microphone="default", microphone_format="telepathy")
    with pytest.raises(MediaError, match="delivers no audio"):
        LiveSource(microphone="color=c=red:duration=0.1", microphone_format="lavfi")
