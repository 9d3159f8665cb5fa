"""Sound of a microphone to stamped windows with their MFCCs, voice activity and level."""

from emotion_recognition.audio.pipeline import AudioPipeline, AudioSettings, MfccResult
from emotion_recognition.audio.resampling import RATE, Resampler
from emotion_recognition.audio.voice_activity import VOICE_ACTIVITY_ENGINES, VoiceActivity, create_voice_activity
from emotion_recognition.audio.windows import AudioWindow, AudioWindows

__all__ = [
    "RATE",
    "VOICE_ACTIVITY_ENGINES",
    "AudioPipeline",
    "AudioSettings",
    "AudioWindow",
    "AudioWindows",
    "MfccResult",
    "Resampler",
    "VoiceActivity",
    "create_voice_activity",
]
