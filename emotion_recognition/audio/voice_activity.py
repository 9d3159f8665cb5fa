"""Where in a stream of sound somebody speaks.

``silero`` runs Silero VAD 6.2 (https://github.com/snakers4/silero-vad, MIT) with ONNX Runtime: a recurrent network that
gives the probability of voice in each 512 samples at 16 kHz, seen with the 64 samples before them. ``energy`` needs no
model: it compares each 512 samples with the quietest ones of the last three seconds, so it hears any sound that comes
and goes as voice.
"""

from pathlib import Path

import numpy as np

from emotion_recognition.audio.resampling import RATE

CHUNK = 512
CONTEXT = 64
STATE_SHAPE = (1, 1, 128)
MAX_CHUNKS_A_RUN = 512
# Shapes of what the network takes and gives, by name; None for a free length.
INPUTS = {"input": (None, CONTEXT + CHUNK), "h": STATE_SHAPE, "c": STATE_SHAPE}
OUTPUTS = {"speech_probs": (None,), "hn": STATE_SHAPE, "cn": STATE_SHAPE}
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "silero_vad.json"

ENERGY_FLOOR_DBFS = -50.0
ENERGY_MARGIN_DB = 10.0
ENERGY_MEMORY = round(3.0 * RATE / CHUNK)
ENERGY_QUANTILE = 0.1

VOICE_ACTIVITY_ENGINES = ("silero", "energy")


class VoiceActivity:
    """Probability of voice in every 512 samples of one stream at 16 kHz; each is computed once.

    Samples are counted from the start or the last :meth:`reset`. Sub-classes give ``_probabilities_of`` chunks.

    Args:
        threshold: from this probability on a chunk counts as voice, between 0 and 1.

    Raises:
        ValueError: the threshold is not between 0 and 1.
    """

    def __init__(self, threshold: float = 0.5):
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"voice threshold {threshold}: expected a number between 0 and 1")
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forget all sound: the next sample is number 0 of a new stream."""
        self._rest = np.empty(0, np.float32)
        self._first = 0  # number of the first chunk kept
        self._probabilities = np.empty(0, np.float32)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take in mono sound (n,) and return the probabilities of the chunks it completes, float32 (m,)."""
        sound = np.concatenate([self._rest, samples.astype(np.float32, copy=False)])
        whole = len(sound) // CHUNK * CHUNK
        self._rest = sound[whole:]
        if not whole:
            return np.empty(0, np.float32)
        found = self._probabilities_of(sound[:whole].reshape(-1, CHUNK))
        self._probabilities = np.concatenate([self._probabilities, found])
        return found

    def share(self, first: int, end: int) -> float:
        """Return the share with voice of the whole chunks within samples ``first`` to ``end``; 0 if none is whole."""
        low = max(0, -(-first // CHUNK) - self._first)
        high = max(low, end // CHUNK - self._first)
        chunks = self._probabilities[low:high]
        return float(np.mean(chunks >= self.threshold)) if len(chunks) else 0.0

    def forget(self, before: int) -> None:
        """Drop the probabilities of chunks that begin before a sample."""
        drop = min(max(0, before // CHUNK - self._first), len(self._probabilities))
        self._probabilities = self._probabilities[drop:]
        self._first += drop

    def _probabilities_of(self, chunks: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class SileroVoiceActivity(VoiceActivity):
    """Silero VAD.

    Args:
        threshold: see :class:`VoiceActivity`.
        sidecar: JSON file that names the ONNX file and its sha256.

    Raises:
        ValueError: the threshold is not between 0 and 1.
        ModelError: the model is missing, is not the one the sidecar describes, or is another network.
    """

    def __init__(self, threshold: float = 0.5, sidecar: Path | str = WEIGHTS):
        from emotion_recognition.engines.onnxruntime_engine import check_signature, create_session
        from emotion_recognition.engines.weights import verify_files

        path = verify_files(sidecar, ["silero_vad_onnx"])["silero_vad_onnx"]
        self._session = create_session(str(path))
        check_signature(self._session, path, INPUTS, OUTPUTS)
        super().__init__(threshold)

    def reset(self) -> None:
        """Forget all sound and the network's state."""
        super().reset()
        self._context = np.zeros(CONTEXT, np.float32)
        self._hidden = np.zeros(STATE_SHAPE, np.float32)
        self._cell = np.zeros(STATE_SHAPE, np.float32)

    def _probabilities_of(self, chunks: np.ndarray) -> np.ndarray:
        contexts = np.concatenate([self._context[None], chunks[:-1, -CONTEXT:]])
        self._context = chunks[-1, -CONTEXT:].copy()
        inputs = np.concatenate([contexts, chunks], axis=1)
        found = []
        for start in range(0, len(inputs), MAX_CHUNKS_A_RUN):
            probabilities, self._hidden, self._cell = self._session.run(
                ["speech_probs", "hn", "cn"],
                {"input": inputs[start : start + MAX_CHUNKS_A_RUN], "h": self._hidden, "c": self._cell},
            )
            found.append(probabilities.reshape(-1))
        return np.concatenate(found)


class EnergyVoiceActivity(VoiceActivity):
    """Level against the noise floor: probability 1 where a chunk stands out by ENERGY_MARGIN_DB, else 0."""

    def reset(self) -> None:
        """Forget all sound and the noise floor."""
        super().reset()
        self._levels: list[float] = []

    def _probabilities_of(self, chunks: np.ndarray) -> np.ndarray:
        levels = 10.0 * np.log10(np.maximum(np.mean(np.square(chunks, dtype=np.float64), axis=1), 1e-12))
        found = np.empty(len(levels), np.float32)
        for index, level in enumerate(levels):
            self._levels = [*self._levels[1 - ENERGY_MEMORY :], float(level)]
            floor = np.quantile(self._levels, ENERGY_QUANTILE)
            found[index] = level > max(ENERGY_FLOOR_DBFS, floor + ENERGY_MARGIN_DB)
        return found


def create_voice_activity(engine: str = "silero", threshold: float = 0.5) -> VoiceActivity:
    """Return a detector of voice.

    Args:
        engine: one of VOICE_ACTIVITY_ENGINES.
        threshold: see :class:`VoiceActivity`.

    Raises:
        ValueError: no engine has that name, or the threshold is not between 0 and 1.
        ModelError: the model is missing or damaged.
    """
    if engine == "silero":
        return SileroVoiceActivity(threshold)
    if engine == "energy":
        return EnergyVoiceActivity(threshold)
    raise ValueError(f"voice activity engine '{engine}': expected one of {', '.join(VOICE_ACTIVITY_ENGINES)}")
