"""A clip from its file or folder to a film, or to folders of frames.

`clip` reads the frames, `video` mattes them, `film` writes one; here is what is checked
before and what is written of each frame.
"""

import contextlib
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model import clip, film, images, outputs, places, video
from model.cutting import Cutter, Options, plain_failures


class Footage:
    """A clip of which all has been checked that can be before it is matted.

    Attributes:
        source: Its frames.
        keys: The trimaps, masks or strokes by the numbers of their frames.
        is_film: Whether a film is written, not frames.
        wanted: By frame, whether it is to be matted.
    """

    def __init__(
        self,
        options: Options,
        path: Path,
        guides: Path | None,
        results: places.Targets,
        ending: str = ".png",
        rate: Fraction | None = None,
        overwrite: bool = False,
    ):
        """Checks all paths and reads all frames once, but loads no network.

        Args:
            options: How the frames are matted.
            path: A film, or a folder of frames.
            guides: Trimaps, masks or strokes, as of `clip.find_keys`.
            results: A film and folders to write, or folders only.
            ending: Of the frames to write, with its dot.
            rate: Frames a second; as the clip says if None.
            overwrite: Whether frames that are there are done again.

        Raises:
            OSError: If a file is missing, not readable or not writable.
            RuntimeError: If there is not enough memory to make a trimap.
            ValueError: If a file, a folder or an option is not what it should be.
        """
        check_paths(path, guides, results, ending, options.composite is not None)
        self.cutter = Cutter(options)
        self.source = clip.Clip(path, rate)
        self.keys = clip.find_keys(self.source, guides)
        with plain_failures():
            for number, photograph in enumerate(self.source):  # refuses what is wrong
                if number in self.keys:
                    self._read(number, photograph.pixels)
        self.is_film = film.is_film(results.output)
        self._output = results.output
        self._targets = [
            places.in_folders(results, Path(name), ending) for name in self.source.names
        ]
        behind = Path(options.composite) if options.composite else None
        inputs = [file for file in (guides, behind) if file and file.is_file()]
        for targets in self._targets:
            files = list(filter(None, targets[self.is_film :]))
            for file in files:
                places.check_kept(file, inputs)
            places.make_folders(files)
        self.wanted = [
            self.is_film or overwrite or not places.are_there(targets)
            for targets in self._targets
        ]

    def describe(self) -> str:
        """Says what the frames' trimaps are, and whether sound is left out."""
        count, others = len(self.keys), len(self.source) - len(self.keys)
        told = "each with a trimap"
        if others:
            told = f"{count} with a trimap, propagated to the other {others} by "
            told += "optical flow"
        is_silent = self.is_film and self.source.is_film
        sound = "; sound is not kept" if is_silent else ""
        return f"{len(self.source)} frames, {told}{sound}"

    def cut(self, is_steady: bool = True, quiet: bool = False) -> list[str]:
        """Mattes the wanted frames.

        Args:
            is_steady: Whether alphas are averaged with those of the neighbours.
            quiet: Whether no bar is shown.

        Returns:
            The names of the frames of whose propagated trimap most is unknown.

        Raises:
            OSError: If a file is not readable or cannot be written.
            RuntimeError: If the network or ffmpeg fails.
            ValueError: If a picture of a folder is damaged.
        """
        options, source = self.cutter.options, self.source
        self.cutter.load()
        vague = []
        bar = tqdm(total=sum(self.wanted), unit="frame", disable=quiet or None)
        with plain_failures(), contextlib.ExitStack() as stack:
            stack.enter_context(bar)
            made = (
                stack.enter_context(film.Film(self._output, source.rate))
                if self.is_film
                else None
            )
            for shot in video.matte_clip(
                self.cutter.network,
                source,
                self.keys,
                self._read,
                self.wanted,
                is_steady,
                options.views,
            ):
                self._write(shot, made)
                name = source.names[shot.number]
                if shot.is_vague:
                    vague.append(name)
                if options.verbose:
                    bar.write(f"{source.path}: {name}", file=sys.stderr)
                bar.update()
        return vague

    def _read(self, number: int, image: np.ndarray) -> np.ndarray:
        """Reads or makes the trimap of a key frame."""
        return self.cutter.read_trimap(image, self.keys[number], may_be_empty=True)

    def _write(self, shot: video.Shot, made: film.Film | None) -> None:
        """Writes what is wanted of a frame, to its files or to a film."""
        targets, background = self._targets[shot.number], self.cutter.background
        if made:
            made.write(outputs.paint(shot.photograph, shot.matte, background))
            targets = targets._replace(output=None)
        pictures = outputs.render(
            shot.photograph, shot.matte, targets, background, self.cutter.options.bits
        )
        outputs.write_all(pictures, shot.photograph.profile, shot.photograph.resolution)


def check_paths(
    path: Path,
    guides: Path | None,
    results: places.Targets,
    ending: str,
    is_composite: bool,
) -> None:
    """Refuses, before a clip is read, what cannot be written of it.

    Args:
        path: The clip.
        guides: A file or folder, or None.
        results: A film and folders to write, or folders only.
        ending: Of the frames to write, with its dot.
        is_composite: Whether they are opaque.

    Raises:
        OSError: If a film cannot be written.
        ValueError: If a path is not what it should be.
    """
    read = [path, *([guides] if guides else [])]
    if places.STANDARD in read:
        raise ValueError("-: a clip cannot come from standard input; name its file")
    output, *others = results
    written = list(filter(None, others))
    reason = "INPUT is a clip"
    if film.is_film(output):
        film.check_ffmpeg(output)
        places.check_writable(output, read)
        read.append(output)  # taken: no folder of frames can be there
    else:
        own = output.suffix.lower()
        if own in (*clip.ENDINGS, *images.EXTENSIONS) and not output.is_dir():
            raise ValueError(
                f"{output}: {reason}, so a {own} file cannot be its cut-out; "
                "end it in .mov or .webm, or give a folder for the frames"
            )
        written.insert(0, output)
        places.check_ending(Path(f"OUTPUT/*{ending}"), is_composite)
    places.check_folders(read, written, reason)
