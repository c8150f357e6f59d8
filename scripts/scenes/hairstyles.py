"""Hair styles drawn as numbers: lengths, curls, ties, colours; lengths in head units.

A style is a dict that fits the manifest; `hair` grows it on a head.
"""

import numpy as np

from scripts.scenes.materials import draw_colour

SHARES = {  # how often each style is drawn; straight and wavy long hair most of all
    "long": 0.20,
    "wavy": 0.19,
    "windy": 0.13,
    "bob": 0.07,
    "ponytail": 0.11,
    "bun": 0.07,
    "braid": 0.08,
    "curly": 0.07,
    "short": 0.05,
    "afro": 0.03,
}
LENGTHS = {
    "long": (2.2, 4.2),
    "wavy": (2.2, 4.2),
    "windy": (2.2, 4.4),
    "bob": (1.4, 2.1),
    "ponytail": (1.8, 3.4),  # of the tail, beyond the tie
    "bun": (0.4, 0.55),  # radius of the bun
    "braid": (2.2, 3.6),  # of the braid, beyond the tie
    "curly": (1.5, 3.0),
    "short": (0.25, 0.8),
    "afro": (0.7, 1.4),
}
TIED = ("ponytail", "bun", "braid")
CURLS = {"curly": (0.05, 0.12), "afro": (0.04, 0.07), "wavy": (0.05, 0.13)}  # radii
TURNS = {"curly": (1.2, 2.6), "afro": (1.6, 2.8), "wavy": (0.5, 1.0)}  # a unit length
GRAVITIES = {"short": 0.8, "afro": 0.1, "windy": 1.3}  # other styles draw theirs
COLOURS = {  # melanin, redness, least and most; and how often
    "black": ((0.9, 1.0), (0.0, 0.6), 0.2),
    "dark brown": ((0.6, 0.85), (0.2, 0.8), 0.17),
    "brown": ((0.38, 0.58), (0.3, 0.9), 0.17),
    "blond": ((0.1, 0.25), (0.2, 0.7), 0.2),
    "platinum": ((0.02, 0.07), (0.0, 0.5), 0.06),
    "red": ((0.2, 0.45), (0.95, 1.0), 0.09),
    "grey": (None, None, 0.06),
    "dyed": (None, None, 0.05),
}


def draw_share(random, shares: dict) -> str:
    """Draws a key of name -> share; the shares sum to 1."""
    names = list(shares)
    return names[random.choice(len(names), p=list(shares.values()))]


def draw_hair_colour(random) -> dict:
    """Draws `colour`, either (melanin, redness) or linear RGB, and its `shade`."""
    shade = draw_share(random, {name: row[2] for name, row in COLOURS.items()})
    melanin, redness, _ = COLOURS[shade]
    if melanin:
        colour = (random.uniform(*melanin), random.uniform(*redness))
    elif shade == "grey":
        colour = np.array([1, 0.97, 0.92]) * random.uniform(0.25, 0.75)
    else:
        colour = draw_colour(random, (0.5, 0.9), (0.2, 0.7))
    return {"shade": shade, "colour": np.round(colour, 4).tolist()}


def draw_style(random) -> dict:
    """Draws the numbers of a hair style.

    Returns:
        `style`, its name; `length`, see LENGTHS; `part`, x of the parting; `back`,
        how far it is combed back; `gravity`; `wave`, strength of the field that bends
        locks; `curl`, radius, and `turns` of spirals; `clump`, how tightly a lock
        closes at its tip; `layers`, how uneven the lengths are; `strays`, the share of
        hairs that leave their lock, and `reach`, how far; `tie`, height of a tied
        one; `wind`, its direction; `shade` and `colour`.
    """
    style = draw_share(random, SHARES)
    drawn = {"length": random.uniform(*LENGTHS[style])}
    drawn["part"] = random.choice([-0.35, -0.15, 0.0, 0.15, 0.35])
    drawn["back"] = random.uniform(0.3, 1.4)
    drawn["gravity"] = GRAVITIES.get(style, random.uniform(2, 4))
    drawn["wave"] = random.uniform(*((0.3, 0.8) if style == "wavy" else (0.1, 0.5)))
    drawn["curl"] = random.uniform(*CURLS.get(style, (0, 0)))
    if style == "windy" and random.uniform() < 0.4:
        drawn["curl"] = random.uniform(*CURLS["wavy"])
    pace = random.uniform(*TURNS.get(style, TURNS["wavy"]))
    drawn["turns"] = drawn["length"] * pace
    drawn["clump"] = random.uniform(0.25, 0.85)
    drawn["layers"] = random.uniform(0.05, 0.4)
    drawn["strays"] = random.choice([0.03, 0.06, 0.1, 0.16])
    drawn["reach"] = random.uniform(0.04, 0.22)
    drawn["tie"] = random.uniform(-0.5, 0.9)
    wind = random.uniform(0, 2 * np.pi)
    drawn["wind"] = [1.9 * np.cos(wind), 1.1 * abs(np.sin(wind)) + 0.3, 0.4]
    rounded = {name: np.round(value, 4).tolist() for name, value in drawn.items()}
    return {"style": style} | rounded | draw_hair_colour(random)
