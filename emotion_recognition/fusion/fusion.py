"""Face and voice of one person brought together by stamp.

Each stream is used only while it is fresh, and what is left out is named. Nothing is repeated: a decision goes out when
a stream brings something new, with a stamp later than the person's last.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion.decision import decide
from emotion_recognition.fusion.means import METHODS, temper, to_common
from emotion_recognition.stamps import SECOND_NS

VOICE_PERSON = "voice"
SPEECH_KEPT = 32


@dataclass(frozen=True)
class FusionSettings:
    """Settings of the fusion.

    Attributes:
        method: ``geometric`` or ``arithmetic``.
        pair_within_ns: face and voice belong together when their stamps differ by no more; from 0.
        stale_after_ns: what is stamped further behind the newest of both streams, or behind now, is left out; above 0.
        min_confidence: below it a decision abstains; 0 to 1.
        temperature: of the fused probabilities, above 0; see :func:`~emotion_recognition.fusion.means.temper`.

    Raises:
        ValueError: a setting is out of range.
    """

    method: str = "geometric"
    pair_within_ns: int = SECOND_NS
    stale_after_ns: int = 3 * SECOND_NS // 2
    min_confidence: float = 0.0
    temperature: float = 1.0

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method {self.method!r}, expected one of {', '.join(METHODS)}")
        if self.pair_within_ns < 0 or self.stale_after_ns <= 0 or not 0 <= self.min_confidence <= 1:
            raise ValueError(f"{self}: expected pair_within_ns from 0, stale_after_ns above 0, min_confidence 0 to 1")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature {self.temperature}, expected above 0")


@dataclass(frozen=True)
class _Stream:
    """What a stream said last: its stamp, and the reasons when that was nothing."""

    stamp_ns: int
    reasons: Reason
    nothing: bool


class Fusion:
    """Pairs face and speech estimates.

    The largest face of a frame (rank 0) has the voice; the others are decided by their faces alone, with the reason
    VOICE_OF_ANOTHER. A voice with no face in view is person ``voice``. An estimate with status NEITHER on a stream
    clears that stream at once. Within a stream stamps must not go back: older ones are ignored.

    A face frame older than the voice already published with that face is held back, since its decision would have the
    same stamp; the next one brings it.
    """

    def __init__(self, settings: FusionSettings = FusionSettings()):  # noqa: B008 (frozen)
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything, for instance because time began anew."""
        self._camera: _Stream | None = None
        self._microphone: _Stream | None = None
        self._largest: Estimate | None = None
        self._voices: deque[Estimate] = deque(maxlen=SPEECH_KEPT)
        self._published: dict[str, int] = {}

    def forget(self, modality: Modality) -> None:
        """Forget what a stream said, FACE or SPEECH, because its time began anew; what was published still counts.

        So a person's stamps go on rising: decisions of the earlier time wait until they are later.
        """
        if modality is Modality.FACE:
            self._camera = self._largest = None
        else:
            self._microphone = None
            self._voices.clear()

    def face(self, estimates: Sequence[Estimate], now_ns: int | None = None) -> list[Estimate]:
        """Take the face estimates of one camera frame; further ones of the same frame may follow in another call.

        Args:
            estimates: of one stamp, modality FACE: one a face, or a single one with status NEITHER when there is none.
            now_ns: ROS time; without it a stream is stale only against the other.

        Returns:
            Decisions to publish, the largest face first; empty when the frame is older than the camera's last, stale,
            or not newer than what was published.

        Raises:
            ValueError: the estimates are of different stamps or not of faces.
        """
        if not estimates:
            return []
        stamp_ns = _common_stamp(estimates)
        faces = sorted((one for one in estimates if one.status is not Status.NEITHER), key=lambda one: one.face_rank)
        if self._camera is not None and stamp_ns < self._camera.stamp_ns:
            return []
        reasons = estimates[0].reasons if not faces else Reason.NONE
        self._camera = _Stream(stamp_ns, reasons, nothing=not faces)
        self._forget_published(stamp_ns, {one.person_id for one in faces})
        if not faces:
            self._largest = None
            return []
        if faces[0].face_rank == 0:
            self._largest = faces[0]
        latest_ns = self._latest_ns(now_ns)
        if self._is_stale(stamp_ns, latest_ns):
            return []
        voice = self._voice_for(stamp_ns, latest_ns)
        without_voice = Reason.VOICE_OF_ANOTHER if voice else self._why_no_voice(latest_ns)
        out = []
        for one in faces:
            if one.face_rank == 0 and voice:
                out.append(self._both(one, voice))
            else:
                out.append(self._alone(one, one.person_id, without_voice))
        return self._newer(out)

    def speech(self, estimate: Estimate, now_ns: int | None = None) -> list[Estimate]:
        """Take the estimate of one window of sound.

        Args:
            estimate: modality SPEECH; status NEITHER when there is no voice in it.
            now_ns: ROS time; without it a stream is stale only against the other.

        Returns:
            At most one decision to publish: of the largest face's person while a face is in view, else of ``voice``.

        Raises:
            ValueError: the estimate is not of speech.
        """
        if estimate.modality is not Modality.SPEECH:
            raise ValueError(f"modality {estimate.modality!r}, expected SPEECH")
        stamp_ns = estimate.stamp_ns
        if self._microphone is not None and stamp_ns < self._microphone.stamp_ns:
            return []
        nothing = estimate.status is Status.NEITHER
        self._microphone = _Stream(stamp_ns, estimate.reasons if nothing else Reason.NONE, nothing)
        if nothing:
            self._voices.clear()
            return []
        self._voices.append(estimate)
        latest_ns = self._latest_ns(now_ns)
        if self._is_stale(stamp_ns, latest_ns):
            return []
        face = self._largest
        if face is None or self._is_stale(face.stamp_ns, latest_ns):
            decision = self._alone(estimate, VOICE_PERSON, self._why_no_face(latest_ns))
        elif abs(face.stamp_ns - stamp_ns) > self.settings.pair_within_ns:
            decision = self._alone(estimate, face.person_id, Reason.CAMERA_STALE)
        else:
            decision = self._both(face, estimate)
        return self._newer([decision])

    def idle(self, now_ns: int) -> Estimate | None:
        """Return the estimate that says there is nothing to say, and why; None while a stream has something.

        Args:
            now_ns: ROS time, which becomes the stamp.
        """
        camera = self._reasons(self._camera, Reason.CAMERA_STALE, now_ns)
        microphone = self._reasons(self._microphone, Reason.MICROPHONE_STALE, now_ns)
        if camera is None or microphone is None:
            return None
        return Estimate.nothing(Modality.FUSED, camera | microphone, now_ns)

    def _reasons(self, stream: _Stream | None, stale: Reason, now_ns: int) -> Reason | None:
        """Return why a stream has nothing to say at a time, None when it has something."""
        if stream is None or now_ns - stream.stamp_ns > self.settings.stale_after_ns:
            return stale
        return stream.reasons if stream.nothing else None

    def _latest_ns(self, now_ns: int | None) -> int:
        """Return the later of the newest stamp of both streams and now."""
        stamps = [stream.stamp_ns for stream in (self._camera, self._microphone) if stream is not None]
        return max(stamps if now_ns is None else [*stamps, now_ns])

    def _is_stale(self, stamp_ns: int, latest_ns: int) -> bool:
        return latest_ns - stamp_ns > self.settings.stale_after_ns

    def _voice_for(self, stamp_ns: int, latest_ns: int) -> Estimate | None:
        """Return the newest voice that pairs with a face's stamp and is not stale."""
        for voice in reversed(self._voices):
            paired = abs(voice.stamp_ns - stamp_ns) <= self.settings.pair_within_ns
            if paired and not self._is_stale(voice.stamp_ns, latest_ns):
                return voice
        return None

    def _why_no_voice(self, latest_ns: int) -> Reason:
        found = self._reasons(self._microphone, Reason.MICROPHONE_STALE, latest_ns)
        return Reason.MICROPHONE_STALE if found is None else found

    def _why_no_face(self, latest_ns: int) -> Reason:
        found = self._reasons(self._camera, Reason.CAMERA_STALE, latest_ns)
        return Reason.CAMERA_STALE if found is None else found

    def _alone(self, one: Estimate, person_id: str, reasons: Reason) -> Estimate:
        return decide(
            one.probabilities, one.class_ids, modality=Modality.FUSED, status=one.status, reasons=reasons,
            min_confidence=self.settings.min_confidence, person_id=person_id, stamp_ns=one.stamp_ns,
            frame_id=one.frame_id, window_start_ns=one.window_start_ns, window_end_ns=one.window_end_ns,
            extra=one.extra, **_face_fields(one), **_voice_fields(one),
        )  # fmt: skip

    def _both(self, face: Estimate, voice: Estimate) -> Estimate:
        p, q, table = to_common(face.probabilities, face.class_ids, voice.probabilities, voice.class_ids)
        newest = voice if voice.stamp_ns > face.stamp_ns else face
        mean = temper(METHODS[self.settings.method](p, q), self.settings.temperature)
        return decide(
            mean, table, modality=Modality.FUSED, status=Status.BOTH,
            min_confidence=self.settings.min_confidence, person_id=face.person_id, stamp_ns=newest.stamp_ns,
            frame_id=newest.frame_id, window_start_ns=min(face.window_start_ns, voice.window_start_ns),
            window_end_ns=max(face.window_end_ns, voice.window_end_ns), extra=face.extra + voice.extra,
            **_face_fields(face), **_voice_fields(voice),
        )  # fmt: skip

    def _newer(self, decisions: list[Estimate]) -> list[Estimate]:
        """Return the decisions later than their person's last, and remember them."""
        out = []
        for decision in decisions:
            last = self._published.get(decision.person_id)
            if last is None or decision.stamp_ns > last:
                self._published[decision.person_id] = decision.stamp_ns
                out.append(decision)
        return out

    def _forget_published(self, frame_ns: int, in_view: set[str]) -> None:
        """Forget persons out of view whose next decision could only be later than their last anyway."""
        gone = [
            person for person, last in self._published.items()
            if last < frame_ns and person not in in_view and person != VOICE_PERSON
            and (self._largest is None or person != self._largest.person_id)
        ]  # fmt: skip
        for person in gone:
            del self._published[person]


def _common_stamp(estimates: Sequence[Estimate]) -> int:
    stamps = {one.stamp_ns for one in estimates}
    modalities = {one.modality for one in estimates}
    if len(stamps) != 1 or modalities != {Modality.FACE}:
        raise ValueError(f"stamps {sorted(stamps)}, modalities {sorted(modalities)}: expected faces of one frame")
    return stamps.pop()


def _face_fields(face: Estimate) -> dict:
    return {
        "face_box": face.face_box, "image_width": face.image_width, "image_height": face.image_height,
        "face_rank": face.face_rank, "faces_in_view": face.faces_in_view, "face_frames": face.face_frames,
        "face_weights": face.face_weights,
    }  # fmt: skip


def _voice_fields(voice: Estimate) -> dict:
    return {"voice_activity": voice.voice_activity, "speech_weights": voice.speech_weights}
