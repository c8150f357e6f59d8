"""Adam that is gentle on what was pretrained; the scale of a loss in float16."""

from collections.abc import Iterable

import keras
import tensorflow as tf

FIRST_SCALE = 2.0**15
PATIENCE = 2000  # batches without an overflow after which the scale doubles


@keras.saving.register_keras_serializable("matting")
class GentleAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba, ICLR 2015) with a lower rate for some weights.

    What a pretrained encoder has learned would be lost at the rate that fresh
    layers need; and scaling the gradients instead would change nothing in Adam.
    """

    def __init__(self, *args, gentle: Iterable[str] = (), share: float = 0.1, **kwargs):
        """Remembers the weights to treat gently.

        Args:
            *args: As of Adam.
            gentle: Beginnings of the paths of those weights.
            share: Their learning rate as a share of that of the others.
            **kwargs: As of Adam.
        """
        super().__init__(*args, **kwargs)
        self.gentle = tuple(gentle)
        self.share = share

    def build(self, variables):
        super().build(variables)
        self._shares = [
            self.share if self.gentle and variable.path.startswith(self.gentle) else 1.0
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        share = self._shares[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * share)

    def get_config(self) -> dict:
        return super().get_config() | {"gentle": self.gentle, "share": self.share}


class LossScale(tf.Module):
    """The factor of a loss that keeps its gradients in the range of float16.

    As in Micikevicius et al., "Mixed Precision Training" (ICLR 2018), Sec. 3.2: large,
    halved whenever a gradient overflows and doubled after a while without. (Keras has
    it too, but only for gradients that the replicas have not yet summed.)

    Attributes:
        factor: float32 scalar variable.
    """

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(FIRST_SCALE, trainable=False, name="factor")
        self.calm = tf.Variable(0, trainable=False, name="calm")  # batches

    def lower(self) -> bool:
        """Halves it after an overflow; gives False where that cannot help."""
        self.factor.assign(self.factor / 2)
        self.calm.assign(0)
        return bool(self.factor.numpy() >= 1)

    def keep(self) -> None:
        """Counts a batch without an overflow."""
        self.calm.assign_add(1)
        if self.calm.numpy() == PATIENCE:
            self.factor.assign(2 * self.factor)
            self.calm.assign(0)
