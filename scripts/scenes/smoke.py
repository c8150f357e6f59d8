"""Paints smoke, steam and fire from fractal noise, and puts them up before the camera.

`paint_smoke` is arrays only: densities from noise that is warped by other noise, cut to
a plume, a puff or flames, and lit through its own depth. `build_smoke` hangs the
picture up as a sheet whose vertices carry its colour and how clear it is.
"""

import cv2
import numpy as np

from scripts.scenes.materials import new_material
from scripts.scenes.shapes import grid_quads
from scripts.scenes.sheer import set_attribute, thin_alpha
from scripts.scenes.stage import Subject, add_mesh

KINDS = ["plume", "plume", "puff", "wisp", "steam", "fire", "fire"]
SIZE = 512  # vertices of the sheet, across and up
GLOW = 4  # times as bright as lit things: a picture of fire is overexposed
RIM = 0.06  # share of the picture's sides in which smoke has ended


def fractal(size: int, scale: float, slope: float, random, tall=1.0) -> np.ndarray:
    """Draws fractal noise.

    Args:
        size: Height and width.
        scale: Size of the largest features, as a share of the picture.
        slope: Exponent by which amplitude falls with frequency; more is smoother.
        random: Generator of the draws.
        tall: Height of the features over their width.

    Returns:
        (size, size) float32 of mean 0 and deviation 1, that tiles.
    """
    rows = np.fft.fftfreq(size)[:, None] * size * tall
    columns = np.fft.rfftfreq(size)[None] * size
    frequency = np.hypot(rows, columns)
    lowest = 1 / scale
    power = np.maximum(frequency, lowest) ** -slope * (frequency > 0)
    waves = np.fft.rfft2(random.normal(size=(size, size))) * power
    noise = np.fft.irfft2(waves, (size, size))
    return (noise / noise.std()).astype(np.float32)


