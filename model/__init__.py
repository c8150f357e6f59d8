"""The matting library: equations, files, data, networks, training and measuring."""

__version__ = "0.1.0"
