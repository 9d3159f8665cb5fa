"""What the paper says about itself, as data. Nothing here was measured by this project.

Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots: A Deep Learning Framework Integrating
Facial and Speech Features", 2025. Of its Tables III and IV only the headline figures of its abstract are given here;
a cell that is None is not known to this project and is shown as such, never filled in.
"""

from dataclasses import dataclass

NOT_GIVEN = "not given here"
SPLIT = "one random 80/20 split, the same speakers in both parts"


@dataclass(frozen=True)
class Claim:
    """The paper's headline figures, for F4 and S2 fused by the geometric mean.

    Attributes:
        ravdess_accuracy, cremad_accuracy: 0 to 1, on :data:`SPLIT`.
        parameters_m: millions.
        gflops: by its counter, 15 frames and one vector of speech.
        latency_ms: of one decision; on what is not said.
    """

    ravdess_accuracy: float = 0.9756
    cremad_accuracy: float = 0.8233
    parameters_m: float = 0.92
    gflops: float = 0.77
    latency_ms: float = 58.0


CLAIM = Claim()
# Accuracies of the variants in the paper's Tables III (face) and IV (speech): model -> (RAVDESS, CREMA-D).
TABLE_III: dict[str, tuple[float | None, float | None]] = {
    "ghostnet": (None, None),
    "ghostnet-tam": (None, None),
    "ghostnet-fan": (None, None),
    "ghostnet-tam-fan": (None, None),
}
TABLE_IV: dict[str, tuple[float | None, float | None]] = {
    "speech-cnn-s1": (None, None),
    "speech-cnn-s2": (None, None),
    "speech-cnn-s3": (None, None),
}
