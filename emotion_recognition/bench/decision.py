"""What the nodes compute for one decision, without ROS: the same cores and parameters, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emotion_recognition.audio import RATE, AudioPipeline, AudioSettings, MfccResult
from emotion_recognition.bench.material import Material
from emotion_recognition.classifiers import Classification, SpeechClassifier, VisualClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.faces import Detector, FacePipeline, FaceSample, Tracker, create_detector
from emotion_recognition.fusion import Fusion, FusionSettings, Smoother, decide
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS
from emotion_recognition.weights import face_sidecar, speech_sidecar

CHUNK = 320  # samples: 20 ms at 16 kHz
FULL_SCALE = 32768


def robot_detector() -> Detector:
    """Return the detector that the nodes use unless told otherwise."""
    p = defaults("face_detector")
    return create_detector(p["detector"], p["min_face_size"], (0.6, 0.7, p["min_detection_score"]), p["threads"])


def robot_pipeline(detector: Detector) -> FacePipeline:
    """Return the face pipeline that the nodes use unless told otherwise."""
    p = defaults("face_detector")
    return FacePipeline(
        detector,
        Tracker(max_gap_s=p["track_gap"]),
        p["crop_margin"],
        max_faces=p["max_faces"],
        detection_interval_s=p["detection_interval"],
    )


def robot_classifier(name: str = "", engine: str | None = None) -> VisualClassifier:
    """Return the face classifier of the nodes, with the default's weights or the paper's (``paper``)."""
    p = defaults("visual_classifier")
    metadata = load_metadata(face_sidecar(name))
    return VisualClassifier(metadata, engine or p["classifier_engine"], p["frames"], p["window"], p["threads"])


def robot_speech(name: str = "") -> SpeechClassifier:
    """Return the speech classifier of the nodes, with the default's weights or the paper's (``paper``)."""
    p = defaults("speech_classifier")
    return SpeechClassifier(load_metadata(speech_sidecar(name)), p["classifier_engine"], p["threads"])


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
        settings = AudioSettings(
            window_s=p["window"], hop_s=p["hop"], min_window_s=p["min_window"], voice_activity=p["voice_detector"],
            mfcc_engine=p["mfcc_engine"],
        )  # fmt: skip
        self.pipeline = AudioPipeline(settings)
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
        p = defaults("fusion")
        settings = FusionSettings(
            method=p["fusion_method"], pair_within_ns=round(p["pair_within"] * SECOND_NS),
            stale_after_ns=round(p["stale_after"] * SECOND_NS), min_confidence=p["min_confidence"],
            temperature=p["fused_temperature"],
        )  # fmt: skip
        self._fusion, self._smoother = Fusion(settings), Smoother(p["smoothing"])

    def fuse(self, pair: Pair) -> Estimate:
        """Return the smoothed decision of a face and a voice.

        Raises:
            RuntimeError: they were not brought together.
        """
        self._fusion.speech(pair.voice)
        decided = self._fusion.face([pair.face])
        if [one.status for one in decided] != [Status.BOTH]:
            raise RuntimeError(f"face and voice gave {[one.status.name for one in decided]}, expected one BOTH")
        return self._smoother.update(decided[0])


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
