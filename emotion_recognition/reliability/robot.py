"""A robot in simulated time: the real nodes before a camera, a microphone and a clock that can be made to fail.

Time goes on in steps of a second, each worked off before the next: two camera frames, then a piece of sound. What is
seen and heard is the bundled recording's face and voice, over and over, in small pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from emotion_recognition.bench.material import Material, load_material
from emotion_recognition.parameters import defaults
from emotion_recognition.reliability.bringup import Bringup
from emotion_recognition.reliability.judging import Judge
from emotion_recognition.reliability.sensing import audio_info, audio_message, image_message, origin_of
from emotion_recognition.stamps import SECOND_NS

NAMESPACE = "/robot"
BEGIN_NS = 1_700_000_000 * SECOND_NS
STEP_NS = SECOND_NS
RATE = 16000
PICTURE = 160, 120
# Stamps of the frames and of the sound of a step, from the time told: a time that is told once a second falls behind.
FRAMES_NS, SOUND_NS = (-SECOND_NS // 4, SECOND_NS // 4), 27 * SECOND_NS // 100
CAMERA, MICROPHONE = "camera", "microphone"
# Two frames and one decision on a face a second, one on a voice in two; small pictures, seldom searched as a whole;
# sound stamped with its end, since it comes in pieces of a second; the rest is as shipped.
WINDOW_S, HOP_S = 3.0, 2.048
SAMPLING = {"frames": 3, "window": WINDOW_S, "track_gap": 2.0}
PARAMETERS = {
    "face_detector": {**SAMPLING, "min_face_size": 40, "detection_interval": 10.0},
    "visual_classifier": SAMPLING,
    "mfcc_extractor": {"hop": HOP_S, "audio_stamp": "end"},
}
# A voice's window ends with a hop, up to a whole one before the end, and stamp, of the sound that completed it. A fused
# window reaches from the voice's, paired with a face up to pair_within later, to that face.
LONGEST_WINDOW_S = WINDOW_S + HOP_S + defaults("fusion")["pair_within"]
STALE_AFTER_S = defaults("fusion")["stale_after"]
STAMPS_KEPT = 1000
# Steps until the nodes have followed a sensor back to stamps that rise.
FOLLOWED = 4
TOPICS = ("emotion", "emotion/raw", "emotion/face", "emotion/speech")
CALL_S = 30.0
# For so long nothing may change before the nodes count as at work; they look for listeners every 0.2 s.
STEADY_S = 0.5
BOTH = 3


class Robot:
    """The nodes, what their sensors do now, and what comes of it.

    Attributes:
        bringup: of the nodes.
        judge: of every Emotion.
        now_ns: ROS time.
        sensors_ns: the sensors' time less ROS time.
        camera: makes the messages of the next frame of its picture and stamp; none where it is gone.
        microphone: makes the messages of the next piece of sound of its samples and stamp.
        scene: makes the next picture of the recording's, (H, W, 3) uint8 RGB.
        voice: makes the next samples of the recording's, int16 (n,).
        camera_late_ns, microphone_late_ns: how far their stamps lie behind the sensors' time.
        tells_time: whether ROS time is told.
        time_is_odd: the nodes may have been told another time, so that no age can be judged.
        stamps_go_back: a sensor's stamps do not rise, which the nodes follow where it keeps to them for a second.
        frames: camera frames sent.
        both: decisions on face and voice heard on ``emotion``.
        material: the recording's face and voice.

    Args:
        domain: ROS_DOMAIN_ID.
    """

    def __init__(self, domain: int):
        self.bringup = Bringup(domain)
        self.judge = Judge(LONGEST_WINDOW_S, STALE_AFTER_S, stamps_kept=STAMPS_KEPT, ends_before_s=HOP_S)
        self.now_ns = BEGIN_NS
        self.material: Material = load_material(PICTURE)
        self.frames = self.both = self.steps = 0
        self.stamps_go_back = False
        self._heard: list[Any] = []
        self._clients: dict[str, Any] = {}
        self.mend()
        self._start()

    def mend(self) -> None:
        """Let sensors and clock work as they should."""
        self.camera: Callable[[np.ndarray, int], list[Any]] = lambda rgb, stamp: [image_message(rgb, stamp, CAMERA)]
        self.microphone: Callable[[np.ndarray, int], list[Any]] = (
            lambda samples, stamp: [audio_message(samples, stamp, MICROPHONE)]
        )  # fmt: skip
        self.scene: Callable[[np.ndarray], np.ndarray] = lambda rgb: rgb
        self.voice: Callable[[np.ndarray], np.ndarray] = lambda samples: samples
        self.sensors_ns = self.camera_late_ns = self.microphone_late_ns = 0
        self.tells_time, self.time_is_odd = True, False
        self._followed = FOLLOWED if self.stamps_go_back else 0
        self.stamps_go_back = False

    def _start(self) -> None:
        from audio_common_msgs.msg import AudioDataStamped, AudioInfo
        from rosgraph_msgs.msg import Clock
        from sensor_msgs.msg import Image

        from emotion_recognition.nodes.composed import PERCEPTION

        for make in PERCEPTION:
            self.bringup.add(make, NAMESPACE, {"use_sim_time": True, **PARAMETERS.get(make.NAME, {})})
        self.clock = self.bringup.publisher(Clock, "/clock")
        self.images = self.bringup.publisher(Image, f"{NAMESPACE}/image")
        self.sound = self.bringup.publisher(AudioDataStamped, f"{NAMESPACE}/audio_stamped")
        self.formats = self.bringup.publisher(AudioInfo, f"{NAMESPACE}/audio_info", latched=True)
        self.listen()
        self.bringup.until(self._is_at_work, "the nodes listen to their sensors and to each other")
        self._at_work = self.bringup.ledger.counts()
        self.bringup.join()
        self.formats.publish(audio_info())
        self.bringup.work_off()

    def _is_at_work(self) -> bool:
        names = ("image", "audio_stamped", "face_samples", "mfcc", "emotion/face", "emotion/speech")
        counts = self.bringup.ledger.counts()
        # This process listens to both classifiers, too.
        return all(counts.get(f"{NAMESPACE}/{name}", 0) >= (2 if "emotion/" in name else 1) for name in names)

    # What is heard.

    def listen(self) -> None:
        """Listen to every topic with Emotions."""
        from emotion_recognition.msg import Emotion

        for name in TOPICS:
            self._heard.append(self.bringup.listen(Emotion, f"{NAMESPACE}/{name}", self._listener(name)))

    def stop_listening(self) -> None:
        """Listen to none."""
        for subscription in self._heard:
            self.bringup.unlisten(subscription)
        self._heard = []

    def _listener(self, name: str) -> Callable[[Any], None]:
        # The classifiers take what is up to max_stamp_age old; what is too old to be published is the fusion's to know.
        fused = name in ("emotion", "emotion/raw")

        def hear(message: Any) -> None:
            self.judge.hear(name, message, self.now_ns if fused and not self.time_is_odd else None)
            self.both += name == "emotion" and message.status == BOTH

        return hear

    # What happens.

    def step(self) -> None:
        """Let a second pass."""
        self.now_ns += STEP_NS
        self.steps += 1
        if self.stamps_go_back or self._followed:
            self._followed = max(0, self._followed - 1)
            self.judge.began_anew()
        if self.tells_time:
            self.tell(self.now_ns)
        sensed_ns = self.now_ns + self.sensors_ns
        for number, offset_ns in enumerate(FRAMES_NS):
            # No two frames of a camera that works are the same.
            rgb = np.array(self.scene(self.material.frames[self.material.frame(self.steps + number / 2)]))
            rgb[0, 0] = (2 * self.steps + number) % 251
            for message in self.camera(rgb, sensed_ns + offset_ns - self.camera_late_ns):
                self.send(self.images, message)
                self.frames += 1
            self.bringup.work_off()
        samples = self.voice(self.material.sound_at(self.steps * RATE, RATE))
        for message in self.microphone(samples, sensed_ns + SOUND_NS - self.microphone_late_ns):
            self.send(self.sound, message)
        self.bringup.work_off()

    def send(self, publisher: Any, message: Any) -> None:
        """Publish a message, or the bytes of one, whose stamp a sensor has sent then."""
        origin = origin_of(message)
        if origin is not None:
            self.judge.sent(*origin)
        publisher.publish(message)

    def tell(self, time_ns: int) -> None:
        """Tell a time on /clock, and wait until all nodes know it."""
        from rosgraph_msgs.msg import Clock

        from emotion_recognition.nodes.conversions import to_time

        self.clock.publish(Clock(clock=to_time(time_ns)))
        self.bringup.work_off()

    def jump(self, seconds: float, sensors: bool) -> None:
        """Let ROS time jump, and the sensors' with it if wanted."""
        self.now_ns += round(seconds * SECOND_NS)
        if not sensors:
            self.sensors_ns -= round(seconds * SECOND_NS)
        if seconds < 0:
            self.judge.began_anew()

    def call(self, service_type: type, name: str, request: Any) -> Any:
        """Call a service of a node and return its answer."""
        if name not in self._clients:
            self._clients[name] = self.bringup.node.create_client(
                service_type, f"{self.bringup.root}{NAMESPACE}/{name}"
            )
        client = self._clients[name]
        self.bringup.until(client.service_is_ready, f"service {name}", CALL_S)
        future = client.call_async(request)
        self.bringup.until(future.done, f"answer of {name}", CALL_S)
        return future.result()

    def until_at_work(self) -> None:
        """Wait until the nodes listen to all that they listened to at the beginning, and stay so."""
        ledger = self.bringup.ledger

        def is_whole() -> bool:
            counts = ledger.counts()
            return all(counts.get(topic, 0) >= count for topic, count in self._at_work.items())

        while True:
            self.bringup.until(is_whole, "the nodes listen again")
            # A node that saw for a moment that nobody listens rests, and comes back.
            changes, end = ledger.changes, time.monotonic() + STEADY_S
            self.bringup.until(lambda end=end: time.monotonic() > end, "a while has passed")
            if ledger.changes == changes and is_whole():
                break
        self.bringup.join()

    def until_at_rest(self) -> None:
        """Wait until no node listens to a sensor, as when nobody listens to what they say."""
        sensors = (f"{NAMESPACE}/image", f"{NAMESPACE}/audio_stamped")
        counts = self.bringup.ledger.counts
        self.bringup.until(lambda: not any(counts().get(topic) for topic in sensors), "the nodes rest")
