"""A robot's sensors and clock in simulated time, which can be made to fail, before the real nodes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import messages as make
import numpy as np
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from emotion_recognition.msg import Emotion
from rclpy.lifecycle import TransitionCallbackReturn
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool

from emotion_recognition.nodes.conversions import to_time
from emotion_recognition.nodes.face_detector import FaceDetector
from emotion_recognition.nodes.fusion import FusionNode
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode
from emotion_recognition.reliability import Judge

SECOND = 1_000_000_000
RATE = 16000
STEP_NS = SECOND // 5  # of the clock, and from frame to frame
CHUNK_NS = SECOND // 10  # of sound
LATENCY_NS = SECOND // 10  # from a frame's exposure, which is its stamp, to its receipt
LEAST_WHOLE_NS = SECOND * 4 // 5
BEGIN = 1_500_000_000 * SECOND
NODES = (FaceDetector, MfccExtractor, VisualClassifierNode, SpeechClassifierNode, FusionNode)


@dataclass(frozen=True)
class Heard:
    """A message of the topic ``emotion`` and the simulated time at which it was heard."""

    message: Emotion
    at_ns: int

    @property
    def said(self) -> tuple[int, int]:
        """Status, and reasons but for ABSTAINED, which depends on the confidence."""
        return self.message.status, self.message.reasons & ~Emotion.REASON_ABSTAINED


class World:
    """Camera, microphone and clock, one step at a time; the nodes work off each step before the next.

    Attributes:
        camera: makes the next frame's message of its stamp; None: no frame comes.
        microphone: makes the next sound's message of its samples and stamp; None: no sound comes.
        late_ns: how far stamps of ``camera`` and ``microphone`` lie behind the sensors' time.
        voice: what is said, int16 (n,) at 16 kHz, over and over.
        sensors_ns: the sensors' time less ROS time.
    """

    def __init__(self, bench, picture: np.ndarray, voice: np.ndarray):
        self.bench, self._picture, self._speech = bench, picture, voice
        simulated = {"use_sim_time": True, "silence_report": 3600.0}
        clock = f"/clock:={bench.namespace}/clock"
        self._nodes = {node.NAME: bench.add(node, "-r", clock, **simulated) for node in NODES}
        self._unloaded: list[str] = []
        self._is_off = False
        self.now_ns = BEGIN
        self._clock = bench.publisher(Clock, "clock", 100)
        self._images = bench.publisher(Image, "image", 10)
        self._sound = bench.publisher(AudioDataStamped, "audio_stamped", 100)
        bench.publisher(AudioInfo, "audio_info").publish(make.audio_info())
        self._arriving: list[Emotion] = []
        bench.node.create_subscription(Emotion, "emotion", self._arriving.append, 1000)
        bench.until(lambda: bench.node.count_publishers(f"{bench.namespace}/emotion"), "the fusion publishes")
        self.heard: list[Heard] = []
        self.judge = Judge(longest_window_s=4.0, stale_after_s=1.5 + 2 * STEP_NS / SECOND)
        self._frames = count()
        self.mend()

    def mend(self) -> None:
        """Let everything work; a sensor that ran ahead of ROS time goes back."""
        if getattr(self, "sensors_ns", 0) > 0:
            self.judge.began_anew()
        for name in self._unloaded:
            assert self._nodes[name].autostart()
        self._unloaded = []
        if self._is_off:
            self.switch(True)
        self._until_heard()
        self.camera, self.microphone = self.frame, make.audio
        self.late_ns = {"camera": 0, "microphone": 0}
        self.voice, self.sensors_ns = self._speech, 0

    def frame(self, stamp_ns: int) -> Image:
        """Return a frame with a face; no two are the same."""
        rgb = self._picture.copy()
        rgb[0, 0] = next(self._frames) % 256
        return make.image(rgb, stamp_ns)

    def nobody(self, stamp_ns: int) -> Image:
        """Return a frame with nobody in it."""
        rgb = np.full_like(self._picture, 90)
        rgb[0, 0] = next(self._frames) % 256
        return make.image(rgb, stamp_ns)

    def frozen(self, stamp_ns: int) -> Image:
        """Return the same frame at all times."""
        return make.image(self._picture, stamp_ns)

    def jump(self, seconds: float, sensors: bool) -> None:
        """Let ROS time jump, the sensors' with it or not."""
        self.now_ns += round(seconds * SECOND)
        if not sensors:
            self.sensors_ns -= round(seconds * SECOND)
        elif seconds < 0:
            self.judge.began_anew()

    def unload(self, name: str) -> None:
        """Bring a node back to where it has no model and no publishers."""
        for trigger in (self._nodes[name].trigger_deactivate, self._nodes[name].trigger_cleanup):
            assert trigger() == TransitionCallbackReturn.SUCCESS
        self._unloaded.append(name)

    def switch(self, on: bool) -> None:
        """Switch perception off or on, and wait until every node has it."""
        answer = self.bench.call(SetBool, f"{self.bench.namespace}/mfcc_extractor/enable", SetBool.Request(data=on))
        assert answer.success
        self._is_off = not on
        if on:
            return
        sensors = (self._images, self._sound)
        self.bench.until(lambda: not any(one.get_subscription_count() for one in sensors), "nobody listens")
        self.bench.settle()

    def _until_heard(self) -> None:
        sensors = (self._images, self._sound)
        self.bench.until(lambda: all(one.get_subscription_count() for one in sensors), "both sensors are listened to")

    def step(self) -> list[Heard]:
        """Let one step pass; return what was heard in it."""
        self.now_ns += STEP_NS
        self._clock.publish(Clock(clock=to_time(self.now_ns)))
        now_ns = self.now_ns + self.sensors_ns
        if self.camera:
            stamp = now_ns - LATENCY_NS - self.late_ns["camera"]
            self.judge.sent(make.CAMERA, stamp)
            self._images.publish(self.camera(stamp))
        if self.microphone:
            for began_ns in range(now_ns - STEP_NS, now_ns, CHUNK_NS):
                self._publish_sound(began_ns - self.late_ns["microphone"])
        self.bench.settle()
        new = [Heard(message, self.now_ns) for message in self._arriving]
        self._arriving.clear()
        for one in new:
            problems = self.judge.hear("emotion", one.message, one.at_ns)
            assert not problems, problems
        self.heard += new
        return new

    def run(self, seconds: float) -> list[Heard]:
        """Let time pass; return what was heard."""
        return [one for _ in range(round(seconds * SECOND / STEP_NS)) for one in self.step()]

    def until_whole(self, seconds: float) -> None:
        """Let time pass until face and voice are fused in every message, and see that this stays so for a while.

        Raises:
            AssertionError: that was not so after so many seconds.
        """
        end_ns, since = self.now_ns + round(seconds * SECOND), None
        while since is None or self.now_ns - since < LEAST_WHOLE_NS:
            new = self.step()
            if any(one.said != (Emotion.STATUS_BOTH, 0) for one in new):
                since = None
            elif new and since is None:
                since = self.now_ns
            late = self.now_ns > end_ns and (since is None or since > end_ns)
            assert not late, [((one.at_ns - end_ns) / SECOND, one.said) for one in self.heard[-20:]]

    def _publish_sound(self, first_ns: int) -> None:
        first = first_ns * RATE // SECOND
        samples = self.voice[np.arange(first, first + RATE * CHUNK_NS // SECOND) % len(self.voice)]
        self.judge.sent(make.MICROPHONE, first_ns)
        self._sound.publish(self.microphone(samples, first_ns))
