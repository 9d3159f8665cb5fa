"""Node: sound to MFCCs and voice activity of sliding windows."""

from dataclasses import dataclass

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo

from emotion_recognition.audio import AudioPipeline, AudioSettings
from emotion_recognition.audio.pipeline import MfccResult
from emotion_recognition.audio.resampling import RATE
from emotion_recognition.msg import MfccWindow
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import mfcc_message, stamp_ns
from emotion_recognition.nodes.running import run
from emotion_recognition.sensors.pcm import AudioError, decode_pcm
from emotion_recognition.stamps import SECOND_NS, StampGuard

QUEUED_CHUNKS = 500


@dataclass(frozen=True)
class Chunk:
    """One audio message: its bytes, its stamp, its frame_id and whether the stamp is the time of receipt."""

    data: bytes
    stamp_ns: int
    frame_id: str
    by_receipt: bool


class MfccExtractor(PerceptionNode):
    """Turns the microphone's messages into one MfccWindow every ``hop`` seconds."""

    NAME = "mfcc_extractor"

    def configure(self) -> None:
        """Load the engines of MFCC and voice activity."""
        p = self.parameters
        self._pipeline = AudioPipeline(
            AudioSettings(
                window_s=p["window"],
                hop_s=p["hop"],
                min_window_s=p["min_window"],
                voice_activity=p["voice_detector"],
                mfcc_engine=p["mfcc_engine"],
            )
        )
        self._restarts = 0
        self._guard = StampGuard(p["max_stamp_age"], p["max_stamp_ahead"])
        self._format: AudioInfo | None = None
        if p["sample_rate"]:
            self._format = AudioInfo(
                channels=p["channels"],
                sample_rate=p["sample_rate"],
                sample_format=p["sample_format"],
                coding_format="wave",
            )
        self._publisher = self.advertise(MfccWindow, "mfcc", qos.SAMPLES)

    def activate(self) -> None:
        """Listen to the microphone."""
        self.work_in_thread(self._extract, capacity=QUEUED_CHUNKS)
        if self.parameters["audio_transport"] == "stamped":
            self._topic = "audio_stamped"
            self.listen(AudioDataStamped, self._topic, self._on_stamped, qos.AUDIO)
        else:
            self._topic = "audio"
            self.get_logger().info("AudioData carries no stamp: the time of receipt is used")
            self.listen(AudioData, self._topic, self._on_plain, qos.AUDIO)
        if not self.parameters["sample_rate"]:
            # A format published once and kept by its publisher reaches only a subscription that asks for it; one that
            # is not kept reaches only a subscription that is there.
            once = {"watched": False, "lasting": True}
            self.listen(AudioInfo, "audio_info", self._on_info, qos.AUDIO_INFO, **once)
            self.listen(AudioInfo, "audio_info", self._on_info, qos.AUDIO_INFO_LATCHED, entity_id="latched", **once)

    def forget(self) -> None:
        """Drop all sound heard so far."""
        if hasattr(self, "_pipeline"):
            self._pipeline.reset()
            self._guard.reset()

    def _on_info(self, message: AudioInfo) -> None:
        if 0 < message.sample_rate < RATE:
            name = self.resolve_topic_name("audio_info")
            self.reporter.report(
                "narrow",
                f"sample_rate on {name} is {message.sample_rate} Hz: expected at least {RATE} Hz; the upper mel bands "
                "are empty, which the speech weights do not know: do not trust them",
            )
        self._format = message

    def _on_stamped(self, message: AudioDataStamped) -> None:
        now = self.get_clock().now().nanoseconds
        stamp = stamp_ns(message.header.stamp)
        verdict = self._guard.check(stamp, now)
        if not verdict.accepted:
            self._leave_out("stamp", verdict.problem)
            return
        self.worker.put(Chunk(bytes(message.audio.data), stamp, message.header.frame_id, False))

    def _on_plain(self, message: AudioData) -> None:
        frame_id = self.parameters["microphone_frame_id"]
        self.worker.put(Chunk(bytes(message.data), self.get_clock().now().nanoseconds, frame_id, True))

    def _extract(self, chunk: Chunk) -> None:
        audio_format = self._format
        if audio_format is None:
            name = self.resolve_topic_name("audio_info")
            self._leave_out("info", f"its format is not known: publish AudioInfo on {name} or set sample_rate")
            return
        self.take_dropped(self._topic)
        try:
            samples = decode_pcm(
                chunk.data,
                audio_format.sample_format,
                audio_format.channels,
                audio_format.coding_format or "wave",
            )
            duration_ns = len(samples) * SECOND_NS // max(audio_format.sample_rate, 1)
            at_end = chunk.by_receipt or self.parameters["audio_stamp"] == "end"
            first_ns = chunk.stamp_ns - duration_ns if at_end else chunk.stamp_ns
            results = self._pipeline.push(
                samples, audio_format.sample_rate, first_ns, chunk.stamp_ns, by_receipt=chunk.by_receipt
            )
        except AudioError as error:
            self._leave_out("audio", str(error))
            return
        self._name_gaps(bool(results))
        # Of several windows that end in one message only the newest is worth a decision: they would share its stamp.
        for result in {one.stamp_ns: one for one in results}.values():
            if self._is_usable(result):
                self._publisher.publish(mfcc_message(result, chunk.frame_id))

    def _name_gaps(self, has_window: bool) -> None:
        """Say in the log that gaps come so often that no window gets long enough."""
        if has_window:
            self._restarts = self._pipeline.restarts
        elif self._pipeline.restarts - self._restarts > 1:
            self._restarts = self._pipeline.restarts - 1
            self._leave_out(
                "gaps",
                "by their stamps messages do not follow each other (gaps, overlaps or changing formats); expected at "
                f"least {self.parameters['min_window']} s without a break",
            )

    def _is_usable(self, result: MfccResult) -> bool:
        """Tell whether to publish a window; name in the log what an open or a muted microphone would not give."""
        seconds = f"{(result.end_ns - result.start_ns) / SECOND_NS:.1f} s"
        limit = self.parameters["max_clipped"]
        if result.clipped > limit:
            self._leave_out(
                "clipped",
                f"{result.clipped:.0%} of the samples of {seconds} are at full scale: expected at most {limit:.0%}; "
                "lower the microphone's gain",
            )
            return False
        if result.is_constant:
            name = self.resolve_topic_name(self._topic)
            self.reporter.report(
                "silent",
                f"audio on {name} has one value throughout {seconds}: expected some noise; is the microphone muted?",
            )
        return True

    def _leave_out(self, kind: str, problem: str) -> None:
        self.reporter.report(kind, f"audio on {self.resolve_topic_name(self._topic)} left out: {problem}")


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(MfccExtractor, args)
