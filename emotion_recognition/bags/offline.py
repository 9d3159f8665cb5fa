"""The perception chain in bag time: sensors to samples, features, emotions and fusion, as fast as the machine can.

The steps are those of the nodes (:mod:`emotion_recognition.chain`) with the nodes' parameters; the clock is the time at
which each message was received, so that one bag always gives the same decisions.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emotion_recognition.bags.reading import Bag, BagMessage
from emotion_recognition.bags.sources import Sources
from emotion_recognition.bags.writing import AUDIO, COMPRESSED_IMAGE
from emotion_recognition.chain import DetectionStep, FaceStep, FusionStep, LeftOut, SoundStep, SpeechStep
from emotion_recognition.chain.sound import SoundFormat
from emotion_recognition.estimates import Estimate, Modality, Reason
from emotion_recognition.sensors import create_image_decoder
from emotion_recognition.stamps import SECOND_NS

Parameters = Mapping[str, Mapping[str, Any]]
# Nobody's fault: the sound is as it is.
NOT_PROBLEMS = ("clipped",)


@dataclass(frozen=True)
class Heard:
    """An estimate as it would have been published: on which stream (``face``, ``speech``, ``fused``), and when."""

    stream: str
    estimate: Estimate
    now_ns: int


class OfflineChain:
    """All nodes' steps, for one pass over one bag.

    Args:
        parameters: by node, as :func:`emotion_recognition.parameters.checked` returns them.
        sources: the bag's topics; a stream without a topic loads nothing.

    Raises:
        ValueError, ImportError, ModelError: a parameter is out of range, or a model or an engine cannot be loaded.
    """

    def __init__(self, parameters: Parameters, sources: Sources):
        p = parameters
        self._parameters, self._sources = p, sources
        image, audio = sources.get("image"), sources.get("audio")
        self._detection = self._face = self._sound = self._speech = None
        if image is not None:
            transport = "compressed" if image.type == COMPRESSED_IMAGE else "raw"
            decode = create_image_decoder(transport, p["face_detector"]["image_decoder"])
            self._detection = DetectionStep(p["face_detector"], decode)
            self._face = FaceStep(p["visual_classifier"])
        if audio is not None:
            self._sound = SoundStep(p["mfcc_extractor"], self._sound_left_out)
            self._speech = SpeechStep(p["speech_classifier"])
        self._fusion = FusionStep(p["fusion"])
        self._idle_ns = round(p["fusion"]["idle_period"] * SECOND_NS)
        self._next_idle_ns: int | None = None
        self._now_ns = 0

    def run(self, bag: Bag) -> Iterator[Heard]:
        """Yield what the nodes would publish; what cannot be used goes to the bag's problems."""
        self._bag = bag
        take: dict[str, Callable[[BagMessage], Iterator[Heard]]] = {}
        for part, handler in (("image", self._image), ("audio", self._audio), ("audio_info", self._info)):
            topic = self._sources.get(part)
            if topic is not None:
                take[topic.name] = handler
        topics = [topic for topic in self._sources.topics.values() if topic.name in take]
        for message in bag.messages(topics):
            yield from self._tick(message.time_ns)
            self._now_ns = message.time_ns
            try:
                yield from take[message.topic.name](message)
            except LeftOut as left_out:
                self._problem(message, left_out.kind, f"message left out: {left_out}")
            except ValueError as error:
                self._problem(message, "unreadable", f"message left out: {error}")

    def _tick(self, time_ns: int) -> Iterator[Heard]:
        """Let the fusion's clock run on to a time: a tick at once, then at every whole period, as of ROS timers."""
        if self._next_idle_ns is None:
            self._next_idle_ns = time_ns
        while self._next_idle_ns <= time_ns:
            now_ns = self._next_idle_ns
            pair = self._fusion.idle(now_ns)
            if pair is not None:
                yield Heard("fused", pair[1], now_ns)
            self._next_idle_ns = (now_ns // self._idle_ns + 1) * self._idle_ns

    def _image(self, message: BagMessage) -> Iterator[Heard]:
        header = self._detection.sample(message.data, message.time_ns)
        if header is None:
            return
        found = self._detection.detect(message.data, header.stamp_ns)
        size = (found.shape[1], found.shape[0])

        def left_out(track: int, error: ValueError) -> None:
            self._problem(message, "face", f"face {track} left out: {error}")

        estimates = self._face.classify(found.samples, found.reasons, header.stamp_ns, header.frame_id, size, left_out)
        for estimate in estimates:
            yield from self._fuse(estimate, Modality.FACE, message.time_ns)

    def _info(self, message: BagMessage) -> Iterator[Heard]:
        yield from ()
        if self._sound is not None and not self._parameters["mfcc_extractor"]["sample_rate"]:
            info = self._bag.decode(message)
            self._sound.format = SoundFormat(info.sample_rate, info.channels, info.sample_format, info.coding_format)

    def _audio(self, message: BagMessage) -> Iterator[Heard]:
        sound = self._bag.decode(message)
        stamped = message.topic.type == AUDIO
        if stamped:
            stamp_ns = sound.header.stamp.sec * SECOND_NS + sound.header.stamp.nanosec
            self._sound.check(stamp_ns, message.time_ns)
            data, frame_id = sound.audio.data, sound.header.frame_id
        else:
            stamp_ns, data = message.time_ns, sound.data
            frame_id = self._parameters["mfcc_extractor"]["microphone_frame_id"]
        for result in self._sound.push(data.tobytes(), stamp_ns, by_receipt=not stamped):
            mfcc = result.mfcc if self._speech.reads_matrix else result.mfcc_mean
            reasons = Reason.MICROPHONE_FROZEN if result.is_constant else Reason.NONE
            estimate = self._speech.classify(
                mfcc, result.voice_activity, reasons, result.stamp_ns, frame_id, (result.start_ns, result.end_ns)
            )
            yield from self._fuse(estimate, Modality.SPEECH, message.time_ns)

    def _fuse(self, estimate: Estimate, modality: Modality, now_ns: int) -> Iterator[Heard]:
        yield Heard(modality.name.lower(), estimate, now_ns)
        for _, smoothed in self._fusion.take(estimate, modality, now_ns):
            yield Heard("fused", smoothed, now_ns)

    def _sound_left_out(self, kind: str, problem: str) -> None:
        if kind not in NOT_PROBLEMS:
            self._bag.problems.add(self._sources.topics["audio"].name, self._now_ns, problem, kind)

    def _problem(self, message: BagMessage, kind: str, text: str) -> None:
        self._bag.problems.add(message.topic.name, message.time_ns, text, kind)