def warp(picture: np.ndarray, right, down) -> np.ndarray:
    """Moves a picture's content by (H, W) pixels; beyond its sides it repeats."""
    rows, columns = np.indices(picture.shape, dtype=np.float32)
    across, up = (columns - right).astype(np.float32), (rows - down).astype(np.float32)
    return cv2.remap(picture, across, up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def billow(size: int, scale: float, tall: float, smooth: float, random) -> np.ndarray:
    """Draws warped noise as of rising smoke: (size, size) of deviation about 1."""
    noise = fractal(size, scale, smooth, random, tall)
    for strength in (0.1, 0.04):
        right, down = (fractal(size, scale, 3.2, random) for _ in "xy")
        shift = strength * size * random.uniform(0.4, 1.1)
        noise = warp(noise, right * shift, down * shift * min(tall, 3 / tall))
    return noise


def outline(kind: str, across, up, random) -> np.ndarray:
    """Gives the (H, W) envelope of smoke: above 0 inside, falling outwards.

    Args:
        kind: One of `KINDS`.
        across: (H, W) coordinates in [-1, 1].
        up: (H, W) coordinates, -1 at the bottom and 1 at the top.
        random: Generator of the draws.
    """
    t = (up + 0.9) / 1.75  # 0 at the source
    if kind == "puff":
        rise = np.full(across.shape, -9.0)
        for _ in range(int(random.integers(3, 9))):
            x, y = random.normal(0, 0.24, 2)
            size = random.uniform(0.25, 0.55)
            ball = 1 - np.hypot(across - x, up - y) / size
            rise = np.maximum(rise, ball)
        return rise * 1.2
    sway = random.normal(0, 0.2) * t + random.normal(0, 0.1) * np.sin(t * 5)
    narrow, wide = random.uniform(0.04, 0.16), random.uniform(0.25, 0.6)
    if kind == "wisp":
        narrow, wide = random.uniform(0.02, 0.05), random.uniform(0.1, 0.3)
    width = narrow + wide * np.maximum(t, 0) ** random.uniform(0.7, 1.4)
    if kind == "fire":
        foot, top = random.uniform(0.3, 0.6), random.uniform(0.6, 1.0)
        shape = np.clip(1 - t / top, 0, 1) ** 0.7 * (0.7 + t)
        width = foot * shape + 0.02
        sway = sway * 0.4
    side = 1 - (np.abs(across - sway) / width) ** 1.5
    ends = np.minimum(t * 9, (1 - t) * 3)
    return np.minimum(side, ends)


def shade(density: np.ndarray, random) -> np.ndarray:
    """Lights smoke from one side through its own depth: (H, W) in [0, 1]."""
    turn = random.uniform(0, 2 * np.pi)
    depth, shadow = density, np.zeros_like(density)
    for step in range(1, 7):
        reach = 3.0 * 1.6**step
        move = np.float32([[1, 0, reach * np.cos(turn)], [0, 1, reach * np.sin(turn)]])
        blurred = cv2.GaussianBlur(depth, (0, 0), reach * 0.5)
        shadow += cv2.warpAffine(blurred, move, density.shape[::-1]) * 0.3
    return np.exp(-shadow * random.uniform(0.4, 1.4))


def burn(heat: np.ndarray, tint: float) -> np.ndarray:
    """Gives the (H, W, 3) linear light of flames of heat in [0, 1].

    Args:
        heat: (H, W).
        tint: 0 for yellow fire, 1 for blue.
    """
    stops = [0, 0.25, 0.5, 0.75, 1]
    red, green = [0.35, 0.9, 1.1, 1.2, 1.3], [0.03, 0.15, 0.38, 0.62, 0.95]
    blue = [0, 0.01, 0.02, 0.08, 0.35]
    fire = np.dstack([np.interp(heat, stops, part) for part in (red, green, blue)])
    return GLOW * (fire * (1 - tint) + fire[..., ::-1] * tint)


def paint_smoke(kind: str, size: int, random) -> tuple:
    """Paints smoke, steam or fire.

    Args:
        kind: One of `KINDS`.
        size: Height and width, pixels.
        random: Generator of the draws.

    Returns:
        (size, size, 3) linear straight colour, (size, size) alpha in [0, 1] that is 0
        at the sides, and what was drawn.
    """
    across, down = np.meshgrid(*[np.linspace(-1, 1, size)] * 2)
    scale = random.uniform(0.2, 0.5) * (0.7 if kind == "fire" else 1)
    tall = {"fire": 3.6, "puff": 1.0}.get(kind, 1.5)
    smooth = random.uniform(2.2, 2.7) + (0.25 if kind == "fire" else 0)
    noise = billow(size, scale, tall, smooth, random)
    fine = billow(size, scale * 0.3, tall, smooth, random)
    ragged = random.uniform(0.25, 0.6)
    envelope = outline(
        kind, across + 0.07 * noise, -down + 0.07 * warp(noise, 99, 55), random
    )
    density = envelope + ragged * (noise + 0.4 * fine)
    thick = {"wisp": 0.5, "steam": 0.45, "fire": 1.6}.get(kind, 1.0)
    thick = thick * float(random.uniform(0.6, 2.2))
    density = np.maximum(density, 0) * np.clip(envelope * 3 + 0.9, 0, 1)
    rim = 1 - np.maximum(np.abs(across), np.abs(down))
    density = cv2.GaussianBlur(density, (0, 0), size / 512)
    density = density * np.clip((rim - RIM / 2) / RIM / 2, 0, 1) ** 2
    alpha = 1 - np.exp(-thick * density**1.3)
    drawn = {"ragged": float(ragged), "thick": thick, "scale": float(scale)}
    drawn |= {"smooth": float(smooth)}
    if kind == "fire":
        drawn["tint"] = float(random.choice([0, 0, 0, 0, 0.9]))
        heat = density / np.percentile(density[density > 0.01], 97)
        heat = np.clip(heat ** random.uniform(0.8, 1.4), 0, 1)
        alpha = np.minimum(alpha, heat * random.uniform(1.2, 3))
        return burn(heat, drawn["tint"]), alpha, drawn
    tone = random.uniform(0.55, 0.95) if kind != "plume" else random.uniform(0.04, 0.95)
    hue = 1 + random.normal(0, 0.04, 3)
    if random.uniform() < 0.2:  # a smoke bomb
        hue = random.dirichlet((0.7, 0.7, 0.7)) * 2
    light = shade(density.astype(np.float32), random)
    warm = 1 + np.array([0.12, 0, -0.12]) * random.normal()
    dark = np.array([0.28, 0.3, 0.34])
    colour = tone * hue * (dark + (warm - dark) * light[..., None])
    drawn |= {"tone": float(tone), "hue": np.round(hue, 3).tolist()}
    return np.clip(colour, 0, 4), alpha, drawn


def glow_material():
    """Makes a sheet that shows its attribute `tint` in no other light."""
    material, nodes, link, output = new_material("smoke")
    tint, shine = (nodes.new(f"ShaderNode{name}") for name in ("Attribute", "Emission"))
    tint.attribute_name = "tint"
    link(tint.outputs["Color"], shine.inputs["Color"])
    link(shine.outputs[0], output.inputs[0])
    return material


def build_smoke(random) -> Subject:
    """Adds a sheet with a picture of smoke, steam or fire."""
    kind = str(random.choice(KINDS))
    colour, alpha, drawn = paint_smoke(kind, SIZE, random)
    across, down = np.meshgrid(*[np.linspace(-1, 1, SIZE)] * 2)
    points = np.dstack([across, 0 * across, -down]).reshape(-1, 3)
    made = add_mesh("smoke", points, grid_quads(SIZE, SIZE), [glow_material()])
    set_attribute(made, "tint", colour.reshape(-1, 3))
    set_attribute(made, "clear", 1 - alpha.ravel())
    thin_alpha()
    seen = points[alpha.ravel() > 0.01][::7]
    dense = points[alpha.ravel() > 0.25 * alpha.max()][::7]
    return Subject({"kind": kind} | drawn, seen, dense, 0.0)
