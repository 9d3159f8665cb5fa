"""Means of two streams' class probabilities, and how streams with different label tables are brought to one.

Geometric mean: Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots", eq. 8, which is not
normalised there.
"""

from collections.abc import Sequence

import numpy as np

from emotion_recognition.fusion.affect import nearest_class

# What a mean takes a smaller probability for: a zero in one stream must not erase the other.
FLOOR = 1e-6


def geometric_mean(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the normalised geometric mean of two distributions (C,) over one label table.

    Raises:
        ValueError: the arrays are not two distributions of one length.
    """
    p, q = _pair(p, q)
    mean = np.sqrt(np.maximum(p, FLOOR) * np.maximum(q, FLOOR))
    return mean / mean.sum()


def arithmetic_mean(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the normalised arithmetic mean of two distributions (C,) over one label table.

    Raises:
        ValueError: the arrays are not two distributions of one length.
    """
    p, q = _pair(p, q)
    mean = (p + q) / 2
    return mean / mean.sum()


def temper(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return a distribution (C,) raised to 1 / temperature, normalised; below 1 it becomes more certain.

    A mean of two streams is less certain than what they know together: one temperature after it mends that (Guo et
    al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599, section 4.2).

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}, expected above 0")
    if temperature == 1.0:
        return p
    logarithms = np.log(np.maximum(p, FLOOR)) / temperature
    powers = np.exp(logarithms - logarithms.max())
    return powers / powers.sum()


METHODS = {"geometric": geometric_mean, "arithmetic": arithmetic_mean}


def common_table(p_ids: Sequence[int], q_ids: Sequence[int]) -> tuple[int, ...]:
    """Return the classes either label table names, in the order of their ids."""
    return tuple(sorted(set(p_ids) | set(q_ids)))


def to_common(
    p: Sequence[float], p_ids: Sequence[int], q: Sequence[float], q_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Bring two streams to the label table of both.

    A stream that cannot name a class has put its mass into the class nearest to it: that mass is shared among the two
    in the proportion the other stream gives (see :func:`transfer`).

    Returns:
        Both distributions (C,) and the common label table.
    """
    table = common_table(p_ids, q_ids)
    return transfer(p, p_ids, table, q, q_ids), transfer(q, q_ids, table, p, p_ids), table


def transfer(
    p: Sequence[float], p_ids: Sequence[int], table: Sequence[int], guide: Sequence[float], guide_ids: Sequence[int]
) -> np.ndarray:
    """Bring a distribution to another label table, sharing mass as a guide does.

    A class of ``p_ids`` that ``table`` lacks gives its mass to the nearest class of ``table``. A class of ``table``
    that ``p_ids`` lacks shares the mass of the nearest class that it has, in the guide's proportion; in equal parts
    where the guide gives none, because it cannot name that nearest class or has nothing in either.

    Args:
        p: (C,) distribution.
        p_ids: its label table.
        table: the label table wanted.
        guide: distribution that says how mass is shared.
        guide_ids: its label table.

    Returns:
        Distribution over ``table``, sum that of ``p``.
    """
    mass = dict.fromkeys(table, 0.0)
    for number, value in zip(p_ids, p, strict=True):
        mass[number if number in mass else nearest_class(number, table)] += float(value)
    named = [number for number in table if number in p_ids] or list(table)
    groups: dict[int, list[int]] = {}
    for number in table:
        if number not in named:
            host = nearest_class(number, named)
            groups.setdefault(host, [host]).append(number)
    given = dict(zip(guide_ids, (float(value) for value in guide), strict=True))
    for host, group in groups.items():
        shares = [given.get(number, 0.0) if host in given else 0.0 for number in group]
        total = sum(shares)
        whole = mass[host]
        for number, share in zip(group, shares, strict=True):
            mass[number] = whole * (share / total if total > 0 else 1 / len(group))
    return np.array([mass[number] for number in table])


def _pair(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.ndim != 1 or p.shape != q.shape or p.size == 0:
        raise ValueError(f"distributions of shapes {p.shape} and {q.shape}, expected two of one length")
    for values in (p, q):
        if not (np.isfinite(values).all() and values.min() >= 0 and values.sum() > 0):
            raise ValueError(f"{values} is not a distribution: expected finite values from 0, not all 0")
    return p / p.sum(), q / q.sum()
