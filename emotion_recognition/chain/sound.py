"""A microphone's messages to the MFCCs of sliding windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emotion_recognition.audio import AudioPipeline, AudioSettings
from emotion_recognition.audio.pipeline import MfccResult
from emotion_recognition.chain.errors import LeftOut
from emotion_recognition.sensors.pcm import AudioError, decode_pcm
from emotion_recognition.stamps import SECOND_NS, StampGuard


@dataclass(frozen=True)
class SoundFormat:
    """Format of a microphone's bytes, as AudioInfo has it."""

    sample_rate: int
    channels: int
    sample_format: str
    coding_format: str = "wave"


def audio_pipeline(parameters: Mapping[str, Any]) -> AudioPipeline:
    """Return what makes windows of sound as parameters of ``mfcc_extractor`` ask for.

    Raises:
        ValueError: a parameter is out of range.
        ImportError, ModelError: an engine cannot be loaded.
    """
    p = parameters
    return AudioPipeline(
        AudioSettings(
            window_s=p["window"],
            hop_s=p["hop"],
            min_window_s=p["min_window"],
            voice_activity=p["voice_detector"],
            mfcc_engine=p["mfcc_engine"],
        )
    )


class SoundStep:
    """Turns messages into one window every ``hop`` seconds, of those that an open microphone gives.

    Attributes:
        format: of the messages; None while it is not known. Set where the parameters have a sample rate.

    Args:
        parameters: of ``mfcc_extractor``.
        left_out: called with a kind and a problem for sound that is not used though its messages can be read.

    Raises:
        ValueError: a parameter is out of range.
        ImportError, ModelError: an engine cannot be loaded.
    """

    def __init__(self, parameters: Mapping[str, Any], left_out: Callable[[str, str], None]):
        p = parameters
        self._parameters, self._left_out = p, left_out
        self._pipeline = audio_pipeline(p)
        self._restarts = 0
        self._guard = StampGuard(p["max_stamp_age"], p["max_stamp_ahead"])
        self.format: SoundFormat | None = None
        if p["sample_rate"]:
            self.format = SoundFormat(p["sample_rate"], p["channels"], p["sample_format"])

    def reset(self) -> None:
        """Drop all sound and forget every stamp."""
        self._pipeline.reset()
        self._guard.reset()

    def check(self, stamp_ns: int, now_ns: int) -> None:
        """Take the stamp of the next message.

        Raises:
            LeftOut: the message is not to be used.
        """
        verdict = self._guard.check(stamp_ns, now_ns)
        if not verdict.accepted:
            raise LeftOut("stamp", verdict.problem)

    def push(self, data: bytes, stamp_ns: int, by_receipt: bool) -> list[MfccResult]:
        """Take the bytes of the next message and return the usable windows it completes.

        Args:
            data: samples in ``format``.
            stamp_ns: of the message; with ``by_receipt`` its time of receipt.
            by_receipt: the message has no stamp of its own.

        Raises:
            LeftOut: the format is not known, or the bytes are not of it.
        """
        if self.format is None:
            raise LeftOut("info", "its format is not known")
        rate = self.format.sample_rate
        try:
            samples = decode_pcm(
                data, self.format.sample_format, self.format.channels, self.format.coding_format or "wave"
            )
            duration_ns = len(samples) * SECOND_NS // max(rate, 1)
            at_end = by_receipt or self._parameters["audio_stamp"] == "end"
            first_ns = stamp_ns - duration_ns if at_end else stamp_ns
            results = self._pipeline.push(samples, rate, first_ns, stamp_ns, by_receipt=by_receipt)
        except AudioError as error:
            raise LeftOut("audio", error) from error
        self._name_gaps(bool(results))
        # Of several windows that end in one message only the newest is worth a decision: they would share its stamp.
        return [one for one in {result.stamp_ns: result for result in results}.values() if self._is_open(one)]

    def _name_gaps(self, has_window: bool) -> None:
        """Say that gaps come so often that no window gets long enough."""
        if has_window:
            self._restarts = self._pipeline.restarts
        elif self._pipeline.restarts - self._restarts > 1:
            self._restarts = self._pipeline.restarts - 1
            self._left_out(
                "gaps",
                "by their stamps messages do not follow each other (gaps, overlaps or changing formats); expected at "
                f"least {self._parameters['min_window']} s without a break",
            )

    def _is_open(self, result: MfccResult) -> bool:
        limit = self._parameters["max_clipped"]
        if result.clipped <= limit:
            return True
        seconds = f"{(result.end_ns - result.start_ns) / SECOND_NS:.1f} s"
        self._left_out(
            "clipped",
            f"{result.clipped:.0%} of the samples of {seconds} are at full scale: expected at most {limit:.0%}; "
            "lower the microphone's gain",
        )
        return False
