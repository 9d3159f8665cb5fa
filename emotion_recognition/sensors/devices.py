"""A camera and a microphone, or one of them, as one stream of stamped items, through FFmpeg's input devices.

Each device is read by a thread of its own, so that neither waits for the other; the two are put in order by
capture time. FFmpeg's v4l2, alsa and pulse inputs stamp with the wall clock; a device that does not (lavfi) is
anchored where its first item arrives.
"""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

from emotion_recognition.sensors.media import (
    AudioChunk,
    Item,
    ItemSource,
    MediaError,
    StreamReader,
    VideoFrame,
    find_stream,
    moved,
    open_input,
)
from emotion_recognition.stamps import SECOND_NS

# An item waits for the other device's next one at most this long, so that a stalled device holds up nothing.
HOLD_S = 0.25
# Unread frames beyond this number are dropped, the oldest first: a robot acts on what its camera sees now.
MAX_WAITING_FRAMES = 8
# The latest are kept: devices that fail and come back do so for as long as a robot runs.
MAX_PROBLEMS = 20
# Stamps this near to the wall clock are wall-clock stamps.
WALL_CLOCK_WITHIN_S = 3600
CAMERA_FORMAT = "v4l2"
MICROPHONE_FORMAT = "alsa"
# v4l2 stamps with the monotonic clock on most kernels; "abs" turns it into the wall clock's, as alsa has it.
DEFAULT_OPTIONS = {"v4l2": {"timestamps": "abs"}}
ALSA_CONFIGURATION = Path("/usr/share/alsa/alsa.conf")
_FORMAT_NAMES = {"v4l2": "video4linux2,v4l2"}


