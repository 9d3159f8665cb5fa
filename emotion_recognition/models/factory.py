"""Networks by name, as torch modules."""

from typing import Any

import torch
from torch import nn

from emotion_recognition.models.attention import FrameAttention, FrameMean
from emotion_recognition.models.configurations import (
    CLASSES,
    FaceConfiguration,
    SpeechConfiguration,
    checked_readings,
    configuration,
)
from emotion_recognition.models.ghostnet import GhostNet
from emotion_recognition.models.residual import FaceResNet
from emotion_recognition.models.speech_cnn import SpeechCNN


class FaceNetwork(nn.Module):
    """Backbone, from frames to embeddings, and ``fan``, from the embeddings of a clip to logits."""

    def __init__(self, backbone: nn.Module, fan: nn.Module):
        super().__init__()
        self.backbone = backbone
        self.fan = fan

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of clips (N, T, 3, H, W) or of stills (N, 3, H, W)."""
        if frames.ndim == 4:
            return self.fan(self.backbone(frames).unsqueeze(1))
        count, length = frames.shape[:2]
        return self.fan(self.backbone(frames.flatten(0, 1)).unflatten(0, (count, length)))


def create_model(name: str, classes: int = CLASSES, dropout: float = 0.2, **readings: Any) -> nn.Module:
    """Return an untrained network.

    Args:
        name: key of ``configurations.CONFIGURATIONS``, or the paper's F1 to F4, S1 to S3.
        classes: number of classes, from 2 (the paper: 8 for RAVDESS, 6 for CREMA-D).
        dropout: rate, 0 to below 1 (speech networks only).
        readings: of the paper's open points, see ``configurations.READINGS``.

    Raises:
        ValueError: an unknown name, reading or value, or a reading the model has no place for.
    """
    found = configuration(name)
    if classes < 2 or not 0 <= dropout < 1:
        raise ValueError(f"classes {classes}, dropout {dropout}: expected at least 2, and 0 to below 1")
    chosen = checked_readings(name, readings)
    if isinstance(found, FaceConfiguration):
        return _face(found, classes, chosen)
    return _speech(found, classes, dropout, chosen)


def _face(found: FaceConfiguration, classes: int, readings: dict[str, Any]) -> FaceNetwork:
    if found.backbone == "resnet":
        backbone = FaceResNet()
    else:
        backbone = GhostNet(
            found.triplet_attention,
            depthwise_everywhere=readings["depthwise"] == "every",
            triplet_residual=readings.get("triplet_residual", False),
        )
    if not found.frame_attention:
        return FaceNetwork(backbone, FrameMean(found.embedding, classes))
    fan = FrameAttention(found.embedding, classes, alpha_in_clip=readings["frame_weights"] == "alpha_beta")
    return FaceNetwork(backbone, fan)


def _speech(found: SpeechConfiguration, classes: int, dropout: float, readings: dict[str, Any]) -> nn.Module:
    if found.network == "cnn":
        return SpeechCNN(found.variant, classes, dropout, element_prelu=readings["prelu"] == "element")
    from emotion_recognition.models.speech_resnet import SpeechResNet

    return SpeechResNet(classes, dropout)
