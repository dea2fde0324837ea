"""Faults of real life in folders, pictures, TFDS and arrays: right, or a remedy."""

import io
import re
import shutil
import struct

import keras
import numpy as np
import pytest
from odd_pictures import ORIENTATION, SOUND, halves, saved
from PIL import Image

from tlcourse import data
from tlcourse.data import Dataset, decoding, folders

SIZE = (8, 8)
NOISE = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
NAMES, LABELS = ("a", "b"), np.arange(4) % 2


def fill(folder, *names):
    """Writes a small PNG for each name, of a colour that no other name gives."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            keras.utils.save_img(path, np.full((9, 9, 3), 70 + number), scale=False)
        else:
            path.write_text("x,y\n")
    return folder


def refusal(call, *arguments, **options):
    with pytest.raises(ValueError, match="Expected.*Received") as caught:
        call(*arguments, **options)
    return str(caught.value)


# 1: labels travel without their names


@pytest.mark.fault(1)
@pytest.mark.parametrize("others", [("ant/0.png", "cat/1.png"), ("cat/1.png",)])
def test_given_class_names_fix_the_labels_also_of_what_is_missing(tmp_path, others):
    learn, _ = data.load_folder(
        fill(tmp_path / "train", "ant/0.png", "bee/0.png", "cat/0.png"), SIZE
    )
    fill(tmp_path / "test", *others)
    (tmp_path / "test" / "bee").mkdir()
    names = learn.class_names
    found, report = data.load_folder(tmp_path / "test", SIZE, class_names=names)
    learn.check_classes(found)
    assert found.labels.tolist() == [0, 2][-len(others) :]
    assert "bee; they stay" in str(report)


@pytest.mark.fault(1)
@pytest.mark.parametrize("name", ["Ant", "ant ", "dog", "0"])
def test_folders_that_are_not_of_the_class_names_are_refused(tmp_path, name):
    fill(tmp_path, "bee/0.png", f"{name}/1.png")
    said = refusal(data.load_folder, tmp_path, SIZE, class_names=["ant", "bee"])
    assert repr(name) in said and "'ant', 'bee'" in said
    for wrong in ("ab", [0, 1], [], ["a", "a"], 3):
        refusal(data.load_folder, tmp_path, SIZE, class_names=wrong)


@pytest.mark.fault(1)
@pytest.mark.parametrize("names", [("b", "a"), ("A", "b"), ("a",), ("a", "b", "c")])
def test_datasets_of_other_class_names_are_refused(names):
    first = Dataset(NOISE, LABELS, list(NAMES))
    first.check_classes(Dataset(NOISE, LABELS, NAMES), first.take([0]))
    other = Dataset(NOISE, LABELS * 0, names)
    assert "class_names=first.class_names" in refusal(first.check_classes, first, other)


# 2: parts of a dataset read as classes


PARTS = {
    "table": ["train/a/0.png", "train/b/0.png", "test/a/0.png", "labels/y.csv"],
    "notes": ["train/a/0.png", "train/b/0.png", "val/a/0.png", "docs/y.txt"],
    "years": ["train2017/a/0.png", "train2017/b/0.png", "val2017/a/0.png"],
    "words": ["Train_Images/a/0.png", "TestSet/a/0.png", "TestSet/b/0.png"],
    "flat": ["training/a/0.png", "training/b/0.png", "unseen/0.png", "x/0.png"],
    "folds": ["fold1/a/0.png", "fold1/b/0.png", "fold2/a/0.png", "fold2/b/0.png"],
    "domains": ["trainA/0.png", "trainB/0.png", "testA/0.png", "testB/0.png"],
    "short": ["trn/a/0.png", "trn/b/0.png", "tst/a/0.png", "tst/b/0.png"],
    "truth": ["img/0.png", "gt/0.png"],
    "boxes": ["images/0.png", "annotations/0.xml"],
}


@pytest.mark.fault(2)
@pytest.mark.parametrize("kind", PARTS)
def test_parts_of_a_dataset_are_not_classes(tmp_path, kind):
    said = refusal(data.load_folder, fill(tmp_path, *PARTS[kind]), SIZE)
    assert "parts of a dataset" in said
    assert ("such as '" in said) == any(name.count("/") > 1 for name in PARTS[kind])
    if "such as '" in said:  # the remedy works
        data.load_folder(said.split("such as '")[1].split("'")[0], SIZE)


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    "names",
    [
        ("test tube", "flask"),
        ("train", "bus", "car"),
        ("mask", "no mask"),
        ("setter", "boxer", "partridge"),
        ("drawings", "photos"),
        ("valley", "contest"),
    ],
)
def test_classes_that_sound_like_parts_are_read(tmp_path, names):
    fill(tmp_path, *(f"{name}/{side}/0.png" for name in names for side in "lr"))
    found, report = data.load_folder(tmp_path, SIZE)
    assert set(found.class_names) == set(names)
    assert "the folders l and r are in each of" in str(report)  # said, not refused


@pytest.mark.fault(2)
def test_parts_that_are_classes_are_read_once_they_are_named(tmp_path):
    fill(tmp_path, "test/0.png", "train/0.png")
    refusal(data.load_folder, tmp_path, SIZE)
    data.load_folder(tmp_path, SIZE, class_names=["test", "train"])


# 4: range taken from the container


def deep(top, dtype="uint16", kind="TIFF", **options):
    levels = np.random.default_rng(0).integers(0, top + 1, (40, 40))
    return saved(Image.fromarray(levels.astype(dtype)), kind, **options)


@pytest.mark.fault(4)
@pytest.mark.parametrize("top, kind", [(1023, "PNG"), (4095, "TIFF"), (16383, "PNG")])
def test_levels_that_leave_most_of_the_range_empty_are_noticed(tmp_path, top, kind):
    for name in ("a/0.x", "b/0.x"):
        fill(tmp_path, name.replace("0.x", "note.txt"))
        (tmp_path / name).write_bytes(deep(top, kind=kind))
    report = str(data.load_folder(tmp_path, SIZE)[1])
    assert "nearly black images: 2, such as a/0.x" in report and "// 16" in report


@pytest.mark.fault(4)
def test_levels_that_say_how_many_bits_they_have_fill_the_range():
    pgm = b"P5 40 40 4095\n" + deep(4095)[-3200:]
    for content in (deep(65535), pgm, deep(255, "float32"), deep(1, "float32")):
        image, _ = folders.read_picture(content, (40, 40))
        assert image.max() > 240 and image.min() < 15


# 5: a recipe for another case than the one received


RECEIVED = {
    "floats 0..255": NOISE.astype("float32"),
    "fractions 0..255": NOISE * np.float32(0.999),
    "0..1": NOISE / np.float32(255),
    "-1..1": NOISE / 127.5 - 1,
    "int64": NOISE.astype("int64"),
    "uint16": NOISE.astype("uint16") * 257,
    "12 bits": NOISE.astype("uint16") * 16,
    "over": (NOISE * 1.02 - 2).astype("float32"),
    "channels first": np.moveaxis(NOISE, -1, 1),
    "bool": np.repeat(NOISE[..., :1] > 128, 3, axis=-1),
    "one channel": NOISE[..., :1],
    "grey": NOISE[..., 0],
    "alpha": np.concatenate([NOISE, NOISE[..., :1]], axis=-1),
}


@pytest.mark.fault(5)
@pytest.mark.parametrize("kind", RECEIVED)
def test_the_recipe_makes_raw_pixels_of_what_was_received(kind):
    images = RECEIVED[kind]
    recipe = refusal(data.check_images, images).split("`")[-2]
    made = eval(recipe, {"np": np, "images": images})
    data.check_images(made)
    wanted = NOISE
    if kind in ("bool", "grey", "one channel"):
        wanted = np.repeat(NOISE[..., :1], 3, axis=-1)
        wanted = (wanted > 128) * 255 if kind == "bool" else wanted
    assert np.abs(made.astype(int) - wanted).max() <= 4


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    "images", [NOISE[0], NOISE[0, ..., 0], np.moveaxis(NOISE[0], -1, 0)]
)
def test_the_recipe_for_one_image_works(images):
    recipe = refusal(data.check_images, images).split("`")[-2]
    data.check_images(eval(recipe, {"np": np, "image": images}))


@pytest.mark.fault(5)
def test_what_no_recipe_helps_is_said():
    assert "NaN" in refusal(data.check_images, NOISE * np.nan)
    for odd in (NOISE - 120.0, (NOISE / 255 - 0.45) / 0.22, NOISE / 127.5):
        assert "load them again" in refusal(data.check_images, odd)
    assert "one size" in refusal(data.check_images, [NOISE[0], NOISE[0, :4]])
    pixels = NOISE.astype("float32")
    for other in ([*NOISE], keras.ops.array(pixels), keras.ops.array(NOISE)):
        assert "`np.asarray(images)`" in refusal(data.check_images, other)


# 9: unknown to us is not broken


def tiff(bands, bits=8, kind=1):
    """A sound TIFF of noise with any number of bands, which Pillow cannot write."""
    size, start = 64 * bands * bits // 8, 8 + 2 + 12 * 10 + 4
    more = start + size  # where lists of more than two numbers stand
    tags = {256: 8, 257: 8, 258: bits, 259: 1, 262: 1, 273: start}
    tags |= {277: bands, 278: 8, 279: size, 339: kind}
    out = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, value in tags.items():
        count = bands if tag in (258, 339) else 1
        value = more + (2 * bands if tag == 339 else 0) if count > 2 else value
        value = (
            struct.pack("<HH", value, value) if count == 2 else struct.pack("<I", value)
        )
        out += struct.pack("<HHI", tag, 3 if tag != 273 and tag != 279 else 4, count)
        out += value
    lists = struct.pack(f"<{bands}H", *[bits] * bands)
    return (
        out
        + bytes(4)
        + bytes(size)
        + lists
        + struct.pack(f"<{bands}H", *[kind] * bands)
    )


def array_file():
    target = io.BytesIO()
    np.save(target, NOISE)
    return target.getvalue()


UNREAD = {
    "13 bands of 8 bits": tiff(13),
    "5 bands of 16 bits": tiff(5, 16),
    "3 bands of 16 bits": tiff(3, 16),
    "1 bands of 64 bits, floats": tiff(1, 64, 3),
    "NumPy array": array_file(),
    "DICOM": bytes(128) + b"DICM" + bytes(40),
    "PDF": b"%PDF-1.4\n",
    "raw photograph": saved(halves(), "TIFF", tiffinfo={50706: b"\1\4\0\0"}),
    "PostScript": b"%!PS-Adobe-3.0",
    "film": bytes(4) + b"ftypisom" + bytes(40),
    "icon": saved(halves(), "ICO"),
    "TGA": saved(halves(), "TGA"),
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
    "an archive": b"\x1f\x8b" + bytes(30),
    "HDF5": b"\x89HDF\r\n",
}


@pytest.mark.fault(9)
@pytest.mark.parametrize("kind", UNREAD)
def test_a_file_of_another_kind_is_named_and_not_called_broken(kind):
    with pytest.raises(folders.UnreadablePicture, match=f"that we read: .*{kind}"):
        folders.read_picture(UNREAD[kind], SIZE)


Image.init()
WRITTEN = {*Image.SAVE}  # AVIF and JPEG 2000 are not in every Pillow
assert {"PNG", "PPM", "TIFF", "SGI"} <= WRITTEN


@pytest.mark.fault(9)
@pytest.mark.parametrize("kind", sorted({*decoding.FORMATS} & WRITTEN))
def test_what_pillow_reads_is_read(kind):
    image, _ = folders.read_picture(saved(halves(), kind), (16, 16))
    assert image[2].mean(0) == pytest.approx((220, 30, 30), abs=12)
    for mode in "1L" if kind == "PPM" else "":  # PBM and PGM
        grey = saved(halves().convert(mode), kind)
        assert folders.read_picture(grey, SIZE)[0].shape == (8, 8, 3)


# 6: learnt one way, used another


@pytest.mark.fault(6)
def test_the_saved_reader_gives_the_pixels_of_load_folder(tmp_path):
    noise, note = np.random.default_rng(0).integers(0, 256, (50, 80, 4)), Image.Exif()
    glass = Image.fromarray(noise.astype("uint8"))
    files = {name: SOUND[name][0] for name in list(SOUND)[-24:]}
    files["glass.png"] = saved(glass, "PNG")
    for note[ORIENTATION] in (1, 3, 6, 8):
        lying = saved(glass.convert("RGB"), "JPEG", exif=note)
        files[f"side{note[ORIENTATION]}.jpg"] = lying
    for name, content in files.items():
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_bytes(content)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    dataset, report = data.load_folder(tmp_path, SIZE)
    data.save_reader(tmp_path / "reader.py")
    text, reader = (tmp_path / "reader.py").read_text(), {}
    assert "tlcourse" not in text
    exec(text, reader)
    assert len(report.files) == 2 * len(files)
    for image, name in zip(dataset.images, report.files, strict=True):
        np.testing.assert_array_equal(
            reader["read_image"](tmp_path / name, SIZE), image
        )


# 10: remedies that do not fit


@pytest.mark.fault(10)
def test_the_advice_about_uneven_classes_is_of_keras(tmp_path):
    fill(tmp_path, *(f"a/{k}.png" for k in range(9)), "b/0.png")
    photos, report = data.load_folder(tmp_path, SIZE)
    assert "`class_weight` in Keras's own `model.fit`" in str(report)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(photos.images, photos.labels, class_weight={0: 1.0, 1: 9.0}, verbose=0)


# 11: arguments used before they are checked


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "sizes, remedy",
    [
        ([0.8, 0.2], "[80, 20]"),
        (0.8, "[80]"),
        ([0.5, 0.25, 0.25], "[50, 25, 25]"),
        (80, "[75, 25]"),
        ([1, 1.0], "[75, 25]"),
        (["80"], "[75, 25]"),
        ([-1, 4], "[75, 25]"),
        (None, "[75, 25]"),
        ([True], "[75, 25]"),
        ([2.5, 7], "[75, 25]"),
    ],
)
def test_sizes_of_a_split_are_whole_numbers_of_images(sizes, remedy):
    dataset = Dataset(np.tile(NOISE, (25, 1, 1, 1)), np.tile(LABELS, 25), NAMES)
    assert remedy in refusal(data.split, dataset, sizes)
    pair = (dataset, "report")
    assert "photos, report" in refusal(data.split, pair, [1, 1])
    assert "photos, report" in refusal(dataset.check_classes, pair)
    assert "photos, report" in refusal(data.save_folder, pair, "new")


@pytest.mark.fault(11)
def test_lists_of_labels_and_names_are_taken():
    dataset = Dataset(NOISE, [0, 1, 1, 0], ["a", "b"])
    assert dataset.labels.dtype == "int64" and dataset.class_names == ("a", "b")


WRONG_LABELS = {
    "strings": ["a", "b", "b", "a"],
    "one-hot": np.eye(2)[LABELS],
    "column": LABELS[:, None],
    "floats": LABELS.astype("float32"),
    "bools": LABELS > 0,
    "from 1": LABELS + 1,
    "list of floats": [0.0, 1.0, 0.0, 1.0],
    "list of columns": [[0], [1], [0], [1]],
    "list from 1": [1, 2, 1, 2],
    "objects": LABELS.astype(object),
    "bytes": [b"a", b"b", b"b", b"a"],
}


@pytest.mark.fault(11)
@pytest.mark.parametrize("kind", WRONG_LABELS)
def test_the_recipe_makes_labels_of_what_was_received(kind):
    labels = WRONG_LABELS[kind]
    recipe = refusal(Dataset, NOISE, labels, NAMES).split("`")[-2]
    Dataset(
        NOISE, eval(recipe, {"labels": labels, "class_names": NAMES, "np": np}), NAMES
    )


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "labels, said",
    [
        ([0, -1, 1, 0], "no label"),
        ([0, np.nan, 1, 0], "no label"),
        ([0, 1], "each image its label"),
        (None, "each image its label"),
        ([[0], [0, 1], [1], [1]], "not several"),
        ([[1, 1], [0, 1], [1, 0], [0, 0]], "not several"),
        ([0.5, 1.7, 3.2, 4.1], "does not predict quantities"),
        ([0, 1, 2, 0], "Name all classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_the_reason(labels, said):
    assert said in refusal(Dataset, NOISE, labels, NAMES)


@pytest.mark.fault(11)
def test_names_draws_and_memory_of_a_wrong_kind_are_refused(tmp_path):
    for names in ("ab", [0, 1], None, ["a", "a"], []):
        refusal(Dataset, NOISE, LABELS, names)
    for per_class in (0, 2.5, "2", True, None):
        refusal(Dataset(NOISE, LABELS, NAMES).few, per_class)
    assert "none of c" in refusal(Dataset(NOISE, LABELS, [*"abc"]).few, 1)
    fill(tmp_path, "a/0.png", "b/0.png")
    refusal(data.load_folder, tmp_path, SIZE, memory="1 GB")


# 12: not supported and not said


@pytest.mark.fault(12)
@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG"])
def test_pages_and_frames_that_are_not_read_are_noticed(tmp_path, kind):
    fill(tmp_path, "a/0.png", "b/0.png")
    pages = [halves(side=20 + k) if kind == "TIFF" else halves(k) for k in range(3)]
    content = saved(halves(), kind, save_all=True, append_images=pages)
    (tmp_path / "a" / "pages.x").write_bytes(content)
    report = data.load_folder(tmp_path, SIZE)[1]
    assert "several pages or frames: 1, such as a/pages.x" in str(report)


@pytest.mark.fault(12)
def test_pictures_side_by_side_get_lines_that_sort_them(tmp_path, monkeypatch):
    flat = fill(tmp_path / "flat", "0.png", "1.png")
    (flat / "labels.csv").write_text("file,label\n0.png,cat\n1.png,dog\n")
    said = refusal(data.load_folder, flat, SIZE)
    monkeypatch.chdir(tmp_path)
    exec(said.split("\n\n")[1])
    assert data.load_folder("sorted", SIZE)[0].class_names == ("cat", "dog")
    fill(tmp_path / "one", "cat/0.png")
    assert "something else" in refusal(data.load_folder, tmp_path / "one", SIZE)


@pytest.mark.fault(12)
@pytest.mark.parametrize("path", ["C:\new\test", "D:\bees\ants", "C:\flowers\van"])
def test_a_path_with_backslashes_that_python_took_is_explained(path):
    with pytest.raises(FileNotFoundError, match=r'written r"\w:\\\w+\\\w+"'):
        data.load_folder(path, SIZE)


@pytest.mark.fault(11)
@pytest.mark.parametrize("labels", [[0, -1, 1, 0], [0, np.nan, 1, 0]])
def test_the_recipe_leaves_out_images_without_a_label_and_their_labels(labels):
    images, _, rest = refusal(Dataset, NOISE, labels, NAMES).split("`")[-4:-1]
    known = {"np": np, "images": NOISE, "labels": labels}
    assert len(Dataset(eval(images, known), eval(rest, known), NAMES)) == 3


@pytest.mark.fault(11)
@pytest.mark.parametrize("memory", [float("nan"), -1, 0, "1 GB"])
def test_memory_is_a_number_of_bytes(tmp_path, memory):
    fill(tmp_path, "a/0.png", "b/0.png")
    refusal(data.load_folder, tmp_path, SIZE, memory=memory)


# What a last look found


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    "names",
    [
        ("train", "test", "cat", "dog"),
        ("labeled", "unlabeled"),
        ("HR", "LR"),
        ("part1", "part2"),
        ("fold_1", "fold_2", "fold_3"),
    ],
)
def test_parts_that_hold_pictures_themselves_are_no_classes(tmp_path, names):
    fill(tmp_path, *(f"{name}/{k}.png" for name in names for k in range(2)))
    with pytest.raises(ValueError, match="parts of a dataset"):
        data.load_folder(tmp_path, SIZE)
    dataset, _ = data.load_folder(tmp_path, SIZE, class_names=names)
    assert len(dataset) == 2 * len(names)


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    "names", [("train", "bus"), ("part", "whole"), ("data", "ink")]
)
def test_a_word_for_a_part_may_be_a_class(tmp_path, names):
    fill(tmp_path, *(f"{name}/{k}.png" for name in names for k in range(2)))
    assert set(data.load_folder(tmp_path, SIZE)[0].class_names) == {*names}


@pytest.mark.fault(1)
def test_an_accent_of_its_own_is_the_same_name(tmp_path):
    one, two = "caf\u00e9", "cafe\u0301"
    fill(tmp_path, f"{two}/0.png", "tea/0.png")
    found, _ = data.load_folder(tmp_path, SIZE)
    assert found.class_names == (one, "tea")
    for name in (one, two):
        again, _ = data.load_folder(tmp_path, SIZE, class_names=(name, "tea"))
        found.check_classes(again)
    with pytest.raises(ValueError, match="that differ"):
        data.Dataset(found.images, found.labels, (one, two))


@pytest.mark.fault(4)
@pytest.mark.parametrize("top", [1, 255])
def test_a_float_picture_a_little_beyond_its_range_is_not_black(top):
    levels = np.tile(np.linspace(0, 1.03 * top, 16, dtype="float32"), (16, 1))
    image, _ = folders.read_picture(saved(Image.fromarray(levels), "TIFF"), (16, 16))
    assert image.max() == 255 and 110 < image.mean() < 145


@pytest.mark.fault(5)
def test_masked_labels_are_refused_and_the_remedy_works():
    images, names = np.zeros((3, 8, 8, 3), "uint8"), ("a", "b")
    labels = np.ma.array([0, 7, 1], mask=[False, True, False])
    with pytest.raises(ValueError, match="1 that are masked") as caught:
        data.Dataset(images, labels, names)
    scope = {"np": np, "images": images, "labels": labels}
    remedies = re.findall("`(.*?)`", str(caught.value))
    kept = data.Dataset(*(eval(remedy, scope) for remedy in remedies), names)
    assert kept.labels.tolist() == [0, 1]


@pytest.mark.fault(5)
def test_a_seed_and_a_new_folder_are_asked_for_in_words():
    dataset = data.Dataset(np.zeros((2, 8, 8, 3), "uint8"), np.arange(2), ("a", "b"))
    with pytest.raises(ValueError, match="Expected `seed`, a whole number"):
        dataset.few(1, seed="x")
    for path in (None, "", 3):
        with pytest.raises(ValueError, match="name of a new folder"):
            data.save_folder(dataset, path)
