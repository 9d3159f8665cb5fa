"""Emotion recognition for companion robots: face and voice, fused, per person, stamped.

Data flows one way: sensors -> faces, audio -> features -> classifiers -> fusion -> topic. Everything but the package
``nodes`` is plain Python that knows nothing of ROS.
"""

import os
from pkgutil import extend_path

from emotion_recognition.version import __version__

# From 1.29 on, ONNX Runtime's official Linux builds report their use to their maker over the network unless this is
# set before the library is first imported (https://github.com/microsoft/onnxruntime/pull/27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Lets a source tree find the messages that the build generates into an installed package of the same name.
__path__ = extend_path(__path__, __name__)

__all__ = ["__version__"]
