"""Sheets that let light through: their material, and their part in the alpha pass.

A mesh's vertices carry `clear`, the share of light in [0, 1] that goes straight through
the sheet where it is seen from the front; at a slant the way through is longer and less
goes through. A mesh without it is opaque.

In the colour pass the camera sees the front of a sheet as if it were opaque, so the
colour has no noise of alpha in it; all other light goes through. In the alpha pass
`thin_alpha` makes every surface as clear as its vertices say, layer behind layer,
without noise.
"""

import numpy as np

from scripts.scenes.materials import new_material

CLEAR = "clear"  # name of the attribute, and of the node that reads it
LEAST_COSINE = 0.12  # the most slanted view that still counts: a way 8 times as long


def set_attribute(made, name: str, values: np.ndarray) -> None:
    """Gives the vertices of a mesh object an attribute.

    Args:
        made: Object.
        name: Of the attribute.
        values: (V,) numbers or (V, 3) linear RGB.
    """
    kind, field = ("FLOAT", "value") if values.ndim == 1 else ("FLOAT_COLOR", "color")
    if values.ndim == 2:
        values = np.insert(values, 3, 1, axis=1)
    layer = made.data.attributes.new(name, kind, "POINT")
    layer.data.foreach_set(field, values.astype(np.float32).ravel())


def clear_share(nodes, link):
    """Adds nodes for clear ** (1 / cosine of the slant); returns the last socket."""
    clear, place = nodes.new("ShaderNodeAttribute"), nodes.new("ShaderNodeNewGeometry")
    clear.name = clear.attribute_name = CLEAR
    cosine = nodes.new("ShaderNodeVectorMath")
    cosine.operation = "DOT_PRODUCT"
    link(place.outputs["Normal"], cosine.inputs[0])
    link(place.outputs["Incoming"], cosine.inputs[1])
    last = cosine.outputs["Value"]
    steps = [("ABSOLUTE", None), ("MAXIMUM", LEAST_COSINE), ("DIVIDE", 1), ("POWER", 0)]
    for operation, value in steps:
        step = nodes.new("ShaderNodeMath")
        step.operation = operation
        if operation == "DIVIDE":
            step.inputs[0].default_value = value
        elif operation == "POWER":
            link(clear.outputs["Fac"], step.inputs[0])
        elif value is not None:
            step.inputs[1].default_value = value
        link(last, step.inputs[1 if operation in ("DIVIDE", "POWER") else 0])
        last = step.outputs[0]
    return last


def sheer_material(name: str, colour=None, shine=0.0, through=0.45):
    """Makes a sheet through which light goes where its vertices are clear.

    Args:
        name: Of the material.
        colour: Linear RGB, or None to take the mesh attribute `tint`.
        shine: Share of light that is mirrored softly, in [0, 1].
        through: Share of the scattered light that leaves at the other side.
    """
    material, nodes, link, output = new_material(name)
    front = nodes.new("ShaderNodeBsdfPrincipled")
    front.inputs["Roughness"].default_value = 0.35 if shine else 0.9
    front.inputs["Specular IOR Level"].default_value = shine
    front.inputs["Sheen Weight"].default_value = 0.3
    behind, both = nodes.new("ShaderNodeBsdfTranslucent"), new_mix(nodes, through)
    if colour is None:
        tint = nodes.new("ShaderNodeAttribute")
        tint.attribute_name = "tint"
        link(tint.outputs["Color"], front.inputs["Base Color"])
        link(tint.outputs["Color"], behind.inputs["Color"])
    else:
        front.inputs["Base Color"].default_value = (*colour, 1)
        behind.inputs["Color"].default_value = (*colour, 1)
    hide, share = nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeMath")
    hide.operation, share.operation = "SUBTRACT", "MULTIPLY"
    hide.inputs[0].default_value = 1
    link(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], hide.inputs[1])
    link(hide.outputs[0], share.inputs[0])
    link(clear_share(nodes, link), share.inputs[1])
    seen = new_mix(nodes, 0)
    link(share.outputs[0], seen.inputs[0])
    link(front.outputs[0], both.inputs[1])
    link(behind.outputs[0], both.inputs[2])
    link(both.outputs[0], seen.inputs[1])
    link(nodes.new("ShaderNodeBsdfTransparent").outputs[0], seen.inputs[2])
    link(seen.outputs[0], output.inputs[0])
    return material


def new_mix(nodes, share: float):
    """Adds a node that mixes two shaders; `share` is that of the second."""
    mix = nodes.new("ShaderNodeMixShader")
    mix.inputs[0].default_value = share
    return mix


def thin_alpha() -> None:
    """Has the alpha pass of this scene see how clear every sheet is.

    The pass overrides all materials by one; this one learns to read `clear` right
    before it renders. The rule ends with the scene.
    """
    import bpy

    def thin(scene, *_) -> None:
        override = scene.view_layers[0].material_override
        if override and CLEAR not in override.node_tree.nodes:
            nodes, link = override.node_tree.nodes, override.node_tree.links.new
            output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
            mix, nothing = new_mix(nodes, 0), nodes.new("ShaderNodeBsdfTransparent")
            link(clear_share(nodes, link), mix.inputs[0])
            link(output.inputs[0].links[0].from_socket, mix.inputs[1])
            link(nothing.outputs[0], mix.inputs[2])
            link(mix.outputs[0], output.inputs[0])

    bpy.app.handlers.render_pre.append(thin)
