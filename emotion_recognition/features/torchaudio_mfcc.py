"""MFCCs by torchaudio, https://docs.pytorch.org/audio/stable/generated/torchaudio.transforms.MFCC.html."""

import numpy as np

from emotion_recognition.features.mfcc import MfccSettings, checked_mono


class TorchaudioMfcc:
    """The same coefficients as :class:`~emotion_recognition.features.mfcc.NumpyMfcc`, computed by torchaudio.

    Raises:
        ImportError: torch or torchaudio is not installed.
    """

    def __init__(self, settings: MfccSettings | None = None):
        from emotion_recognition.features.torchaudio_shim import import_torchaudio

        torchaudio = import_torchaudio()
        import torch

        self.settings = settings or MfccSettings()
        self._torch = torch
        self._mel = torchaudio.transforms.MelSpectrogram(
            sample_rate=self.settings.rate,
            n_fft=self.settings.n_fft,
            hop_length=self.settings.hop,
            f_min=self.settings.f_min,
            f_max=self.settings.f_max,
            n_mels=self.settings.mels,
            power=2.0,
            center=True,
            pad_mode="constant",
            norm="slaney",
            mel_scale="htk",
        )
        self._dct = torchaudio.functional.create_dct(self.settings.coefficients, self.settings.mels, norm="ortho")
        self._dct = self._dct.T.double()
        self._to_db = torchaudio.functional.amplitude_to_DB

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the coefficients (coefficients, T) float32 of mono samples (n,); AudioError as the NumPy engine."""
        torch = self._torch
        with torch.inference_mode():
            mel = self._mel(torch.from_numpy(np.ascontiguousarray(checked_mono(samples))))
            decibels = self._to_db(
                mel, multiplier=10.0, amin=self.settings.amin, db_multiplier=0.0, top_db=self.settings.top_db
            )
            # float64: in float32 the 128 products lose up to 2e-3 of the -1131 that is silence.
            return (self._dct @ decibels.double()).float().numpy()
