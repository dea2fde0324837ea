"""Images and labels: the `Dataset`, and where it comes from."""

from tlcourse.data.checking import check_images
from tlcourse.data.counting import load_counting
from tlcourse.data.dataset import Dataset, draw_few, split
from tlcourse.data.folders import load_folder, save_folder, save_reader
from tlcourse.data.glyphs import load_digits, load_glyph_archive, load_glyphs
from tlcourse.data.tfds_datasets import load_tfds

__all__ = [
    "Dataset",
    "check_images",
    "draw_few",
    "load_counting",
    "load_digits",
    "load_folder",
    "load_glyph_archive",
    "load_glyphs",
    "load_tfds",
    "save_folder",
    "save_reader",
    "split",
]
