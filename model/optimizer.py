"""Adam whose learning rate is lower where a network was pretrained."""

from collections.abc import Iterable

import keras


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
