"""Devices are stood in for by FFmpeg's own generators (its input format lavfi), and by readers with known stamps."""

import itertools
import threading
import time
from queue import Queue

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
    told = []
    source = live(monkeypatch, [camera, microphone], wall_clock_ns=lambda: 10**18, report=told.append)
    items = list(itertools.islice(source, 31))
    assert [len(part) for part in split(items)] == [1, 30]
    assert source.problems == ["the camera: reading the video stopped: no such device"]
    with pytest.raises(MediaError, match="no such device"):
        next(source)
    assert told == source.problems


def test_a_silent_device_does_not_hold_up_the_other(monkeypatch):
    class Stuck(FakeReader):
        def __iter__(self):
            released.wait(30)
            yield from ()

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


class DrivenReader(FakeReader):
    """A device that delivers what the test puts into ``feed``; a text is its failure, None its end."""

    def __init__(self, name="fake"):
        super().__init__([], name)
        self.feed, self.began = Queue(), threading.Event()

    def __iter__(self):
        self.began.set()
        while isinstance(item := self.feed.get(timeout=30), VideoFrame | AudioChunk):
            yield item
        self.failure = item
        self.problems = [item] if item else []


class Plug:
    """Stands in for opening: of each device a reader, an error or a function that returns one, then errors only."""

    def __init__(self, **devices):
        self.devices = {kind: list(turns) for kind, turns in devices.items()}
        self.opened = {kind: 0 for kind in devices}

    def __call__(self, kind, name, *_):
        self.opened[kind] += 1
        turn = self.devices[kind].pop(0) if self.devices[kind] else MediaError(f"{name}: no such device")
        turn = turn if isinstance(turn, FakeReader | Exception) else turn()
        if isinstance(turn, Exception):
            raise turn
        return turn


def reopening(monkeypatch, reopen_s=0.001, clock=lambda: 10**18, **turns):
    """Return a source that opens devices anew, what opens them, and the queue of what it says."""
    plug, told = Plug(**turns), Queue()
    monkeypatch.setattr(devices, "_open_device", plug)
    names = {"camera": "the camera"} if "video" in turns else {}
    names |= {"microphone": "the microphone"} if "audio" in turns else {}
    return LiveSource(**names, reopen_s=reopen_s, wall_clock_ns=clock, report=told.put), plug, told


def everything(told):
    return [told.get_nowait() for _ in range(told.qsize())]


def test_a_device_that_fails_comes_back_with_stamps_of_its_own(monkeypatch):
    now_ns = [10**18]

    def later():
        now_ns[0] += 5 * SECOND
        return FakeReader([frame(i * 30_000_000) for i in range(3)], "the camera")

    first = FakeReader([frame(7 * SECOND + i * 30_000_000) for i in range(3)], "the camera", "it is unplugged")
    # It cannot be opened, then opens but delivers nothing, failing or not: none of these is said.
    gone = [MediaError("no such device"), OSError("input/output error"), FakeReader([], "the camera", "it fails")]
    source, plug, told = reopening(
        monkeypatch, clock=lambda: now_ns[0], video=[first, *gone, FakeReader([], "the camera"), later]
    )
    items = list(source)  # once back, it ends by itself: that is no failure, and nothing to open again
    assert [item.time_ns for item in items] == [
        i * 30_000_000 + later_ns for later_ns in (0, 5 * SECOND) for i in range(3)
    ]
    assert source.start_wall_ns == 10**18 and plug.opened == {"video": 6}
    assert everything(told) == ["the camera: it is unplugged", "the camera: delivers again"]
    assert source.problems == ["the camera: it is unplugged"]
    assert first.closed and gone[2].closed


