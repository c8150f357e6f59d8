"""Films with transparency, written through ffmpeg: ProRes 4444 and WebM.

Frames go to ffmpeg as they are made, 16 bits a channel. The film appears under its
name when it is complete.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

PRORES = ["prores_ks", "-profile:v", "4444", "-vendor", "apl0"]
VP9 = ["libvpx-vp9", "-b:v", "0", "-crf", "18", "-auto-alt-ref", "0", "-cpu-used", "4"]
CODECS = {".mov": PRORES, ".webm": VP9}
PIXELS = {".mov": ("yuv444p10le", "yuva444p10le"), ".webm": ("yuv420p", "yuva420p")}
# ProRes takes the tags from the frames, VP9 from the encoder
TAGS = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709"
FILTER = f"scale=out_color_matrix=bt709:out_range=tv,{TAGS}"
COLOURS = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]


def is_film(path: Path) -> bool:
    """Tells whether a file to write is a film, by its ending."""
    return path.suffix.lower() in CODECS


def check_ffmpeg(path: Path) -> None:
    """Refuses to write a film without ffmpeg.

    Args:
        path: The film.

    Raises:
        FileNotFoundError: If ffmpeg is not installed.
    """
    if shutil.which("ffmpeg") is None:
        raise FileNotFoundError(
            f"{path}: a film is written by ffmpeg, which is not installed; install it, "
            "or give a folder for the frames"
        )


class Film:
    """A film that is being written.

    As a context: left without an exception the film is complete and takes its name;
    else nothing is left of it, and a film of that name stays what it was.
    """

    def __init__(self, path: Path, rate: Fraction):
        """Begins.

        Args:
            path: The file, ending in .mov (ProRes 4444) or .webm (VP9).
            rate: Frames a second.
        """
        self.path, self.rate = path, rate
        self.partial = path.with_name(f".{secrets.token_hex(4)}{path.suffix}")
        self.told = tempfile.TemporaryFile()
        self.process: subprocess.Popen | None = None

    def write(self, frame: np.ndarray) -> None:
        """Adds a frame.

        Args:
            frame: (H, W, 3) or (H, W, 4) float32 in [0, 1], colours not
                premultiplied; all of one shape.

        Raises:
            RuntimeError: If ffmpeg fails.
        """
        if self.process is None:
            self.process = self._start(frame.shape)
        levels = np.round(np.clip(frame, 0, 1) * 65535).astype("<u2")
        try:
            self.process.stdin.write(levels.tobytes())
        except OSError as error:
            raise self._failure() from error

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None and self.process is not None:
                self._finish()
        finally:
            if self.process is not None:
                self._stop()
            self.told.close()
            self.partial.unlink(missing_ok=True)

    def _start(self, shape: tuple[int, int, int]) -> subprocess.Popen:
        """Starts ffmpeg for frames of a shape."""
        height, width, channels = shape
        ending = self.path.suffix.lower()
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo"]
        command += ["-pix_fmt", "rgba64le" if channels == 4 else "rgb48le"]
        command += ["-video_size", f"{width}x{height}", "-framerate", str(self.rate)]
        command += ["-i", "-", "-vf", FILTER]
        command += ["-c:v", *CODECS[ending], "-pix_fmt", PIXELS[ending][channels == 4]]
        command += [*COLOURS, f"file:{self.partial}"]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.told,
            start_new_session=True,  # Ctrl-C is for this program, which ends it
        )

    def _finish(self) -> None:
        """Waits for ffmpeg and gives the film its name."""
        try:
            self.process.stdin.close()
        except OSError as error:
            raise self._failure() from error
        if self.process.wait() != 0:
            raise self._failure()
        os.replace(self.partial, self.path)

    def _stop(self) -> None:
        """Ends ffmpeg, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        try:
            self.process.stdin.close()
        except OSError:
            pass  # what was not written is not wanted

    def _failure(self) -> RuntimeError:
        """Gives the last of what ffmpeg said."""
        self.process.wait()
        self.told.seek(0)
        lines = self.told.read().decode(errors="replace").split("\n")
        told = [line.strip() for line in lines if line.strip()]
        reason = told[-1] if told else f"ended with {self.process.returncode}"
        return RuntimeError(f"{self.path}: ffmpeg: {reason}")
