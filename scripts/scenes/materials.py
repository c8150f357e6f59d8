"""Materials of Blender: what light does at a surface. Colours are linear RGB.

Blender (bpy) is imported when the first material is made, not with this module.
"""

import colorsys

# Linear RGB of skin, from light to dark.
SKINS = [
    (0.80, 0.55, 0.43),
    (0.68, 0.42, 0.30),
    (0.50, 0.29, 0.19),
    (0.30, 0.16, 0.10),
    (0.13, 0.065, 0.04),
]
# Linear RGB of leaves: three greens, dry, red.
LEAVES = [
    (0.05, 0.2, 0.02),
    (0.12, 0.25, 0.03),
    (0.02, 0.1, 0.03),
    (0.3, 0.2, 0.02),
    (0.35, 0.08, 0.02),
]


def draw_colour(random, saturation=(0.2, 0.9), value=(0.15, 0.9)) -> tuple:
    """Draws a linear RGB colour of any hue, its parts in [0, 1]."""
    return colorsys.hsv_to_rgb(
        random.uniform(), random.uniform(*saturation), random.uniform(*value)
    )


def new_material(name: str):
    """Adds an empty material; returns it, its nodes, `link` and its output node."""
    import bpy

    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    return material, tree.nodes, tree.links.new, output


def plain_material(name: str, colour, roughness=0.6, **inputs):
    """Makes a Principled material; `inputs` name its sockets with _ for spaces."""
    material, nodes, link, output = new_material(name)
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = roughness
    for socket, value in inputs.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    link(shader.outputs[0], output.inputs[0])
    return material


def glowing_material(name: str):
    """Makes a surface that emits white: what the alpha pass sees."""
    material, nodes, link, output = new_material(name)
    link(nodes.new("ShaderNodeEmission").outputs[0], output.inputs[0])
    return material


def hair_material(name: str, colour, spread=0.3):
    """Makes hair or fur.

    Args:
        name: Of the material.
        colour: (melanin, redness), both in [0, 1], or linear RGB.
        spread: How much the colours of the strands differ, in [0, 1].
    """
    material, nodes, link, output = new_material(name)
    shader = nodes.new("ShaderNodeBsdfHairPrincipled")
    if len(colour) == 2:
        shader.parametrization = "MELANIN"
        shader.inputs["Melanin"].default_value = colour[0]
        shader.inputs["Melanin Redness"].default_value = colour[1]
    else:
        shader.parametrization = "COLOR"
        shader.inputs["Color"].default_value = (*colour, 1)
    for socket, value in (("Random Color", spread), ("Random Roughness", 0.2)):
        if socket in shader.inputs and shader.inputs[socket].enabled:
            shader.inputs[socket].default_value = value
    link(shader.outputs[0], output.inputs[0])
    return material


def skin_material(roughness: float):
    """Makes skin that takes its colour from the mesh attribute `tint`."""
    material, nodes, link, output = new_material("skin")
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    tint = nodes.new("ShaderNodeAttribute")
    tint.attribute_name = "tint"
    pores = nodes.new("ShaderNodeTexNoise")
    pores.inputs["Scale"].default_value = 60
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 0.12
    bump.inputs["Distance"].default_value = 0.02
    link(pores.outputs[0], bump.inputs["Height"])
    link(bump.outputs[0], shader.inputs["Normal"])
    link(tint.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Subsurface Weight"].default_value = 0.35
    shader.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    shader.inputs["Subsurface Scale"].default_value = 0.06
    link(shader.outputs[0], output.inputs[0])
    return material


def eye_material(iris):
    """Makes an eyeball of radius 1 that looks along its own -y."""
    material, nodes, link, output = new_material("eye")
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = (0.005, 0.005, 0.005, 1)
    ramp.color_ramp.elements[1].color = (0.75, 0.72, 0.68, 1)
    ramp.color_ramp.elements[1].position = 0.12
    for position in (0.018, 0.085):
        ramp.color_ramp.elements.new(position).color = (*iris, 1)
    shift = nodes.new("ShaderNodeMath")  # y -1 ... 1 -> 0 (pupil) ... 2
    shift.inputs[1].default_value = 1
    link(place.outputs["Object"], split.inputs[0])
    link(split.outputs["Y"], shift.inputs[0])
    link(shift.outputs[0], ramp.inputs[0])
    link(ramp.outputs[0], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.08
    link(shader.outputs[0], output.inputs[0])
    return material


def leaf_material(colour):
    """Makes a spotted leaf through which light shines."""
    material, nodes, link, output = new_material("leaf")
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 9
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = (*[part * 0.55 for part in colour], 1)
    ramp.color_ramp.elements[1].color = (*[min(1, part * 1.6) for part in colour], 1)
    mix = nodes.new("ShaderNodeMixShader")
    mix.inputs[0].default_value = 0.35
    front = nodes.new("ShaderNodeBsdfPrincipled")
    front.inputs["Roughness"].default_value = 0.4
    through = nodes.new("ShaderNodeBsdfTranslucent")
    link(noise.outputs[0], ramp.inputs[0])
    link(ramp.outputs[0], front.inputs["Base Color"])
    link(ramp.outputs[0], through.inputs["Color"])
    link(front.outputs[0], mix.inputs[1])
    link(through.outputs[0], mix.inputs[2])
    link(mix.outputs[0], output.inputs[0])
    return material
