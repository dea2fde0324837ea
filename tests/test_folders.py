"""A folder of images: what is read, what is skipped, what is said."""

import functools
import os
import re
import tracemalloc
import warnings
from unittest import mock

import numpy as np
import odd_pictures
import pytest
from odd_pictures import BROKEN, SOUND
from PIL import Image

from tlcourse import data
from tlcourse.data import folder_search, folders
from tlcourse.data.folder_report import HIDDEN, printable

SIZE = (32, 32)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def picture(number):
    """A PNG of a colour that no other number gives."""
    colour = (40 + number % 200, 60, 90 + number // 200)
    return odd_pictures.saved(Image.new("RGB", (40, 40), colour), "PNG")


def fill(folder, n, start=0):
    for number in range(start, start + n):
        write(folder / f"{number:03}.png", picture(number))


@pytest.fixture
def photos(tmp_path):
    """A folder of the classes a and b with two pictures each."""
    folder = tmp_path / "photos"
    fill(folder / "a", 2)
    fill(folder / "b", 2, start=5)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """All odd pictures as one class, four plain ones as another."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, (content, *_) in (SOUND | BROKEN).items():
        write(folder / "odd" / name, content)
    fill(folder / "plain", 4)
    return data.load_folder(folder, SIZE)


@pytest.mark.parametrize("name", SOUND, ids=lambda name: ascii(name)[:40])
def test_a_sound_picture_of_any_kind_shows_what_it_shows(corpus, name):
    dataset, report = corpus
    image = dataset.images[report.files.index(f"odd/{printable(name)}")]
    _, above, below = SOUND[name]
    assert image[:9].mean((0, 1)) == pytest.approx(above, abs=12)
    assert image[23:].mean((0, 1)) == pytest.approx(below, abs=12)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_or_odd_file_is_skipped_and_named_with_the_reason(corpus, name):
    assert re.search(BROKEN[name][1], dict(corpus[1].skipped)[f"odd/{name}"])


def test_every_file_is_either_read_or_listed(corpus):
    dataset, report = corpus
    assert dataset.images.shape == (len(SOUND) + 4, *SIZE, 3)
    assert len(report.files) == len(dataset)
    assert len(report.skipped) == len(BROKEN)
    assert report.counts == {"odd": len(SOUND), "plain": 4}
    text = str(report)  # on any terminal, line by line
    assert "odd/two\\nlines.png" in report.files
    assert all(line.isprintable() for line in text.splitlines())
    assert "odd/bad_sum.png: broken" in text
    assert "more: `.skipped`" in text


@pytest.mark.parametrize("name", odd_pictures.ENORMOUS)
def test_a_bomb_is_refused_before_it_is_decoded(name):
    tracemalloc.start()
    with pytest.raises(folders.UnreadablePicture), warnings.catch_warnings():
        warnings.simplefilter("error")
        folders.read_picture(BROKEN[name][0], SIZE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_broken_picture_says_nothing_on_stderr(capfd):
    """A TIFF whose compressed pixels are lost, at which the C library complains."""
    content = SOUND["lzw.tiff"][0]
    with pytest.raises(folders.UnreadablePicture):
        folders.read_picture(content[:8] + b"\xff" * 60 + content[68:], SIZE)
    assert capfd.readouterr() == ("", "")


def test_links_are_not_followed_out_of_the_folder(photos):
    fill(photos.parent / "outside", 1, start=90)
    links = {
        "a/out.png": (photos.parent / "outside" / "090.png", "outside"),
        "a/up.png": ("../../outside/090.png", "outside"),
        "class_out": (photos.parent / "outside", "outside"),
        "a/back": ("..", "link to a folder"),
        "class_inside": (photos / "a", "link to a folder"),
        "a/nothing": ("no_such_file", "cannot be opened"),
        "a/loop": ("loop", "cannot be opened"),
    }
    for name, (target, _) in links.items():
        os.symlink(target, photos / name)
    os.symlink(photos / "b" / "005.png", photos / "a" / "inside.png")
    os.symlink(photos, photos.parent / "link")  # the folder itself may be one
    report = data.load_folder(photos.parent / "link", SIZE)[1]
    reasons = dict(report.skipped)
    assert set(reasons) == set(links)
    assert all(part in reasons[name] for name, (_, part) in links.items())
    assert report.counts == {"a": 3, "b": 2}


def test_what_is_no_picture_of_a_class_is_listed_and_not_waited_for(photos):
    os.mkfifo(photos / "a" / "pipe.jpg")
    write(photos / "loose.png", picture(9))
    with open(photos / "a" / "huge.jpg", "wb") as file:
        file.truncate(folder_search.MAX_BYTES + 1)
    with open(os.fsencode(photos) + b"/a/caf\xe9.png", "wb") as file:
        file.write(picture(60))
    hidden = ".DS_Store a/.DS_Store a/._000.png b/Thumbs.db b/desktop.ini".split()
    hidden += ["__MACOSX/x.png", ".git/config", "a/.ipynb_checkpoints/000.png"]
    for name in hidden:
        write(photos / name, picture(50))
    dataset, report = data.load_folder(photos, SIZE)
    reasons = [str(each) for each in report.skipped if each.reason != HIDDEN]
    assert len(reasons) == 3 and len(dataset) == 5
    assert reasons[0].startswith("a/huge.jpg: enormous: 256 MB")
    assert reasons[1].startswith("a/pipe.jpg: no file, but a pipe")
    assert reasons[2] == "loose.png: not in the folder of a class"
    assert len(report.skipped) == 3 + len(hidden)
    assert "a/caf\\udce9.png" in report.files
    assert re.search(r"(?s)Skipped:\n.*pipe.*as it should be:\n.*\.DS", str(report))
    str(report).encode()


@pytest.mark.parametrize("name", ["a/000.png", "a/deep", "c"])
def test_what_may_not_be_read_is_listed(photos, monkeypatch, name):
    """The system refuses it, also to the superuser."""

    def guarded(function):
        def call(path, *arguments):
            if str(path).endswith(name):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *arguments)

        return call

    fill(photos / "a" / "deep", 1, start=9)
    fill(photos / "c", 1, start=20)
    monkeypatch.setattr(folder_search.os, "scandir", guarded(os.scandir))
    monkeypatch.setattr(folder_search, "open", guarded(open), raising=False)
    skipped = data.load_folder(photos, SIZE)[1].skipped
    assert skipped == ((name, "cannot be opened: Permission denied"),)


def test_a_folder_without_an_image_is_no_class(photos, monkeypatch, capsys):
    monkeypatch.setattr(folders, "bar", functools.partial(folders.bar, delay=0))
    (photos / "0").mkdir()
    write(photos / "aa" / "broken.jpg", b"")
    dataset, report = data.load_folder(photos, SIZE)
    assert dataset.class_names == ("a", "b")
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    assert "no image can be read in 0 and aa; left out" in str(report)
    shown = capsys.readouterr().out
    assert "4 images of 2 classes read; 1 skipped" in shown
    assert re.search("Reading: 100%.* 4 of 4 images", shown)  # ends full


def test_an_orderly_folder_gives_nothing_to_look_at_and_is_sorted(tmp_path, capsys):
    fill(tmp_path / "b" / "inner", 12, start=20)
    fill(tmp_path / "a", 10)
    dataset, report = data.load_folder(str(tmp_path), SIZE)
    assert capsys.readouterr().out == "22 images of 2 classes read\n"
    assert str(report).endswith("(0.1 MB in memory): a 10, b 12.")
    assert list(report.files) == sorted(report.files)
    assert report.files[-1] == "b/inner/031.png"
    assert dataset.labels.tolist() == [0] * 10 + [1] * 12


def test_what_to_look_at_is_reported_with_what_follows(tmp_path):
    fill(tmp_path / "many", 30)
    fill(tmp_path / "few", 8, start=50)
    for name, number in {"few/a": 90, "few/b": 90, "few/z": 0, "Few/z": 91}.items():
        write(tmp_path / f"{name}.png", picture(number))
    fill(tmp_path / "Cafe\u0301", 1, start=95)
    fill(tmp_path / "Café", 10, start=100)
    report = data.load_folder(tmp_path, (64, 64))[1]
    assert report.counts["Café"] == 11  # an accent of its own is the same name
    notices = " ".join(report.notices)
    for said in (
        "fewer than 10 images in Few (1). That",
        "many has 30 images, Few 1. Always to answer many is right in 57%",
        "more than once: 1, such as few/a.png and few/b.png.",
        "in more than one class: 1, such as few/z.png and many/000.png. They",
        "Few and few are two classes. Is it one?",
        "fewer pixels: 53.",
    ):
        assert said in notices


def test_per_class_draws_and_replaces_what_is_broken(tmp_path):
    fill(tmp_path / "a", 30)
    fill(tmp_path / "b", 4, start=50)
    for number in range(20):
        write(tmp_path / "a" / f"{number:03}.png", b"broken")
    drawn, report = data.load_folder(tmp_path, SIZE, per_class=6)
    same, _ = data.load_folder(tmp_path, SIZE, per_class=6)
    assert report.counts == {"a": 6, "b": 4}
    assert list(report.files) == sorted(report.files)
    assert report.files[5] > "a/025.png"  # not just the first ones
    assert np.array_equal(drawn.images, same.images)
    colours = [40 + int(name[2:5]) for name in report.files[:6]]
    assert drawn.images[:6, 0, 0, 0].tolist() == colours
    assert f"limits the images: {24 - len(report.skipped)}." in str(report)


def test_more_than_the_memory_is_refused_with_what_fits(photos):
    limit = 3 * 32 * 32 * 3
    with pytest.raises(ValueError, match=r"up to 4 .*`per_class=1` fits"):
        data.load_folder(photos, SIZE, memory=limit)
    assert len(data.load_folder(photos, SIZE, per_class=1, memory=limit)[0]) == 2


CATS, REX = ("cats/0.png", "cats/1.png"), "dogs/rex.jpg"


@pytest.mark.parametrize(
    "names, path, expected",
    [
        ([], "missing", "Received: .*missing.*not exist"),
        (["photos.zip"], "photos.zip", "photos.zip, a file.*unpacked"),
        (["loose.png"], "", "no image.*loose.png: not in the folder"),
        ([*CATS, REX], "", r"two folders.*cats \(2\).*rex.jpg: empty"),
        (["in/cats/0.png", "in/dogs/1.png"], "", "classes the folders in `in`"),
        (["Train/cats/0.png", "test/cats/1.png"], "", "Received: Train, test, which"),
    ],
)
def test_what_is_no_folder_of_classes_is_refused(tmp_path, names, path, expected):
    for number, name in enumerate(names):
        write(tmp_path / name, picture(number) if name.endswith(".png") else b"")
    kind = FileNotFoundError if "exist" in expected else ValueError
    with pytest.raises(kind, match=expected):
        data.load_folder(tmp_path / path, SIZE)


WRONG = [("path", value) for value in (None, 7, "")]
WRONG += [("size", value) for value in (224, (224,), (0, 5), (2.5, 3), "ab", None)]
WRONG += [("per_class", value) for value in (0, -1, 2.5, "all")]


def test_arguments_of_a_wrong_kind_are_refused(photos):
    for name, value in WRONG:
        with pytest.raises(ValueError, match=f"Expected (the |`){name}.*Received"):
            data.load_folder(**{"path": photos, "size": SIZE, name: value})


def noise(class_names, n=9):
    images = np.random.default_rng(0).integers(0, 256, (n, *SIZE, 3), "uint8")
    return data.Dataset(images, np.arange(n) % len(class_names), class_names)


def test_a_saved_dataset_is_read_back(tmp_path):
    given = noise(("left", "\u661f", "a b"))
    data.save_folder(given, tmp_path / "new" / "drawings")
    found, report = data.load_folder(tmp_path / "new" / "drawings", SIZE)
    assert not report.skipped
    assert set(found.class_names) == set(given.class_names)
    for label, name in enumerate(given.class_names):
        images = found.images[found.labels == found.class_names.index(name)]
        np.testing.assert_array_equal(images, given.images[given.labels == label])
    with pytest.raises(FileExistsError, match="is there. Choose another name"):
        data.save_folder(given, tmp_path / "new" / "drawings")


def test_what_cannot_be_written_completely_is_not_there(tmp_path, monkeypatch):
    for names in (("a/b", "c"), ("..", "c"), ("c.", "d"), ("A", "a"), ("", "b")):
        with pytest.raises(ValueError, match="folders can be named after.*rename_clas"):
            data.save_folder(noise(names), tmp_path / "drawings")
    full = mock.Mock(side_effect=OSError(28, "No space left on device"))
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        data.save_folder(noise(("a", "b")), tmp_path / "drawings")
    assert list(tmp_path.iterdir()) == []
