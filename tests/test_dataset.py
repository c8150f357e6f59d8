import json

import numpy as np
import pytest

from model import compose, dataset, importance, matting, stock

OPTIONS = {"seed": 1, "batch_size": 2, "size": 64, "workers": 2, "use_prior": True}


@pytest.fixture(params=[stock.Layers, dataset.Composites])
def source(request, data_directory):
    return request.param(data_directory, "train")


def collect(source, first, steps, **changes):
    stream = dataset.batches(source, first=first, steps=steps, **(OPTIONS | changes))
    return list(stream.as_numpy_iterator())


def test_batches_have_the_stated_shapes_types_and_ranges(source):
    (batch,) = collect(source, 0, 1)
    shapes = {name: (2, 64, 64, depth) for name, depth in dataset.CHANNELS.items()}
    shapes |= {"prior": (2, 64, 64, 1), "colours": (2, 16, 16, 6)}
    shapes |= {"samples": (2, 32, 32, 2), "weight": (2, 1, 1, 1)}
    assert {name: array.shape for name, array in batch.items()} == shapes
    assert batch["trimap"].dtype == np.uint8
    assert set(np.unique(batch["trimap"])) <= {0, 128, 255}
    for name in ("image", "foreground", "alpha", "prior", "colours", "samples"):
        assert batch[name].dtype == np.float32
        assert 0 <= batch[name].min() and batch[name].max() <= 1


def test_a_stream_begun_later_continues_the_same_samples(source):
    whole, rest = collect(source, 0, 4), collect(source, 2, 2)
    for expected, actual in zip(whole[2:], rest, strict=True):
        for name in expected:
            np.testing.assert_array_equal(actual[name], expected[name])


def test_samples_do_not_depend_on_the_number_of_workers(source):
    for one, two in zip(
        collect(source, 0, 2, workers=1), collect(source, 0, 2, workers=2), strict=True
    ):
        np.testing.assert_array_equal(one["image"], two["image"])


def test_another_seed_gives_other_samples(source):
    (one,), (other,) = collect(source, 0, 1), collect(source, 0, 1, seed=2)
    assert np.any(one["image"] != other["image"])


def test_the_prior_is_left_out_where_it_is_not_wanted(source):
    (batch,) = collect(source, 0, 1, use_prior=False)
    assert not {"prior", "colours", "samples"} & set(batch)


def test_a_coarse_guess_comes_under_a_name_of_its_own(source):
    (batch,) = collect(source, 0, 1, is_fine=False)
    assert "samples" not in batch
    assert batch["coarse_samples"].shape == (2, 16, 16, 2)
    assert batch["prior"].shape == (2, 64, 64, 1)


def test_each_crop_of_a_pool_is_used_as_often_as_asked(monkeypatch):
    monkeypatch.setattr(dataset, "POOL", 16)
    monkeypatch.setattr(dataset, "LANES", 4)
    dataset._shuffled.cache_clear()
    numbers = [dataset.pool_index(5, index, 3) for index in range(2 * 3 * 16)]
    dataset._shuffled.cache_clear()
    for start in range(0, len(numbers), 16):  # a turn shows each crop once
        pool = start // 48 * 16
        assert sorted(numbers[start : start + 16]) == list(range(pool, pool + 16))
    assert numbers[16:32] != numbers[32:48]
    assert numbers[:16] == list(range(16))


def test_a_crop_used_again_is_made_once_and_stays_aligned(source, monkeypatch):
    monkeypatch.setattr(importance, "TRANSLUCENT_SHARE", 0)
    monkeypatch.setattr(importance, "WOVEN_SHARE", 0)
    monkeypatch.setattr(dataset, "POOL", 2)
    dataset._shuffled.cache_clear()
    made = []
    crop = source.crop
    monkeypatch.setattr(source, "crop", lambda *a: made.append(a[1]) or crop(*a))
    batches = collect(source, 0, 6, reuse=3, workers=1)
    dataset._shuffled.cache_clear()
    assert sorted(made) == list(range(4 * importance.CANDIDATES))
    totals = [np.sort(batch["alpha"].sum((1, 2, 3))) for batch in batches]
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-5)
    assert np.any(batches[0]["alpha"] != batches[1]["alpha"])
    for batch in batches:
        known = batch["trimap"] == matting.FOREGROUND
        assert np.all(batch["alpha"][known] == 1)
        assert np.all(batch["prior"][known] == 1)


def test_a_share_of_crops_is_translucent_where_there_are_layers(source, monkeypatch):
    monkeypatch.setattr(importance, "TRANSLUCENT_SHARE", 0.5)
    weights = np.array(
        [dataset.crop_with_guess(source, 1, index, 64)["weight"] for index in range(24)]
    )
    share = np.mean(weights == round(importance.TRANSLUCENT * 255))
    if isinstance(source, stock.Layers):
        assert 0.25 < share < 0.75
    else:
        assert share < 0.25


