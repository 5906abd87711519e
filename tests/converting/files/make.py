"""Makes the TFLite files of this folder: ``python tests/converting/files/make.py``, with the extra ``tensorflow``."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def two_heads() -> None:
    """Two inputs and two outputs, their places not those of their names, and the batch open."""
    import keras
    import numpy as np
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    picture, scale = keras.Input((6, 6, 1), name="picture"), keras.Input((1,), name="a_scale")
    body = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, activation="relu")(picture))
    logits = keras.layers.Dense(3, name="logits")(body)
    model = keras.Model([picture, scale], {"scaled": keras.layers.Multiply()([logits, scale]), "body": body})

    def named(picture: tf.Tensor, a_scale: tf.Tensor) -> dict[str, tf.Tensor]:
        return model([picture, a_scale])

    specs = [tf.TensorSpec((None, 6, 6, 1), name="picture"), tf.TensorSpec((None, 1), name="a_scale")]
    function = tf.function(named, input_signature=specs, autograph=False)
    holder = tf.Module()
    holder.function, holder.weights = function, [each.value for each in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    (HERE / "two_heads.tflite").write_bytes(converter.convert())
    given = np.random.default_rng(0).random((2, 6, 6, 1), np.float32), np.float32([[2], [-3]])
    found = model(list(given))
    np.savez(HERE / "two_heads.npz", picture=given[0], a_scale=given[1], scaled=found["scaled"], body=found["body"])


if __name__ == "__main__":
    two_heads()
