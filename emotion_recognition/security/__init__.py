"""What each node may say and hear: its topics and services as data, and the SROS2 policy made of them."""

from emotion_recognition.security.endpoints import ENCLAVES, ENDPOINTS, Endpoints, resolved
from emotion_recognition.security.policy import policy

__all__ = ["ENCLAVES", "ENDPOINTS", "Endpoints", "policy", "resolved"]