def test_a_share_of_crops_is_woven_where_there_are_layers(source, monkeypatch):
    monkeypatch.setattr(importance, "TRANSLUCENT_SHARE", 0.25)
    monkeypatch.setattr(importance, "WOVEN_SHARE", 0.5)
    made = []
    if isinstance(source, stock.Layers):
        crop = source.crop_woven
        monkeypatch.setattr(
            source, "crop_woven", lambda *a: made.append(a[1]) or crop(*a)
        )
    weights = [
        int(dataset.crop_with_guess(source, 1, index, 64)["weight"])
        for index in range(24)
    ]
    if isinstance(source, stock.Layers):
        assert 6 <= len(set(made)) == len(made) <= 18
        assert all(number % importance.CANDIDATES == 0 for number in made)
        woven = [weights[number // importance.CANDIDATES] for number in made]
        assert 0 < max(woven) <= round(importance.WOVEN * 255)
    else:
        assert not hasattr(source, "crop_woven")


def test_woven_crops_differ_and_depend_on_their_number_alone(data_directory):
    source = stock.Layers(data_directory, "train")
    first, again = (source.crop_woven(1, 0, 64) for _ in range(2))
    np.testing.assert_array_equal(first["image"], again["image"])
    assert np.any(source.crop_woven(1, 1, 64)["image"] != first["image"])


def layers_with_a_group(data_directory, tmp_path, group):
    """Layers of the same files, the first of whose cut-outs is of a group."""
    listed = json.loads((data_directory / "layers.json").read_text())
    own = listed["train"]["foregrounds"][0]
    for split in ("train", "val"):
        for kind, paths in listed[split].items():
            listed[split][kind] = [str(data_directory / path) for path in paths]
    listed["groups"] = {str(data_directory / own): group}
    (tmp_path / "layers.json").write_text(json.dumps(listed))
    return stock.Layers(tmp_path, "train"), data_directory / own


def test_translucent_crops_are_made_of_that_group_half_of_the_time(
    data_directory, tmp_path
):
    source, own = layers_with_a_group(data_directory, tmp_path, stock.TRANSLUCENT)
    assert source.translucent == [own] and source.baskets == []
    taken = []
    cutout = source.cutout
    source.cutout = lambda path: taken.append(path) or cutout(path)
    for index in range(40):
        sample = source.crop_translucent(1, index, 64)
        again = source.crop_translucent(1, index, 64)
        np.testing.assert_array_equal(sample["image"], again["image"])
    share = taken.count(own) / len(taken)
    others = len(set(source.foregrounds)) - 1
    assert share == pytest.approx(0.5 + 0.5 / (others + 1), abs=0.2)


def test_a_share_of_woven_crops_is_of_baskets_that_are_there(
    data_directory, tmp_path, monkeypatch
):
    source, own = layers_with_a_group(data_directory, tmp_path, stock.BASKET)
    assert source.baskets == [own] and source.translucent == []
    seen = []
    compose_crop = compose.compose_crop
    monkeypatch.setattr(
        compose, "compose_crop", lambda *a: seen.append(a[0]) or compose_crop(*a)
    )
    for index in range(60):
        sample = source.crop_woven(1, index, 64)
        assert sample["image"].shape == (64, 64, 3)
    assert all(upper is source.cutout(own) for upper in seen)
    assert len(seen) / 60 == pytest.approx(stock.BASKET_SHARE, abs=0.2)


def test_black_pictures_do_not_stop_the_threads_of_tensorflow():
    class Night:
        def crop(self, seed, index, size):
            shade = np.random.default_rng(seed).integers(
                0, 2, (size, size, 3), np.uint8
            )
            trimap = np.full((size, size), matting.UNKNOWN, np.uint8)
            trimap[:, : size // 4] = matting.FOREGROUND
            trimap[:, -size // 4 :] = matting.BACKGROUND
            shade[:, : size // 4] += 200
            alpha = np.where(trimap == matting.FOREGROUND, trimap, 0)
            return dict(image=shade, foreground=shade, alpha=alpha, trimap=trimap)

    (batch,) = collect(Night(), 0, 1, size=128)
    assert np.isfinite(batch["colours"]).all()


def test_stored_crops_keep_their_arrays_aligned(data_directory):
    sample = dataset.Composites(data_directory, "train").crop(0, 3, 64)
    alpha, trimap = sample["alpha"], sample["trimap"]
    assert np.all(alpha[trimap == matting.FOREGROUND] == 255)
    assert np.all(alpha[trimap == matting.BACKGROUND] == 0)
    is_full = alpha == 255
    np.testing.assert_allclose(
        sample["image"][is_full].astype(int),
        sample["foreground"][is_full].astype(int),
        atol=1,
    )


def test_no_foreground_is_in_both_splits(data_directory):
    layers = json.loads((data_directory / "layers.json").read_text())
    for kind in ("foregrounds", "backgrounds"):
        assert not set(layers["train"][kind]) & set(layers["val"][kind])
    names = [
        {
            path.split("--")[0]
            for path in dataset.Composites(data_directory, split).names
        }
        for split in ("train", "val")
    ]
    assert not names[0] & names[1]


def test_validation_pairs_are_fixed_and_spread_over_the_foregrounds(data_directory):
    composites = dataset.Composites(data_directory, "val")
    pairs = list(dataset.validation_pairs(composites, 2))
    again = list(dataset.validation_pairs(composites, 2))
    assert [pair["name"] for pair in pairs] == [pair["name"] for pair in again]
    assert pairs[0]["name"] == composites.names[0]
    assert pairs[-1]["name"] == composites.names[-1]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"layers\.json: no such file; run"):
        stock.Layers(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match=r"image: no \*\.png; run"):
        dataset.Composites(tmp_path, "train")
    for text in ("{", '{"train": {"foregrounds": [1], "backgrounds": []}}'):
        (tmp_path / "layers.json").write_text(text)
        with pytest.raises(ValueError, match="not a list of layers"):
            stock.Layers(tmp_path, "train")
    empty = {"foregrounds": [], "backgrounds": []}
    (tmp_path / "layers.json").write_text(json.dumps({"train": empty}))
    with pytest.raises(ValueError, match="0 foregrounds and 0 backgrounds to train"):
        stock.Layers(tmp_path, "train")


def test_a_crop_larger_than_its_composite_is_refused(data_directory):
    with pytest.raises(ValueError, match="160x128, smaller than a crop of 256"):
        dataset.Composites(data_directory, "train").crop(0, 0, 256)
