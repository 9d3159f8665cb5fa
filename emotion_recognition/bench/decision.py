"""What the nodes compute for one decision, without ROS: the same cores and parameters, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emotion_recognition.audio import RATE, MfccResult
from emotion_recognition.bench.material import Material
from emotion_recognition.chain import (
    FusionStep,
    audio_pipeline,
    face_detector,
    face_pipeline,
    speech_classifier,
    visual_classifier,
)
from emotion_recognition.classifiers import Classification, SpeechClassifier, VisualClassifier
from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.faces import Detector, FacePipeline, FaceSample
from emotion_recognition.fusion import decide
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS

CHUNK = 320  # samples: 20 ms at 16 kHz
FULL_SCALE = 32768


def robot_detector() -> Detector:
    """Return the detector that the nodes use unless told otherwise."""
    return face_detector(defaults("face_detector"))


def robot_pipeline(detector: Detector) -> FacePipeline:
    """Return the face pipeline that the nodes use unless told otherwise."""
    return face_pipeline(defaults("face_detector"), detector)


def robot_classifier(name: str = "") -> VisualClassifier:
    """Return the face classifier of the nodes, with the default's weights or the paper's (``paper``)."""
    return visual_classifier({**defaults("visual_classifier"), "face_model": name})


def robot_speech() -> SpeechClassifier:
    """Return the speech classifier that the nodes use unless told otherwise."""
    return speech_classifier(defaults("speech_classifier"))


def frame_step_ns() -> int:
    """Return the time from one sampled frame to the next."""
    p = defaults("face_detector")
    return round(p["window"] / p["frames"] * SECOND_NS)


class Voice:
    """The microphone's side: sound arrives in chunks, and every ``hop`` one of them completes a window.

    Args:
        material: whose voice is heard.
    """

    def __init__(self, material: Material):
        p = defaults("mfcc_extractor")
        self.pipeline = audio_pipeline(p)
        self._material = material
        self._pushed = 0
        self._hop = round(p["hop"] * RATE)
        while not self._push(CHUNK):
            pass
        # A window has its full length from here on.
        for _ in range(round(p["window"] / p["hop"]) + 1):
            self.wait()
            self.window()

    def wait(self) -> None:
        """Take the sound up to the chunk that completes the next window."""
        if self._push(self._hop - CHUNK):
            raise RuntimeError("a window was complete one chunk early")

    def window(self) -> MfccResult:
        """Take the chunk that completes the window."""
        return self._push(CHUNK)[-1]

    def _push(self, count: int) -> list[MfccResult]:
        samples = self._material.sound_at(self._pushed, count).astype(np.float32) / FULL_SCALE
        stamp = SECOND_NS + self._pushed * SECOND_NS // RATE
        self._pushed += count
        return self.pipeline.push(samples[:, np.newaxis], RATE, stamp, stamp)


@dataclass(frozen=True)
class Pair:
    """Estimates of one face and one voice."""

    face: Estimate
    voice: Estimate


class Brain:
    """The fusion node's side."""

    def __init__(self):
        self._step = FusionStep(defaults("fusion"))

    def fuse(self, pair: Pair) -> Estimate:
        """Return the smoothed decision of a face and a voice.

        Raises:
            RuntimeError: they were not brought together.
        """
        now_ns = pair.face.stamp_ns
        self._step.take(pair.voice, Modality.SPEECH, now_ns)
        decided = self._step.take(pair.face, Modality.FACE, now_ns)
        if [raw.status for raw, _ in decided] != [Status.BOTH]:
            raise RuntimeError(f"face and voice gave {[raw.status.name for raw, _ in decided]}, expected one BOTH")
        return decided[0][1]


def estimates(face: Classification, voice: Classification, sample: FaceSample, stamp_ns: int) -> Pair:
    """Return what both classifiers would publish, the voice stamped just before the face."""
    width, height = sample.image_size

    def one(found: Classification, modality: Modality, status: Status, stamp: int, **fields) -> Estimate:
        return decide(
            found.probabilities, found.class_ids, modality=modality, status=status, stamp_ns=stamp,
            frame_id="bench", window_start_ns=stamp, window_end_ns=stamp, **fields,
        )  # fmt: skip

    return Pair(
        one(
            face, Modality.FACE, Status.FACE_ONLY, stamp_ns, person_id=f"face_{sample.track_id}", face_box=sample.box,
            image_width=width, image_height=height, faces_in_view=1, face_frames=len(face.stamps_ns),
        ),
        one(voice, Modality.SPEECH, Status.SPEECH_ONLY, stamp_ns - 1, person_id="voice", voice_activity=1.0),
    )  # fmt: skip


class Decider:
    """A camera frame and a window of sound to one decision, over and over.

    The frames are those of the recording one sampling interval apart, so the detector refines, or searches the whole
    frame first, as it would live.

    Args:
        material: what is seen and heard.
    """

    def __init__(self, material: Material):
        self._material = material
        self._faces = robot_pipeline(robot_detector())
        self._visual, self._speech = robot_classifier(), robot_speech()
        self._voice, self._brain = Voice(material), Brain()
        self._step_ns = frame_step_ns()
        self._count = 0
        for _ in range(self._visual.frames):
            self.prepare()
            self.run()

    def prepare(self) -> None:
        """Let the sound come in up to the chunk that completes a window; search the frame before where that is due.

        The nodes search when the frame's faces were told, too.
        """
        self._faces.catch_up()
        self._voice.wait()

    def run(self) -> Estimate:
        """Decide on the next frame and window: refine or search, crop, classify the face, MFCCs, the voice, fuse."""
        self._count += 1
        stamp = SECOND_NS + self._count * self._step_ns
        rgb = self._material.frames[self._material.frame(stamp / SECOND_NS)]
        sample = self._faces.process(rgb, stamp)[0]
        face = self._visual.update(sample.track_id, sample.crop, stamp)
        window = self._voice.window()
        voice = self._speech.classify(window.mfcc if self._speech.reads_matrix else window.mfcc_mean)
        return self._brain.fuse(estimates(face, voice, sample, stamp))
