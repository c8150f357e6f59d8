"""The fixed validation pairs: each measured with averaged and with raw weights."""

import numpy as np

from model import board, metrics, predict
from model.cluster import Alone
from model.gan import MattingGAN
from model.history import History

SHOWN_PAIRS = 4  # that TensorBoard shows


class Validation:
    """Measures the generator of a run."""

    def __init__(
        self,
        gan: MattingGAN,
        pairs: list[dict],
        history: History,
        has_others: bool = False,
    ):
        """Joins the parts.

        Args:
            gan: The networks.
            pairs: As `dataset.validation_pairs` gives them; may be empty.
            history: Where each picture's figures are told, and a few are shown.
            has_others: Whether other processes train too, which do not take part.
        """
        self.gan = gan
        self.generator, self.discriminator = gan.generator, gan.discriminator
        if has_others:
            self.generator = Alone(gan.generator)
            self.discriminator = Alone(gan.discriminator)
        self.pairs = pairs
        self.history = history

    def measure(self, step: int, phase: str) -> dict[str, float]:
        """Measures on all pairs, with the weights that are shipped and the raw ones.

        Args:
            step: How many batches have been seen.
            phase: The phase of the last of them.

        Returns:
            Means by the names of the history's columns; none without pairs.

        Raises:
            FloatingPointError: If an alpha is no number.
        """
        if not self.pairs:
            return {}
        kind = "averaged" if self.gan.is_averaging else "raw"
        with self.gan.averaged():
            shipped = [self._measure_shipped(pair) for pair in self.pairs]
            self._show(step, phase, [alpha for _, alpha in shipped])
        rows = [{"weights": kind, **row} for row, _ in shipped]
        names = {f"val_{name}": name for name in ("sad", "mse", "foreground")}
        means = {
            column: float(np.nanmean([row[name] for row in rows]))
            for column, name in names.items()
        }
        if self.gan.is_averaging:
            raw = [self._measure_raw(pair) for pair in self.pairs]
            for name in ("sad", "mse"):
                means[f"val_raw_{name}"] = float(np.mean([row[name] for row in raw]))
            rows += [{"weights": "raw", **row} for row in raw]
        self.history.write_validation(step, rows)
        return means

    def _measure_shipped(self, pair: dict) -> tuple[dict, np.ndarray]:
        """Measures alpha and colours of one pair; gives the alpha too."""
        matte = predict.finish(pair["image"], self._predict(pair))
        errors = metrics.foreground_error(
            pair["foreground"], matte.foreground, pair["alpha"]
        )
        figures = measure_alpha(pair, matte.alpha)
        return figures | {"foreground": float(errors["fractional"])}, matte.alpha

    def _measure_raw(self, pair: dict) -> dict:
        return measure_alpha(pair, self._predict(pair)["alpha"])

    def _predict(self, pair: dict) -> dict[str, np.ndarray]:
        """Runs the generator on one pair.

        Raises:
            FloatingPointError: If what it gives is no number.
        """
        outputs = predict.run(self.generator, pair["image"], pair["trimap"])
        if not np.isfinite(outputs["alpha"]).all():
            raise FloatingPointError(f"validation: {pair['name']}: alpha is not finite")
        return outputs

    def _show(self, step: int, phase: str, alphas: list[np.ndarray]) -> None:
        """Puts the first pairs into TensorBoard."""
        shown = list(zip(self.pairs, alphas, strict=True))[:SHOWN_PAIRS]
        for pair, alpha in shown:
            name, picture = pair["name"], self.history.board.picture
            picture(step, f"validation/{name}", board.panel(pair, alpha))
            if phase != "generator":
                maps = board.patches(pair, alpha, self.discriminator)
                picture(step, f"discriminator/{name}", maps)


def measure_alpha(pair: dict, alpha: np.ndarray) -> dict:
    """Measures one alpha.

    Args:
        pair: `name`, `alpha` and `trimap` (H, W).
        alpha: (H, W) float32 in [0, 1], predicted.

    Returns:
        `name`, and `sad` (thousands) and `mse` over the unknown region.
    """
    return {
        "name": pair["name"],
        "sad": float(metrics.sad(pair["alpha"], alpha, pair["trimap"])),
        "mse": float(metrics.mse(pair["alpha"], alpha, pair["trimap"])),
    }
