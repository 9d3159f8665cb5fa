"""Augmentation of grey face stills, as torch batches."""

import math

import torch
from torch.nn import functional as F

ROTATION_DEGREES = 12.0
SCALE_RANGE = (0.85, 1.15)
SHIFT = 0.12
BRIGHTNESS = 0.2
CONTRAST = 0.3
ERASE_CHANCE = 0.4
ERASE_SIDE = (0.15, 0.4)


def to_input(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """Return network input (N, 3, size, size) in [-1, 1] of grey uint8 pictures (N, H, W), resized bilinearly."""
    grey = pictures.unsqueeze(1).float() / 127.5 - 1.0
    if grey.shape[-1] != size:
        grey = F.interpolate(grey, size=(size, size), mode="bilinear", align_corners=False)
    return grey.expand(-1, 3, -1, -1)


def augment(pictures: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Return a random variant of each grey picture as network input.

    Args:
        pictures: grey uint8 pictures (N, H, W).
        size: side of the output in pixels.
        generator: source of every random draw.

    Returns:
        Input (N, 3, size, size) in [-1, 1]: flipped, rotated, scaled, shifted, relit, partly erased.
    """
    count = len(pictures)

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    angle = uniform(-1, 1) * math.radians(ROTATION_DEGREES)
    scale = 1.0 / uniform(*SCALE_RANGE)
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = flip * scale * torch.cos(angle)
    theta[:, 0, 1] = -scale * torch.sin(angle)
    theta[:, 1, 0] = flip * scale * torch.sin(angle)
    theta[:, 1, 1] = scale * torch.cos(angle)
    theta[:, 0, 2] = uniform(-SHIFT, SHIFT)
    theta[:, 1, 2] = uniform(-SHIFT, SHIFT)
    grey = pictures.unsqueeze(1).float() / 127.5 - 1.0
    grid = F.affine_grid(theta, (count, 1, size, size), align_corners=False)
    grey = F.grid_sample(grey, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain = uniform(1 - CONTRAST, 1 + CONTRAST).view(-1, 1, 1, 1)
    offset = uniform(-BRIGHTNESS, BRIGHTNESS).view(-1, 1, 1, 1)
    grey = (grey * gain + offset).clamp(-1, 1)
    _erase(grey, generator)
    return grey.expand(-1, 3, -1, -1)


def _erase(grey: torch.Tensor, generator: torch.Generator) -> None:
    """Overwrite a random rectangle of some pictures with one random grey, in place."""
    size = grey.shape[-1]
    draws = torch.rand(len(grey), 6, generator=generator).tolist()
    for picture, (chance, x, y, width, height, shade) in zip(grey, draws, strict=True):
        if chance >= ERASE_CHANCE:
            continue
        low, high = ERASE_SIDE
        across = int(size * (low + width * (high - low)))
        down = int(size * (low + height * (high - low)))
        left, top = int(x * (size - across)), int(y * (size - down))
        picture[:, top : top + down, left : left + across] = shade * 2 - 1


def degrade(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return a degraded variant of each grey picture, as a bad video frame shows a face.

    One of: strong blur, darkness with noise, a large occlusion, a crop that misses half of the face.

    Args:
        pictures: grey uint8 pictures (N, H, W).
        generator: source of every random draw.

    Returns:
        Grey uint8 pictures (N, H, W).
    """
    kinds = torch.randint(0, 4, (len(pictures),), generator=generator).tolist()
    out = pictures.float()
    size = pictures.shape[-1]
    for index, kind in enumerate(kinds):
        picture = out[index]
        if kind == 0:
            small = F.interpolate(picture[None, None], (8, 8), mode="bilinear", antialias=True, align_corners=False)
            out[index] = F.interpolate(small, (size, size), mode="bilinear", align_corners=False)[0, 0]
        elif kind == 1:
            noise = torch.randn(picture.shape, generator=generator) * 12
            out[index] = picture * 0.12 + noise
        elif kind == 2:
            top = int(torch.randint(0, size // 2, (1,), generator=generator))
            picture[top : top + size // 2, :] = float(torch.randint(0, 256, (1,), generator=generator))
        else:
            shift = int(torch.randint(size // 3, size // 2 + 1, (1,), generator=generator))
            sign = 1 if torch.rand(1, generator=generator) < 0.5 else -1
            out[index] = torch.roll(picture, sign * shift, dims=1)
    return out.clamp(0, 255).to(torch.uint8)
