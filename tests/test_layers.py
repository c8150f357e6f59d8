from pathlib import Path

from model import layers


def test_the_split_by_hash_is_stable_and_near_its_fraction():
    paths = [Path(f"{index}.png") for index in range(1000)]
    split = layers.split_layers({"foregrounds": paths, "backgrounds": paths}, 0, 0.2)
    assert 150 < len(split["val"]["foregrounds"]) < 250
    fewer = {"foregrounds": paths[:500], "backgrounds": paths}
    few = layers.split_layers(fewer, 0, 0.2)["val"]["foregrounds"]
    assert few == [path for path in split["val"]["foregrounds"] if path in few]
    assert layers.stable_hash(0, "fox.png") == 17871562887550035834


def test_all_views_of_one_scene_are_on_the_same_side_of_the_split():
    paths = [
        Path(f"hair-{scene:03}-{view}.webp") for scene in range(40) for view in (0, 1)
    ]
    split = layers.split_layers({"foregrounds": paths, "backgrounds": paths}, 0, 0.3)
    sides = [{layers.series(p) for p in split[side]["foregrounds"]} for side in split]
    assert sides[0] and sides[1] and not sides[0] & sides[1]
    assert sum(len(split[side]["foregrounds"]) for side in split) == 80
