"""Data sets as tensorflow-datasets prepares them, made on the spot from PNG files."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(content, "png")
    return content.getvalue()


def prepare(
    folder: Path,
    name: str,
    images: dict[str, Sequence[np.ndarray]],
    labels: dict[str, Sequence[int]] | None = None,
    class_names: Sequence[str] = (),
    shape: tuple[int | None, ...] | None = None,
) -> str:
    """Prepare a data set as array_record with these splits, and give its name.

    Its images declare the shape of the first one unless another is given.
    """

    title = name
    with tfds.core.registered.skip_registration():

        class Made(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")
            name = title
            pkg_dir_path = folder

            def _info(self):
                declared = shape or next(iter(images.values()))[0].shape
                features = {"image": tfds.features.Image(shape=declared, encoding_format="png")}
                if labels is not None:
                    features["label"] = tfds.features.ClassLabel(names=list(class_names))
                features = tfds.features.FeaturesDict(features)
                return tfds.core.DatasetInfo(builder=self, description=name, features=features)

            def _split_generators(self, dl_manager):
                return {split: self._examples(split) for split in images}

            def _generate_examples(self):
                raise NotImplementedError

            def _examples(self, split):
                for number, image in enumerate(images[split]):
                    example = {"image": png(image)}
                    if labels is not None:
                        example["label"] = int(labels[split][number])
                    yield number, example

    Made(data_dir=folder, file_format="array_record").download_and_prepare()
    return name
