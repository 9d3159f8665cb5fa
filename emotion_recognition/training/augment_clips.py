"""Augmentation of clips of face crops, as Lu, Lu & Lin do it: one draw for all frames of a clip."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class ClipAugmentation:
    """How much a clip changes.

    Attributes:
        rotation: at most so many degrees to either side.
        flip: chance of a horizontal flip, 0 to 1.
        brightness: pixels are multiplied by 1 - brightness to 1 + brightness.
        contrast: so are their distances from the clip's mean grey.

    Raises:
        ValueError: a value is out of its range.
    """

    rotation: float = 5.0
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2

    def __post_init__(self):
        if not (0 <= self.rotation <= 180 and all(0 <= v <= 1 for v in (self.flip, self.brightness, self.contrast))):
            raise ValueError(f"{self}: expected 0 to 180 degrees, the others from 0 to 1")


def augment_clip(
    clip: torch.Tensor, generator: torch.Generator, settings: ClipAugmentation | None = None
) -> torch.Tensor:
    """Return a random variant of a clip; every frame is changed alike.

    Pixels turned in from outside repeat the border.

    Args:
        clip: frames (T, 3, H, W), uint8 or float in [0, 1].
        generator: source of every random draw, on the CPU.
        settings: how much it changes.

    Returns:
        Frames of the same shape, type and range.

    Raises:
        ValueError: ``clip`` has another shape or type.
    """
    settings = settings or ClipAugmentation()
    if clip.ndim != 4 or clip.shape[1] != 3 or not (clip.dtype == torch.uint8 or clip.is_floating_point()):
        raise ValueError(f"clip of shape {tuple(clip.shape)}, {clip.dtype}; expected (T, 3, H, W) of uint8 or float")
    draws = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
    angle = math.radians(settings.rotation) * (2 * draws[0] - 1)
    frames = clip.float() / 255 if clip.dtype == torch.uint8 else clip
    frames = _turn(frames, angle, flip=draws[1] < settings.flip)
    frames = (frames * (1 + settings.brightness * (2 * draws[2] - 1))).clamp(0, 1)
    weights = torch.tensor(_GREY, dtype=frames.dtype, device=frames.device).view(1, 3, 1, 1)
    mean = (frames * weights).sum(dim=1).mean()
    frames = (mean + (frames - mean) * (1 + settings.contrast * (2 * draws[3] - 1))).clamp(0, 1)
    return (frames * 255).round().to(torch.uint8) if clip.dtype == torch.uint8 else frames


def _turn(frames: torch.Tensor, angle: float, flip: bool) -> torch.Tensor:
    """Return frames (T, 3, H, W) turned by an angle in radians about their centre, and mirrored."""
    height, width = frames.shape[-2:]
    if flip:
        frames = frames.flip(-1)
    if angle == 0:
        return frames
    # affine_grid works in units of half a side: the ratio keeps right angles right in frames that are not square.
    cosine, sine, ratio = math.cos(angle), math.sin(angle), height / width
    theta = torch.tensor([[cosine, -sine * ratio, 0], [sine / ratio, cosine, 0]], dtype=frames.dtype)
    grid = F.affine_grid(theta[None].to(frames.device), (1, 3, height, width), align_corners=False)
    grid = grid.expand(len(frames), -1, -1, -1)
    return F.grid_sample(frames, grid, mode="bilinear", padding_mode="border", align_corners=False)
