"""-v and -q of every script: more, and errors only.

What takes long (networks, Blender, Beam, a web) is played by stand-ins: the table says
what is told around it.
"""

import csv
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from model import images, predict
from scripts.collect.rows import COLUMNS, OK
from scripts.composites import storage
from tests.here import Here

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def prepare_combine(folder, monkeypatch, layer_folders, name="combine"):
    for kind, source in zip(("foregrounds", "backgrounds"), layer_folders, strict=True):
        (folder / kind).mkdir()
        for path in sorted(source.iterdir())[:2]:
            (folder / kind / path.name).write_bytes(path.read_bytes())
    program = importlib.import_module(f"scripts.{name}")
    monkeypatch.setattr(program.workers, "start_workers", lambda count: Here())
    return [
        *("--foregrounds", folder / "foregrounds", "--backgrounds"),
        *(folder / "backgrounds", "--size", "64x48", "--per-foreground", "1"),
    ]


def prepare_combine_beam(folder, monkeypatch, layer_folders):
    def run(tasks, canvas, storage_format, beam_options):
        return (storage.do_task(task, canvas, storage_format) for task in tasks)

    pretend(monkeypatch, "apache_beam", SimpleNamespace())
    pretend(monkeypatch, "scripts.composites.pipeline", SimpleNamespace(run=run))
    return prepare_combine(folder, monkeypatch, layer_folders, "combine_beam")


def pretend(monkeypatch, name, module):
    """Puts a stand-in where a module would be imported from."""
    monkeypatch.setitem(sys.modules, name, module)
    package, _, last = name.rpartition(".")
    if package:
        monkeypatch.setattr(
            importlib.import_module(package), last, module, raising=False
        )


def prepare_download(folder, monkeypatch, layer_folders):
    return ["--source", "local", "--folder", layer_folders[0], "--min-side", "64"]


def prepare_render(folder, monkeypatch, layer_folders):
    from scripts import render

    def run_all(work, tasks, count):
        for task in tasks:
            name = "foregrounds/net-000-0.webp"
            images.write_image(
                task[3].output / name, np.full((16, 16, 4), 99, np.uint8)
            )
            row = {"file": name, "kind": "net", "seconds": 1, "licence": "CC0-1.0"}
            yield task, row | {"parameters": {"holes": 7}, "index": 0, "view": 0}, ""

    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(render.processes, "run_all", run_all)
    return ["--classes", "net", "--views", "1"]


def prepare_benchmark(folder, monkeypatch, layer_folders):
    from scripts.measure import methods

    photograph = np.random.default_rng(0).random((48, 64, 3))
    bands = np.repeat(np.uint8([0, 128, 128, 255]), 16)[None].repeat(48, axis=0)
    for place, picture in (
        ("input_training_lowres", photograph),
        ("trimap_training_lowres/Trimap1", bands),
        ("gt_training_lowres", bands),
    ):
        images.write_image(folder / "in" / place / "GT01.png", picture)
    method = methods.Method(
        lambda image, trimap: methods.Matte(np.float32(trimap > 99), None, ""),
        lambda image, alpha: image,
    )
    monkeypatch.setattr(methods, "load_checkpoint", lambda *_, **__: method)
    return [folder / "in", "--methods", "checkpoint", "--trimaps", "Trimap1"]


def prepare_benchmark_combine(folder, monkeypatch, layer_folders):
    from scripts import benchmark_combine as program

    monkeypatch.setattr(
        program,
        "measure_commands",
        lambda *_: iter([program.Speed("combine.py", 1, 1, 1, 4)]),
    )
    sample = [np.zeros((8, 8, 3), np.uint8)]
    monkeypatch.setattr(program, "read_arrays", lambda *_: [sample])
    return []


def prepare_export(folder, monkeypatch, layer_folders):
    from scripts import export

    monkeypatch.setattr(export.checkpoint, "find_snapshot", lambda *_: 1)
    monkeypatch.setattr(export.checkpoint, "load_generator", lambda *_: "generator")
    monkeypatch.setattr(export.engine, "load_tensorflow", lambda: None)
    monkeypatch.setattr(export, "write", lambda *_: "")
    return []


def prepare_average(folder, monkeypatch, layer_folders):
    from scripts import average

    def average_them(snapshots, output, tell):
        tell("run: batch 1, 9 parameters")
        return output / "generator-1.weights.h5"

    monkeypatch.setattr(average, "find", lambda text: (text, 1))
    monkeypatch.setattr(average, "average", average_them)
    return ["run", "run"]