class LiveSource(ItemSource):
    """Stamped items of a camera and a microphone in order of capture, for as long as the devices deliver.

    An iterator and a context manager with the attributes of ``MediaSource``. Times count from the first item of
    either device; ``start_wall_ns`` is that moment in nanoseconds of the Unix clock, so that
    ``start_wall_ns + item.time_ns`` is when an item was captured.

    A device that fails is named in ``problems`` (the latest ``MAX_PROBLEMS``) and to ``report`` at once, while the
    other goes on; when none is left and one failed, iterating raises MediaError. With ``reopen_s`` it is opened again
    until that works or the source is closed: iterating waits for it, the other device's items do not. An item that
    arrives more than ``HOLD_S`` after a later one of the other device is yielded when it comes, out of order, rather
    than lost. Frames not fetched in time are dropped and counted in ``dropped_frames``; sound is never dropped.

    Raises:
        MediaError: on opening, a device does not exist or delivers no stream of its kind.
    """

    duration_s = None

    def __init__(
        self,
        camera: str | None = None,
        microphone: str | None = None,
        *,
        camera_format: str = CAMERA_FORMAT,
        microphone_format: str = MICROPHONE_FORMAT,
        camera_options: dict[str, str] | None = None,
        microphone_options: dict[str, str] | None = None,
        reopen_s: float | None = None,
        report: Callable[[str], object] = lambda _: None,
        wall_clock_ns: Callable[[], int] = time.time_ns,
    ):
        """Open the devices; reading starts with the first item asked for.

        Args:
            camera: the camera's name for its format, e.g. ``/dev/video0``; None for no camera.
            microphone: the microphone's name, e.g. ``default``; None for no microphone.
            camera_format, microphone_format: FFmpeg's names of input formats (``v4l2``, ``alsa``, ``pulse``,
                ``lavfi``, ...), if this build of FFmpeg has them.
            camera_options, microphone_options: FFmpeg options, e.g. ``{"video_size": "640x480"}``.
            reopen_s: a device that failed is opened again every so many seconds until it delivers; None for never.
            report: takes what goes wrong with a device when it happens, and that one is back; called in the device's
                thread.
            wall_clock_ns: the Unix clock.
        """
        if camera is None and microphone is None:
            raise MediaError("neither a camera nor a microphone is given, expected at least one")
        self.has_video, self.has_audio = camera is not None, microphone is not None
        self.name = " and ".join(name for name in (camera, microphone) if name is not None)
        self.problems: list[str] = []
        self.dropped_frames = 0
        self.start_wall_ns: int | None = None
        self._reopen_s = reopen_s
        self._report = report
        self._clock = wall_clock_ns
        self._openers: list[Callable[[], StreamReader]] = []
        self._readers: list[StreamReader] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._heap: list[tuple[int, int, int, Item, float]] = []  # capture time, number, device, item, arrival
        self._numbers = count()
        self._newest: dict[int, int] = {}
        self._running: set[int] = set()
        self._away: set[int] = set()  # failed, to be opened again
        self._failed = False
        self._closed = False
        wanted = (
            ("video", camera, camera_format, camera_options),
            ("audio", microphone, microphone_format, microphone_options),
        )
        try:
            for kind, name, input_format, options in wanted:
                if name is not None:
                    self._openers.append(partial(_open_device, kind, name, input_format, options))
                    self._readers.append(self._openers[-1]())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop reading and close the devices; may be called twice and from any thread. Iterating ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if not self._threads:
            for reader in self._readers:
                reader.close()
        for thread in self._threads:  # each closes its own device: closing under a reading thread is not safe
            if thread is not threading.current_thread():
                thread.join(timeout=2.0)

    def _items(self) -> Iterator[Item]:
        self._start()
        while True:
            with self._changed:
                entry = self._next_entry()
            if entry is None:
                break
            captured_ns, _, _, item, _ = entry
            if self.start_wall_ns is None:
                self.start_wall_ns = captured_ns
            yield moved(item, captured_ns - self.start_wall_ns - item.time_ns)
        if self._failed and not self._closed:
            raise MediaError(f"{self.name}: {'; '.join(self.problems)}")

    def _start(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._running = set(range(len(self._readers)))
            for device, reader in enumerate(self._readers):
                name = f"read {reader.name}"
                thread = threading.Thread(target=self._run, args=(device, reader), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _next_entry(self):
        """Wait until the earliest item may go, with the lock held; None when there will be no more."""
        while not self._closed:
            if not self._heap:
                if not self._running and not self._away:
                    return None
                self._changed.wait()
                continue
            captured_ns, _, _, _, arrival = self._heap[0]
            behind = [d for d in self._running if self._newest.get(d, -1) < captured_ns]
            left_s = arrival + HOLD_S - time.monotonic()
            if not behind or left_s <= 0:
                return heapq.heappop(self._heap)
            self._changed.wait(left_s)
        return None

    def _run(self, device: int, reader: StreamReader | None) -> None:
        """Read a device, and open it again where it failed and that is wanted; the work of its thread."""
        failed = False
        try:
            while reader is not None:
                failed = self._read(device, reader, failed)
                reader = self._open_again(device) if failed and self._reopen_s is not None else None
        finally:
            with self._changed:
                self._failed |= failed
                self._running.discard(device)
                self._away.discard(device)
                self._changed.notify_all()

    def _read(self, device: int, reader: StreamReader, was_away: bool) -> bool:
        """Pass on a device's items until it ends; return whether it failed.

        One that was away is back with its first item; without any it is still away, of which nothing new is said.
        """
        offset_ns = None
        try:
            for item in reader:
                if offset_ns is None:
                    offset_ns = self._offset_ns(item)
                    if was_away:
                        self._report(f"{reader.name}: delivers again")
                    was_away = False
                with self._changed:
                    if self._closed:
                        break
                    self._put(device, item.time_ns + offset_ns, item)
                    self._changed.notify_all()
        except Exception as problem:  # a reader's thread must not die unheard
            reader.problems.append(f"reading stopped: {problem}")
            reader.failure = str(problem)
        finally:
            reader.close()
        if not was_away:
            problems = [f"{reader.name}: {problem}" for problem in reader.problems]
            with self._changed:
                self.problems.extend(problems)
                del self.problems[:-MAX_PROBLEMS]
            for problem in problems:
                self._report(problem)
        return was_away or reader.failure is not None

    def _open_again(self, device: int) -> StreamReader | None:
        """Open a device that failed until that works; None where the source is closed before."""
        with self._changed:
            self._running.discard(device)  # the other's items wait for it no more
            self._away.add(device)
            self._changed.notify_all()
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, self._reopen_s):
                    return None
            try:
                reader = self._openers[device]()
            except Exception:  # whatever it is this time: that the device failed has been said
                continue
            with self._changed:
                if not self._closed:
                    self._away.discard(device)
                    self._running.add(device)
                    return reader
            reader.close()
            return None

    def _offset_ns(self, first: Item) -> int:
        """Return what makes a device's times those of the wall clock, told by its first item."""
        now_ns = self._clock()
        if abs(now_ns - first.time_ns) < WALL_CLOCK_WITHIN_S * SECOND_NS:
            return 0
        # A chunk arrives when its last sample has been taken, its stamp is that of the first.
        duration_ns = first.end_ns - first.time_ns if isinstance(first, AudioChunk) else 0
        return now_ns - duration_ns - first.time_ns

    def _put(self, device: int, captured_ns: int, item: Item) -> None:
        heapq.heappush(self._heap, (captured_ns, next(self._numbers), device, item, time.monotonic()))
        self._newest[device] = captured_ns
        frames = [entry for entry in self._heap if isinstance(entry[3], VideoFrame)]
        if len(frames) > MAX_WAITING_FRAMES:
            self._heap.remove(min(frames))
            heapq.heapify(self._heap)
            self.dropped_frames += 1


def _point_to_alsa_configuration() -> None:
    """Tell the alsa library inside PyAV's wheels, which looks where it was built, where the settings are."""
    if ALSA_CONFIGURATION.is_file():
        os.environ.setdefault("ALSA_CONFIG_PATH", str(ALSA_CONFIGURATION))
        os.environ.setdefault("ALSA_CONFIG_DIR", str(ALSA_CONFIGURATION.parent))


def _open_device(kind: str, name: str, input_format: str, options: dict[str, str] | None) -> StreamReader:
    import av

    full_name = _FORMAT_NAMES.get(input_format, input_format)
    if full_name not in av.formats_available:
        raise MediaError(
            f"{name}: this FFmpeg has no input format {input_format!r}; PyAV's build from source may have it"
        )
    if input_format == "alsa":
        _point_to_alsa_configuration()
    container = open_input(name, full_name.split(",")[-1], {**DEFAULT_OPTIONS.get(input_format, {}), **(options or {})})
    try:
        if find_stream(container, kind) is None:
            raise MediaError(f"{name}: the {input_format} device delivers no {kind}")
        return StreamReader(container, kind, name)
    except BaseException:
        container.close()
        raise
