"""Node: sound to MFCCs and voice activity of sliding windows."""

from dataclasses import dataclass

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo

from emotion_recognition.audio.resampling import RATE
from emotion_recognition.chain import LeftOut, SoundStep
from emotion_recognition.chain.sound import SoundFormat
from emotion_recognition.msg import MfccWindow
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import mfcc_message, stamp_ns
from emotion_recognition.nodes.running import run
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS

QUEUED_CHUNKS = 500
# Of sound that has waited for longer nothing can come that the fusion takes, as it is shipped.
PATIENCE_S = defaults("fusion")["stale_after"]


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
        self._step = SoundStep(self.parameters, self._leave_out)
        self._publisher = self.advertise(MfccWindow, "mfcc", qos.SAMPLES)
        self.about = {
            "mfcc engine": self.parameters["mfcc_engine"],
            "voice detector": self.parameters["voice_detector"],
        }

    def activate(self) -> None:
        """Listen to the microphone."""
        self.work_in_thread(self._extract, capacity=QUEUED_CHUNKS, patience_s=PATIENCE_S)
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
        if hasattr(self, "_step"):
            self._step.reset()

    def _on_info(self, message: AudioInfo) -> None:
        if 0 < message.sample_rate < RATE:
            name = self.resolve_topic_name("audio_info")
            self.caution(
                self._topic,
                "narrow",
                f"sample_rate on {name} is {message.sample_rate} Hz: expected at least {RATE} Hz; the upper mel bands "
                "are empty, which the speech weights do not know: do not trust them",
            )
        self._step.format = SoundFormat(
            message.sample_rate, message.channels, message.sample_format, message.coding_format
        )

    def _on_stamped(self, message: AudioDataStamped) -> None:
        stamp = stamp_ns(message.header.stamp)
        try:
            self._step.check(stamp, self.get_clock().now().nanoseconds)
        except LeftOut as left_out:
            self._leave_out(left_out.kind, left_out)
            return
        self.worker.put(Chunk(bytes(message.audio.data), stamp, message.header.frame_id, False))

    def _on_plain(self, message: AudioData) -> None:
        frame_id = self.parameters["microphone_frame_id"]
        self.worker.put(Chunk(bytes(message.data), self.get_clock().now().nanoseconds, frame_id, True))

    def _extract(self, chunk: Chunk) -> None:
        self.take_dropped(self._topic)
        try:
            results = self._step.push(chunk.data, chunk.stamp_ns, chunk.by_receipt)
        except LeftOut as left_out:
            hint = ""
            if left_out.kind == "info":
                hint = f": publish AudioInfo on {self.resolve_topic_name('audio_info')} or set sample_rate"
            self._leave_out(left_out.kind, f"{left_out}{hint}")
            return
        for result in results:
            if result.is_constant:
                seconds = (result.end_ns - result.start_ns) / SECOND_NS
                self.caution(
                    self._topic,
                    "silent",
                    f"audio on {{topic}} has one value throughout {seconds:.1f} s: expected some noise; is the "
                    "microphone muted?",
                )
            self.monitor.note("voice activity", result.voice_activity)
            self.monitor.note("level (dBFS)", result.level_dbfs)
            self._publisher.publish(mfcc_message(result, chunk.frame_id))

    def _leave_out(self, kind: str, problem: object) -> None:
        self.leave_out(self._topic, kind, f"audio on {{topic}} left out: {problem}")


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(MfccExtractor, args)