def prepare_compare(folder, monkeypatch, layer_folders):
    pytest.importorskip("matplotlib")
    (folder / "run").mkdir()
    config = {"preset": "matting", "widths": [4], "use_prior": True, "batch_size": 8}
    (folder / "run/config.json").write_text(json.dumps(config))
    (folder / "run/history.csv").write_text(
        "step,phase,samples_per_second,learning_rate,alpha_loss,val_sad,val_mse\n"
        "100,generator,4,0.001,0.1,9,0.09\n200,generator,4,0.001,0.1,5,0.05\n"
    )
    return [folder / "run"]


def prepare_pictures(folder, monkeypatch, layer_folders):
    from scripts import pictures

    pair = {
        "image": np.zeros((48, 64, 3), np.float32),
        "trimap": np.repeat(np.uint8([0, 128, 128, 255]), 16)[None].repeat(48, axis=0),
    }
    pair |= {"foreground": pair["image"], "alpha": np.float32(pair["trimap"] / 255)}
    composites = SimpleNamespace(
        names=["a"], spread=lambda _: ["a"], read=lambda _: pair
    )
    monkeypatch.setattr(pictures, "Composites", lambda *_: composites)
    monkeypatch.setattr(pictures, "load_network", lambda *_: "network")
    monkeypatch.setattr(
        pictures,
        "predict",
        lambda _, image, trimap: predict.Matte(np.float32(trimap / 255), image),
    )
    row = np.zeros((9, 3 * 16 + 2 * pictures.GAP, 3), np.float32)
    monkeypatch.setattr(pictures, "draw_auto_row", lambda *_: row)
    return [folder, "--width", "16"]


def prepare_trimap(folder, monkeypatch, layer_folders):
    images.write_image(folder / "photo.png", np.zeros((24, 32, 3), np.uint8))
    mask = np.uint8([0, 255]).repeat(16)[None].repeat(24, axis=0)
    images.write_image(folder / "mask.png", mask)
    return [folder / "photo.png", "OUTPUT/trimap.png", "--mask", folder / "mask.png"]


def prepare_overview(folder, monkeypatch, layer_folders):
    Image.new("RGB", (20, 30), "red").save(folder / "sky.jpg")
    row = dict.fromkeys(COLUMNS, "") | {"path": "sky.jpg", "kind": "background"}
    write_manifest(folder, row | {"status": OK, "licence": "CC0-1.0"})
    return [folder]


def prepare_list_urls(folder, monkeypatch, layer_folders):
    row = dict.fromkeys(COLUMNS, "") | {"url": "https://h/a.png", "kind": "foreground"}
    write_manifest(folder, row | {"status": OK, "licence": "CC0-1.0"})
    return [folder / "manifest.csv", "OUTPUT/urls.csv"]


def write_manifest(folder, row):
    with open(folder / "manifest.csv", "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerow(row)


def prepare_convert_encoder(folder, monkeypatch, layer_folders):
    from scripts import convert_encoder as program

    state = {"_conv_stem.weight": np.ones((4, 3, 3, 3))}
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"_bn0.{part}"] = np.ones(4)
    monkeypatch.setattr(program, "BLOCKS", 0)
    monkeypatch.setattr(program, "find_checkpoint", lambda: None)
    monkeypatch.setattr(program, "read_checkpoint", lambda path: state)
    return []


def prepare_benchmark_video(folder, monkeypatch, layer_folders):
    """The network is replaced by the trimap."""
    program = importlib.import_module("scripts.benchmark_video")

    def run(_, image, trimap):
        return {"alpha": trimap.astype(np.float32) / 255}

    monkeypatch.setattr(program, "load_network", lambda *_: "network")
    monkeypatch.setattr(predict, "run", run)
    return [
        *("--foregrounds", layer_folders[0], "--backgrounds", layer_folders[1]),
        *("--limit", "1", "--size", "64x48", "--frames", "3", "--every", "2"),
    ]


def prepare_serve_input(folder, monkeypatch, layer_folders):
    program = importlib.import_module("scripts.serve_input")
    services = SimpleNamespace(
        DispatcherConfig=lambda **_: None,
        DispatchServer=lambda _: SimpleNamespace(target="grpc://host:5050"),
    )
    data = SimpleNamespace(experimental=SimpleNamespace(service=services))
    tensorflow = SimpleNamespace(data=data, __version__="0")
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    monkeypatch.setattr(program.engine, "load_tensorflow", lambda: None)
    monkeypatch.setattr(program, "wait", lambda: None)
    return ["dispatcher"]


