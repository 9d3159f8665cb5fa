"""MFCCs by librosa, https://librosa.org/doc/0.11.0/generated/librosa.feature.mfcc.html."""

import numpy as np

from emotion_recognition.features.mfcc import MfccSettings, checked_mono


class LibrosaMfcc:
    """The same coefficients as :class:`~emotion_recognition.features.mfcc.NumpyMfcc`, computed by librosa.

    Raises:
        ImportError: librosa is not installed.
    """

    def __init__(self, settings: MfccSettings | None = None):
        import librosa

        self.settings = settings or MfccSettings()
        self._librosa = librosa
        # librosa imports and compiles parts of itself on first use, which takes seconds that a stream would wait.
        self(np.zeros(self.settings.n_fft, np.float32))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the coefficients (coefficients, T) float32 of mono samples (n,); AudioError as the NumPy engine."""
        settings = self.settings
        power = self._librosa.feature.melspectrogram(
            y=checked_mono(samples),
            sr=settings.rate,
            n_fft=settings.n_fft,
            hop_length=settings.hop,
            window="hann",
            center=True,
            pad_mode="constant",
            power=2.0,
            n_mels=settings.mels,
            fmin=settings.f_min,
            fmax=settings.f_max,
            htk=True,
            norm="slaney",
        )
        decibels = self._librosa.power_to_db(power, ref=1.0, amin=settings.amin, top_db=settings.top_db)
        mfcc = self._librosa.feature.mfcc(S=decibels, n_mfcc=settings.coefficients, dct_type=2, norm="ortho")
        return mfcc.astype(np.float32, copy=False)
