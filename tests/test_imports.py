"""The structure of the project: who imports whom, what loads TensorFlow, names."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    {"model.matting", "model.rgba", "model.decoding", "model.replacing"},
    {
        "model.images",
        "model.metrics",
        "model.frame",
        "model.records",
        "model.lock",
        "model.interrupt",
        "model.places",
        "model.plan",
        "model.dispatcher",
    },
    {"model.engine", "model.compiled", "model.guides"},
    {
        "model.example",
        "model.encoder",
        "model.optimizer",
        "model.smoke",
        "model.operations",
        "model.strands",
        "model.camera",
        "model.blocks",
        "model.flow",
        "model.precision",
        "model.profiles",
        "model.threads",
    },
    {
        "model.storage",
        "model.cluster",
        "model.candidates",
        "model.basket",
        "model.fringe",
        "model.cutout",
        "model.body",
    },
    {"model.pelt"},
    {
        "model.layers",
        "model.composites",
        "model.placement",
        "model.report",
        "model.compose",
        "model.importance",
        "model.laplacian",
        "model.sampling",
        "model.foreground",
        "model.generator",
        "model.export",
        "model.discriminator",
        "model.losses",
        "model.trimap",
        "model.batch",
        "model.propagate",
        "model.steady",
        "model.clip",
        "model.film",
        "model.board",
    },
    {"model.prior", "model.checkpoint", "model.stock"},
    {"model.rows"},
    {
        "model.dataset",
        "model.gan",
        "model.saving",
        "model.history",
        "model.predict",
        "model.provenance",
        "model.options",
    },
    {
        "model.validation",
        "model.network",
        "model.outputs",
        "model.video",
        "model.service",
    },
    {"model.training", "model.feed"},
    {"model.pipeline", "model.doctor", "model.cutting"},
    {"model.folder", "model.footage"},
]
SCENE_LAYERS = [  # of scripts/scenes; above all of model, below scripts/render.py
    {"scripts.scenes.vectors", "scripts.scenes.passes", "scripts.scenes.materials"},
    {"scripts.scenes.strands", "scripts.scenes.shapes", "scripts.scenes.hairstyles"},
    {"scripts.scenes.stage", "scripts.scenes.tied", "scripts.scenes.leaf"},
    {"scripts.scenes.studio", "scripts.scenes.person", "scripts.scenes.solids"},
    {"scripts.scenes.sheer", "scripts.scenes.vessel", "scripts.scenes.furniture"},
    {"scripts.scenes.frames", "scripts.scenes.journal", "scripts.scenes.processes"},
    {
        "scripts.scenes.hair",
        "scripts.scenes.fur",
        "scripts.scenes.foliage",
        "scripts.scenes.glass",
        "scripts.scenes.net",
        "scripts.scenes.pot",
        "scripts.scenes.cloth",
        "scripts.scenes.feather",
        "scripts.scenes.flower",
        "scripts.scenes.hard",
        "scripts.scenes.lace",
        "scripts.scenes.smoke",
        "scripts.scenes.veil",
        "scripts.scenes.wire",
    },
]
COLLECT_LAYERS = [  # of scripts/collect; above all of model, below scripts/download.py
    {
        "scripts.collect.candidate",
        "scripts.collect.checkerboard",
        "scripts.collect.options",
        "scripts.collect.credits",
        "scripts.collect.packages",
        "scripts.collect.google_page",
        "scripts.collect.google_process",
    },
    {"scripts.collect.rows", "scripts.collect.fetch", "scripts.collect.gates"},
    {"scripts.collect.manifest", "scripts.collect.summary"},
    {
        "scripts.collect.sheets",
        "scripts.collect.gather",
        "scripts.collect.openverse",
        "scripts.collect.commons",
        "scripts.collect.debian",
        "scripts.collect.google",
        "scripts.collect.google_worker",
        "scripts.collect.urls",
        "scripts.collect.local",
        "scripts.collect.img2dataset",
    },
]
COMPOSITE_LAYERS = [  # of scripts/composites; above model, below scripts/combine*.py
    {
        "scripts.composites.sample",
        "scripts.composites.manifest",
        "scripts.composites.groups",
    },
    {"scripts.composites.storage", "scripts.composites.workers"},
    {"scripts.composites.plan", "scripts.composites.pipeline"},
]
MEASURE_LAYERS = [  # of scripts/measure; above composites, below the programs
    {
        "scripts.measure.case",
        "scripts.measure.methods",
        "scripts.measure.table",
        "scripts.measure.clips",
        "scripts.measure.flicker",
        "scripts.measure.runtimes",
        "scripts.measure.clock",
        "scripts.measure.convolutions",
        "scripts.measure.killed",
        "scripts.measure.ending",
        "scripts.measure.commands",
        "scripts.measure.tradeoff",
    },
    {
        "scripts.measure.accuracy",
        "scripts.measure.photographs",
        "scripts.measure.composites",
        "scripts.measure.sheets",
        "scripts.measure.speed",
        "scripts.measure.loop",
        "scripts.measure.rates",
    },
    {"scripts.measure.exported", "scripts.measure.mattes"},
]
PROGRAM_LAYERS = [{"scripts.help"}]  # what several programs share
PLAIN = {"numpy", "scipy", "cv2", "PIL"}  # all that the two lowest layers may need
NETWORK_LIBRARIES = {"tensorflow", "keras"}
BLENDER_LIBRARIES = {"bpy", "bmesh", "mathutils"}
NAMELESS = {"utils", "util", "common", "helpers", "helper", "base", "misc", "config"}


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def modules_in(folder):
    paths = sorted((ROOT / folder).glob("**/*.py"))
    return {name_of(path): path for path in paths if path.name != "__init__.py"}


MODEL = modules_in("model")
SCRIPTS = modules_in("scripts")
SCENES = modules_in("scripts/scenes")
COLLECT = modules_in("scripts/collect")
COMPOSITES = modules_in("scripts/composites")
MEASURE = modules_in("scripts/measure")
PROGRAMS = {
    **SCRIPTS,
    **{name: ROOT / f"{name}.py" for name in ("train", "eval")},
}
PROGRAMS = {name: path for name, path in PROGRAMS.items() if path.exists()}
PROJECT = {**MODEL, **PROGRAMS}


def imported_by(path, when_loaded=False):
    """All modules a file imports; with `when_loaded`, not those inside functions."""
    found = set()
    nodes = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if when_loaded:
                continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the whole name"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in PROJECT else node.module for name in names}
        nodes.extend(ast.iter_child_nodes(node))
    return found


def loaded_with(path):
    """All modules, of the project and outside, that importing a file pulls in."""
    found, waiting = set(), imported_by(path, when_loaded=True)
    while waiting:
        name = waiting.pop()
        found.add(name)
        if name in PROJECT:
            waiting |= imported_by(PROJECT[name], when_loaded=True) - found
    return found


def layer_of(name):
    layers = LAYERS + SCENE_LAYERS + COLLECT_LAYERS + COMPOSITE_LAYERS + MEASURE_LAYERS
    layers = PROGRAM_LAYERS + layers
    return next((at for at, names in enumerate(layers) if name in names), len(layers))


def test_every_module_has_its_layer():
    assert set(MODEL) == set().union(*LAYERS), "keep LAYERS in this file up to date"
    assert set(SCENES) == set().union(*SCENE_LAYERS), "keep SCENE_LAYERS up to date"
    listed = set().union(*COLLECT_LAYERS)
    assert set(COLLECT) == listed, "keep COLLECT_LAYERS up to date"
    listed = set().union(*COMPOSITE_LAYERS)
    assert set(COMPOSITES) == listed, "keep COMPOSITE_LAYERS up to date"
    listed = set().union(*MEASURE_LAYERS)
    assert set(MEASURE) == listed, "keep MEASURE_LAYERS up to date"


@pytest.mark.parametrize("name", sorted(PROJECT))
def test_a_module_imports_only_from_layers_below_its_own(name):
    inside = {other for other in imported_by(PROJECT[name]) if other in PROJECT}
    too_high = {other for other in inside if layer_of(other) >= layer_of(name)}
    assert not too_high


@pytest.mark.parametrize("name", sorted((LAYERS[0] | LAYERS[1]) & set(MODEL)))
def test_the_lowest_layers_need_no_more_than_arrays_and_pictures(name):
    outside = {other.split(".")[0] for other in imported_by(MODEL[name])}
    assert outside <= PLAIN | {"model"} | set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - {"train"}))
def test_a_program_starts_without_tensorflow(name):
    loaded = {other.split(".")[0] for other in loaded_with(PROGRAMS[name])}
    assert not loaded & NETWORK_LIBRARIES


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_script_starts_without_blender(name):
    loaded = {other.split(".")[0] for other in loaded_with(SCRIPTS[name])}
    assert not loaded & BLENDER_LIBRARIES


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_scene_module_needs_no_more_than_arrays_and_blender(name):
    outside = {other.split(".")[0] for other in imported_by(SCENES[name])}
    assert outside <= PLAIN | BLENDER_LIBRARIES | {"scripts", *sys.stdlib_module_names}


def test_eval_really_starts_without_tensorflow():
    code = "import sys, eval; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_module_is_named_after_nothing():
    assert not {name.rpartition(".")[2] for name in PROJECT} & NAMELESS


def test_the_requirements_differ_only_in_the_tensorflow_line():
    plain = (ROOT / "requirements.txt").read_text().splitlines()
    cuda = (ROOT / "requirements-gpu.txt").read_text().splitlines()
    differing = [pair for pair in zip(plain, cuda, strict=True) if pair[0] != pair[1]]
    assert len(differing) == 1
    line, other = differing[0]
    assert line.startswith("tensorflow>=")
    assert other == line.replace("tensorflow", "tensorflow[and-cuda]", 1)
