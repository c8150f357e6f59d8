"""Builds vessels with walls of metal mesh: pen pots, bins, bowls, lanterns, trays.

Things may stand or lie in them, which are seen between the wires, as is what is behind
where there is nothing: through the near wall, or through both.
"""

import numpy as np

from scripts.scenes.materials import draw_colour, plain_material
from scripts.scenes.shapes import smooth_curve, superellipse
from scripts.scenes.solids import add_box, add_plate, add_tube, add_turned, frame
from scripts.scenes.stage import Subject, add_ball, add_strands
from scripts.scenes.vectors import UP, noise_field, normalise

KINDS = ["pen pot", "pen pot", "pen pot", "bin", "bowl", "lantern", "tray"]
MESHES = ["diamond", "diamond", "honeycomb", "square", "upright"]
PROFILES = {  # radius from the floor to the rim, evenly in height; and the height
    "pen pot": ([0.50, 0.54, 0.58, 0.62], 1.6),
    "bin": ([0.55, 0.63, 0.71, 0.80], 1.8),
    "bowl": ([0.35, 0.80, 0.97, 1.05], 0.8),
    "lantern": ([0.45, 0.68, 0.68, 0.42], 1.6),
    "tray": ([0.95, 0.98, 1.01, 1.05], 0.6),
}


class Wall:
    """The surface that the mesh lies on: a turned shape, more or less square.

    Attributes:
        high: Height; the middle is at 0.
        square: Exponent of the outline seen from above: 2 is round.
    """

    def __init__(self, kind: str, random):
        radii, high = PROFILES[kind]
        self.high = high * random.uniform(0.75, 1.25)
        self.square = float(random.choice([2, 2, 2, 3, 6]))
        self._radii = smooth_curve(np.array(radii) * random.uniform(0.85, 1.15), 200)

    def place(self, turn, level) -> np.ndarray:
        """Gives points of the wall.

        Args:
            turn: (N,) angle around, radians.
            level: (N,) height, 0 at the floor to 1 at the rim.

        Returns:
            (N, 3).
        """
        radius = np.interp(level, np.linspace(0, 1, len(self._radii)), self._radii)
        sides = superellipse(turn, self.square)
        return np.column_stack([sides * radius[:, None], self.high * (level - 0.5)])

    def ring(self, level: float, count: int = 96) -> np.ndarray:
        """Gives (count, 3) points around the wall at one level."""
        turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
        return self.place(turn, np.full(count, level))

    def cell(self, around: int) -> float:
        """Gives how wide one of so many cells around the wall is."""
        radius = self.place(np.zeros(1), np.full(1, 0.6))[0, 0]
        return 2 * np.pi * radius / around