def test_the_other_device_is_not_held_up_by_one_that_is_away(monkeypatch):
    monkeypatch.setattr(devices, "HOLD_S", 40.0)
    opening, plugged_in = threading.Event(), threading.Event()
    cameras, microphone = [DrivenReader("the camera"), DrivenReader("the camera")], DrivenReader("the microphone")

    def slowly():
        opening.set()
        assert plugged_in.wait(30)
        return cameras[1]

    source, _, told = reopening(monkeypatch, video=[cameras[0], slowly], audio=[microphone])
    began = time.monotonic()
    with source:
        cameras[0].feed.put(frame(10**18))
        microphone.feed.put(chunk(10**18 + 5_000_000))
        assert isinstance(next(source), VideoFrame)
        cameras[0].feed.put("it is unplugged")
        assert told.get(timeout=30) == "the camera: it is unplugged"
        assert next(source).time_ns == 5_000_000  # while it waits to be opened
        assert time.monotonic() - began < 20.0
        assert opening.wait(30)
        for i in range(1, 50):  # and while that is being done
            microphone.feed.put(chunk(10**18 + 5_000_000 + i * 10_000_000))
            assert next(source).time_ns == 5_000_000 + i * 10_000_000
            assert time.monotonic() - began < 20.0
        plugged_in.set()
        assert cameras[1].began.wait(30) and source._running == {0, 1}
        # In order again, though the frame comes after the later sound.
        microphone.feed.put(chunk(10**18 + SECOND))
        cameras[1].feed.put(frame(10**18 + SECOND - 1))
        cameras[1].feed.put(frame(10**18 + SECOND + 1))
        assert [next(source).time_ns for _ in range(2)] == [SECOND - 1, SECOND]
        assert told.get(timeout=30) == "the camera: delivers again"
        for reader in (cameras[1], microphone):
            reader.feed.put(None)
        assert [item.time_ns for item in source] == [SECOND + 1]


def test_iterating_waits_for_two_devices_that_are_both_away(monkeypatch):
    def turns(make, name):
        failing, well = FakeReader([make(10**18)], name, "it is unplugged"), FakeReader([make(10**18 + SECOND)], name)
        return [failing, *[MediaError("no such device")] * 5, well]

    source, plug, told = reopening(monkeypatch, video=turns(frame, "the camera"), audio=turns(chunk, "the microphone"))
    items = list(source)
    assert [[item.time_ns for item in part] for part in split(items)] == [[0, SECOND]] * 2
    assert plug.opened == {"video": 7, "audio": 7}
    said = everything(told)
    for name in ("the camera", "the microphone"):
        assert [text for text in said if text.startswith(name)] == [
            f"{name}: it is unplugged",
            f"{name}: delivers again",
        ]


def test_closing_ends_the_waiting_for_a_device(monkeypatch):
    camera, microphone = FakeReader([], "the camera", "it is gone"), FakeReader([], "the microphone", "it is gone")
    source, plug, told = reopening(monkeypatch, reopen_s=3600.0, video=[camera], audio=[microphone])
    items = []
    iterating = threading.Thread(target=lambda: items.extend(source), daemon=True)
    iterating.start()
    assert {told.get(timeout=30) for _ in range(2)} == {"the camera: it is gone", "the microphone: it is gone"}
    assert iterating.is_alive()
    source.close()
    iterating.join(30)
    assert not iterating.is_alive() and not any(thread.is_alive() for thread in source._threads)
    assert items == [] and plug.opened == {"video": 1, "audio": 1}


def test_a_device_that_opens_after_closing_is_closed(monkeypatch):
    opening, closed, late = threading.Event(), threading.Event(), DrivenReader()

    def slowly():
        opening.set()
        assert closed.wait(30)
        return late

    source, _, _ = reopening(monkeypatch, video=[FakeReader([], "the camera", "it is gone"), slowly])
    iterating = threading.Thread(target=lambda: list(source), daemon=True)
    iterating.start()
    assert opening.wait(30)
    closing = threading.Thread(target=source.close, daemon=True)
    closing.start()
    iterating.join(30)
    assert not iterating.is_alive() and not late.closed
    closed.set()
    source._threads[0].join(30)
    assert late.closed and not late.began.is_set() and not source._threads[0].is_alive()


def test_a_source_that_was_closed_starts_no_reading(monkeypatch):
    camera = DrivenReader("the camera")
    source, _, told = reopening(monkeypatch, video=[camera])
    source.close()
    assert list(source) == [] and source._threads == []
    assert camera.closed and not camera.began.is_set() and told.empty()


def test_problems_do_not_grow_without_bound(monkeypatch):
    glitches = [FakeReader([frame(i)], "the camera", f"glitch {i}") for i in range(100)]
    source, _, told = reopening(monkeypatch, reopen_s=0.0, video=[*glitches, FakeReader([frame(100)], "the camera")])
    assert len(list(source)) + source.dropped_frames == 101
    assert source.problems == [f"the camera: glitch {i}" for i in range(100 - devices.MAX_PROBLEMS, 100)]
    assert len(everything(told)) == 200


def test_a_device_that_is_not_there_fails_at_once_though_it_might_be_opened_again(monkeypatch):
    camera = FakeReader([])
    with pytest.raises(MediaError, match="the microphone: no such device"):
        reopening(monkeypatch, video=[camera], audio=[])
    assert camera.closed


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
