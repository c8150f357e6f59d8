"""The matting library: equations, files, data, networks, training and measuring.

>>> from model import Matting
>>> matting = Matting(checkpoint=-1)
>>> matte = matting("images/example.jpg", "images/example-trimap.png")
>>> matte.cutout().size
(512, 512)
"""

__version__ = "0.1.0"
__all__ = ["Matte", "Matting", "__version__"]


def __getattr__(name: str):
    """Imports the library's classes when they are first asked for."""
    if name in ("Matte", "Matting"):
        from model import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