def weave_mesh(mesh: str, around: int, wall: Wall) -> list:
    """Lays the wires of a mesh on a wall.

    Args:
        mesh: One of `MESHES`.
        around: Cells around the wall; one more if that is odd.
        wall: What they lie on.

    Returns:
        List of (K, 3) curves.
    """
    around += around % 2
    cell = 2 * np.pi / around  # radians
    rows = max(2, round(wall.high / wall.cell(around)))
    level = np.linspace(0, 1, rows * 6 + 1)
    if mesh in ("square", "upright"):
        ribs = [wall.place(np.full(len(level), n * cell), level) for n in range(around)]
        every = 1 if mesh == "square" else max(1, rows // 4)
        rings = [wall.ring(at, 193) for at in np.linspace(0, 1, rows + 1)[::every]]
        return ribs + [np.concatenate([ring, ring[:1]]) for ring in rings]
    if mesh == "diamond":  # two families of wires that climb around the wall
        climb = level * rows * cell / 2
        return [
            wall.place(n * cell + sign * climb, level)
            for n in range(around)
            for sign in (-1, 1)
        ]
    zigzag = np.abs((level * rows) % 2 - 1) * 2 - 1
    wave = np.clip(zigzag * 1.5, -1, 1) * cell / 2  # neighbours meet along an edge
    return [wall.place(n * cell + (1 - n % 2 * 2) * wave, level) for n in range(around)]


def add_pen(wall: Wall, random) -> np.ndarray:
    """Stands a pen into a vessel, leaning to its wall; returns its ends, (2, 3)."""
    turn = random.uniform(0, 2 * np.pi, 2)
    foot = wall.place(turn[:1], np.full(1, 0.03))[0] * [0.7, 0.7, 1]
    lean = wall.place(turn[1:], np.full(1, 1.0))[0] * [0.85, 0.85, 1]
    thick = random.uniform(0.035, 0.08)
    end = foot + (lean - foot) * random.uniform(1.1, 1.7)
    way = normalise(end - foot)
    body = plain_material("pen", draw_colour(random, (0, 1), (0.02, 0.9)), 0.35)
    add_tube(np.stack([foot, end]), thick, body, round_=3)
    if random.uniform() < 0.7:
        wood = plain_material("tip", draw_colour(random, (0, 0.6), (0.05, 0.8)), 0.6)
        cone = [(0, 0), (thick, 0), (thick * 0.25, thick * 4), (0, thick * 4.4)]
        add_turned(cone, wood, frame(end, way, (1, 0.1, 0.2)), 24)
    return np.stack([foot, end + way * thick * 4])


def add_card(wall: Wall, random) -> np.ndarray:
    """Stands a sheet of paper or a card into a vessel; returns its corners, (8, 3)."""
    high = wall.high * random.uniform(0.5, 1.3)
    wide = np.abs(wall.ring(0.5)[:, 0]).max() * random.uniform(0.5, 1.2)
    middle = [*random.uniform(-0.15, 0.15, 2), (high - wall.high) / 2 + 0.05]
    ahead = normalise(random.normal(0, 0.12, 3) + UP)
    side = [np.cos(turn := random.uniform(0, np.pi)), np.sin(turn), 0]
    paper = plain_material("card", draw_colour(random, (0, 0.5), (0.3, 0.9)), 0.8)
    return add_box((wide, 0.02, high), paper, frame(middle, ahead, side), 0.003)


def add_heap(wall: Wall, random) -> None:
    """Heaps balls, such as fruit or wool, on the floor; all within the walls."""
    size = random.uniform(0.1, 0.25)
    floor = np.abs(wall.ring(0.3)[:, 0]).max()
    for _ in range(int(random.integers(1, 14))):
        turn, away = random.uniform(0, 2 * np.pi), np.sqrt(random.uniform())
        away = max(0.0, floor - size) * away
        up = size + wall.high * random.uniform(-0.5, 0.1)
        place = [away * np.cos(turn), away * np.sin(turn), up]
        peel = plain_material("ball", draw_colour(random), random.uniform(0.3, 0.9))
        add_ball(place, size * random.uniform(0.85, 1.15, 3), peel)


def fill_vessel(kind: str, wall: Wall, random) -> tuple:
    """Puts things into a vessel, or none.

    Returns:
        Points that the camera must show, (N, 3) arrays, and how many of each thing.
    """
    pens = cards = 0
    if kind in ("pen pot", "bin"):
        pens, cards = int(random.integers(0, 7)), int(random.integers(0, 3))
    heap = kind == "lantern" or kind != "pen pot" and bool(random.uniform() < 0.7)
    points = [add_pen(wall, random) for _ in range(pens)]
    points += [add_card(wall, random) for _ in range(cards)]
    if heap:
        add_heap(wall, random)
    return points, {"pens": pens, "cards": cards, "heap": heap}


def add_rims(wall: Wall, thick: float, metal, random) -> list:
    """Adds the rim and the solid floor of a vessel; returns their points."""
    low, is_solid = wall.ring(0.0), random.uniform() < 0.7
    points = [
        add_tube(wall.ring(1.0), thick * random.uniform(1, 4), metal, closed=True),
        add_tube(low, thick * random.uniform(1, 2.5), metal, closed=True),
    ]
    if is_solid:
        place = frame([0, 0, low[0, 2]])
        points.append(add_plate([low[:, :2]], 0.02, metal, place, 0.003))
    return points


def build_pot(random) -> Subject:
    """Adds a vessel of metal mesh with what is in it."""
    kind, mesh = str(random.choice(KINDS)), str(random.choice(MESHES))
    wall = Wall(kind, random)
    around = int(np.exp(random.uniform(np.log(20), np.log(80))))
    thick = wall.cell(around) * float(random.uniform(0.05, 0.2))
    wires = weave_mesh(mesh, around, wall)
    dent = float(random.choice([0, 0, 0.02, 0.05]))
    field = noise_field(random, 0.4)
    wires = [wire + dent * field(wire) for wire in wires]
    painted = bool(random.uniform() < 0.4)
    colour = np.array(draw_colour(random, (0, 0.7 if painted else 0.15), (0.03, 0.9)))
    rough = float(random.uniform(0.2, 0.6))
    metal = plain_material("mesh", colour, rough, Metallic=1.0 - painted)
    add_strands("mesh", wires, thick, metal, 1.0)
    points = [*wires, *add_rims(wall, max(0.015, thick), metal, random)]
    inside, counts = fill_vessel(kind, wall, random)
    parameters = {"kind": kind, "mesh": mesh, "around": around, "thick": thick}
    parameters |= {"high": wall.high, "square": wall.square, "dent": dent}
    parameters |= {"painted": painted, "rough": rough}
    parameters |= {"colour": colour.round(3).tolist()} | counts
    detail = np.concatenate(wires)
    return Subject(parameters, np.concatenate([*points, *inside]), detail, np.pi)