def prepare_soak(folder, monkeypatch, layer_folders):
    program = importlib.import_module("scripts.soak")
    for name in ("dataset", "gan", "history", "saving", "training"):
        pretend(monkeypatch, f"model.{name}", SimpleNamespace())
    monkeypatch.setattr(program, "check", lambda _: None)
    monkeypatch.setattr(program.engine, "load_tensorflow", lambda: None)
    for name in ("soak_saving", "soak_whole"):
        monkeypatch.setattr(program, name, lambda *_: {"kills": 1})
    return [folder, "--folder", folder / "work"]


def prepare_profile_training(folder, monkeypatch, layer_folders):
    program = importlib.import_module("scripts.profile_training")
    result = {"training": "matting", "waiting_fresh": 0.5, "waiting_again": None}
    result |= dict.fromkeys(program.rates.ROWS, 1.0) | {"families": {}}
    monkeypatch.setattr(program, "check_options", lambda _: [])

    def measure(options, passed, tell):
        tell("matting: training")
        return [result]

    monkeypatch.setattr(program, "measure", measure)
    return [folder]


RUNS = {  # script: how to prepare it, and what -v tells
    "average": (prepare_average, "run: batch 1, 9 parameters"),
    "benchmark": (prepare_benchmark, "GT01"),
    "benchmark_combine": (prepare_benchmark_combine, "combine.py, 1: 4 samples in"),
    "benchmark_video": (prepare_benchmark_video, "all trimaps, steady"),
    "combine": (prepare_combine, "combine.py: disca--000: made"),
    "combine_beam": (prepare_combine_beam, "combine_beam.py: disca--000: made"),
    "compare": (prepare_compare, "  before                     100"),
    "convert_encoder": (prepare_convert_encoder, "stem/kernel: (3, 3, 3, 4)"),
    "download": (prepare_download, "download.py: foregrounds/disca.png: ok"),
    "export": (prepare_export, "generator.onnx: 0.0 s"),
    "list_urls": (prepare_list_urls, "foreground: 1"),
    "overview": (prepare_overview, "background: 1 of 1"),
    "pictures": (prepare_pictures, "result.png: 96x40 pixels"),
    "profile_training": (prepare_profile_training, "50.0% waiting for crops"),
    "render": (prepare_render, "net-000-0.webp: {'holes': 7}"),
    "serve_input": (prepare_serve_input, ", TensorFlow 0"),
    "soak": (prepare_soak, "log.txt: what the processes say"),
    "trimap": (prepare_trimap, "% foreground"),
}
TABLES = {"benchmark_combine": "| task |", "profile_training": "| | matting |"}
WITHOUT_OUTPUT = {"benchmark_combine", "trimap", "list_urls", "serve_input", "soak"}
WITH_OUTPUT = set(RUNS) - WITHOUT_OUTPUT
ENDINGS = {
    "compare": "curves.png",
    "convert_encoder": "encoder.npz",
    "profile_training": "profile.csv",
}


def run(name, arguments, output, monkeypatch):
    """Runs a script in this process with its own folder of results."""
    output.mkdir()
    arguments = [str(part).replace("OUTPUT", str(output)) for part in arguments]
    if name in WITH_OUTPUT:
        arguments += ["--output", str(output / ENDINGS.get(name, ""))]
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    return importlib.import_module(f"scripts.{name}").main()


def test_the_table_holds_every_script():
    programs = {path.stem for path in SCRIPTS.glob("*.py")} - {"__init__", "help"}
    assert set(RUNS) >= programs


@pytest.mark.parametrize("name", RUNS)
def test_quiet_tells_errors_only_and_verbose_more(
    name, tmp_path, monkeypatch, capfd, layer_folders
):
    prepare, told_more = RUNS[name]
    arguments = prepare(tmp_path, monkeypatch, layer_folders)
    told = {}
    for option in ("", "-v", "-q"):
        output = tmp_path / f"out{option}"
        code = run(name, [*arguments, *filter(None, [option])], output, monkeypatch)
        assert code == 0
        told[option] = capfd.readouterr()
    plain, verbose, quiet = (told[option] for option in ("", "-v", "-q"))
    more, less = ("".join(texts) for texts in (verbose, plain))
    assert told_more in more
    assert len(more.splitlines()) > len(less.splitlines())
    assert quiet.err == ""
    if name in TABLES:  # which are what these make
        assert quiet.out.splitlines()[2].startswith(TABLES[name])
    else:
        assert quiet.out == ""
    if name not in ("trimap", "benchmark_combine"):  # trimap.py tells nothing as it is
        assert less
    # what is made is the same
    made = [
        sorted(path.name for path in (tmp_path / f"out{option}").rglob("*"))
        for option in ("", "-v", "-q")
    ]
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("name", RUNS)
def test_quiet_and_verbose_exclude_each_other(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "-q", "-v"])
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module(f"scripts.{name}").main()
    assert stopped.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
