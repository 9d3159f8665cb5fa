"""Features of sound: the 40 mel-frequency cepstral coefficients, by one of three engines."""

from emotion_recognition.features.mfcc import Mfcc, MfccSettings, NumpyMfcc
from emotion_recognition.features.sliding import SlidingMfcc

MFCC_ENGINES = ("numpy", "librosa", "torchaudio")

__all__ = ["MFCC_ENGINES", "Mfcc", "MfccSettings", "NumpyMfcc", "SlidingMfcc", "create_mfcc"]


def create_mfcc(engine: str = "numpy", settings: MfccSettings | None = None) -> Mfcc:
    """Return a function from mono samples (n,) to coefficients (coefficients, T) float32.

    Args:
        engine: one of MFCC_ENGINES; they agree within 1e-3 on the mean over time.
        settings: see :class:`MfccSettings`.

    Raises:
        ValueError: no engine has that name.
        ImportError: the engine's library is not installed.
    """
    if engine == "numpy":
        return NumpyMfcc(settings)
    if engine == "librosa":
        from emotion_recognition.features.librosa_mfcc import LibrosaMfcc

        return LibrosaMfcc(settings)
    if engine == "torchaudio":
        from emotion_recognition.features.torchaudio_mfcc import TorchaudioMfcc

        return TorchaudioMfcc(settings)
    raise ValueError(f"MFCC engine '{engine}': expected one of {', '.join(MFCC_ENGINES)}")
