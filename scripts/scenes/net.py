"""Builds hanging nets, lace, and nets in a hoop with a handle."""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import clip_to_disc, drape, net_threads
from scripts.scenes.stage import Subject, add_strands

KINDS = ["square", "diamond", "lace"]
EDGE = np.linspace(-1, 1, 161)


def stretch_net(threads: list):
    """Stretches a net in a hoop.

    Args:
        threads: From `net_threads`, each (K, 2).

    Returns:
        The net's curves, then the hoop and its handle, each curve (K, 3).
    """
    turn, zeros = EDGE * np.pi, np.zeros(len(EDGE))
    hoop = np.stack([np.cos(turn), zeros, np.sin(turn)], axis=1)
    handle = np.stack([zeros, zeros, EDGE * 0.6 - 1.6], axis=1)
    curves = [np.insert(part, 1, 0, axis=1) for part in clip_to_disc(threads)]
    return curves, [hoop, handle]


def hang_net(threads: list, hang):
    """Hangs a net up; returns its curves, then its four hems, each curve (K, 3)."""
    sides = [np.stack([EDGE, np.full(len(EDGE), side)], axis=1) for side in (-1, 1)]
    hems = [hang(side) for side in sides + [side[:, ::-1] for side in sides]]
    return [hang(thread) for thread in threads], hems


def build_net(random) -> Subject:
    """Adds a net."""
    kind = str(random.choice(KINDS))
    hoop = bool(random.uniform() < 0.4)
    cells = int(random.integers(7, 13) if kind == "lace" else random.integers(10, 30))
    thick = random.uniform(0.03, 0.12) / cells
    threads = net_threads(kind, cells, random)
    metal = bool(random.uniform() < 0.4)
    colour = draw_colour(random, (0, 0.5), (0.1, 0.9))
    material = plain_material(
        "thread", colour, 0.3 if metal else 0.8, Metallic=float(metal)
    )
    hang = drape(random)
    if hoop:
        frame = plain_material("frame", draw_colour(random, (0.1, 0.7), (0.05, 0.6)))
        curves, borders = stretch_net(threads)
        add_strands("frame", borders, 0.045, frame, 1.0)
    else:
        curves, borders = hang_net(threads, hang)
        add_strands("hem", borders, thick * 2.5, material, 1.0)
    add_strands("net", curves, thick, material, 1.0)
    points = np.concatenate(curves + borders)
    parameters = {"kind": kind, "hoop": hoop, "cells": cells, "thick": thick}
    return Subject(parameters | {"metal": metal}, points, points, np.pi * 0.3)
