"""A folder of images: what is read, what is skipped, what is said."""

import io
import os
import pathlib
import re
import socket
import time
import tracemalloc
import warnings
from types import SimpleNamespace

import numpy as np
import odd_pictures
import pytest
from PIL import Image, ImageOps

from tlcourse import data
from tlcourse.data import folder_search, folders, pictures, reading

SIZE = (32, 32)
LESSONS = pathlib.Path(__file__).parent.parent / "notebooks" / "src"
SOUND, BROKEN = odd_pictures.sound(), odd_pictures.broken()
CORPUS = {**SOUND, **BROKEN}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The whole corpus as one class, four plain pictures as another."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, (content, *_) in CORPUS.items():
        write(folder / "odd" / name, content)
    fill(folder / "plain", 4)
    return data.load_folder(folder, SIZE)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def picture(number, kind="PNG"):
    """One that no other number gives."""
    colour = (40 + number % 200, 60, 90 + number // 200)
    return odd_pictures.saved(Image.new("RGB", (40, 40), colour), kind)


def fill(folder, n, start=0):
    for number in range(start, start + n):
        write(folder / f"{number:03}.png", picture(number))


def skipped(report):
    return {each.name: each.reason for each in report.skipped}


def test_the_corpus_is_large_enough():
    assert len(BROKEN) >= 35
    assert len(CORPUS) == len(SOUND) + len(BROKEN) >= 60


@pytest.mark.parametrize("name", SOUND, ids=lambda name: ascii(name)[:40])
def test_a_sound_picture_of_any_kind_shows_what_it_shows(corpus, name):
    dataset, report = corpus
    shown = folders.printable(name)
    image = dataset.images[report.files.index(f"odd/{shown}")]
    _, above, below = SOUND[name]
    assert image[:9].mean((0, 1)) == pytest.approx(above, abs=12)
    assert image[23:].mean((0, 1)) == pytest.approx(below, abs=12)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_or_odd_file_is_skipped_and_named_with_the_reason(corpus, name):
    _, report = corpus
    assert f"odd/{name}" not in report.files
    assert re.search(BROKEN[name][1], skipped(report)[f"odd/{name}"])


def test_every_file_is_either_read_or_listed(corpus):
    dataset, report = corpus
    assert len(dataset) == len(report.files) == len(SOUND) + 4
    assert len(report.skipped) == len(BROKEN)
    assert dataset.images.dtype == np.uint8
    assert dataset.images.shape[1:] == (*SIZE, 3)
    assert dataset.class_names == ("odd", "plain")
    assert report.counts == {"odd": len(SOUND), "plain": 4}


def test_the_report_prints_on_any_terminal_line_by_line(corpus):
    text = str(corpus[1])
    assert "odd/two\\nlines.png" in corpus[1].files
    assert all(line.isprintable() for line in text.splitlines())
    assert "odd/bad_sum.png: broken" in text
    assert "more: `.skipped`" in text


@pytest.mark.parametrize("name", [n for n in BROKEN if "bomb" in n])
def test_a_bomb_is_refused_before_it_is_decoded(name):
    tracemalloc.start()
    with pytest.raises(pictures.UnreadablePicture), warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures.read_picture(BROKEN[name][0], SIZE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def without_pixels():
    """A TIFF whose compressed pixels are lost, at which the C library complains."""
    content = bytearray(SOUND["lzw.tiff"][0])
    with Image.open(io.BytesIO(content)) as sound:
        (start,), (n,) = sound.tag_v2[273], sound.tag_v2[279]
    content[start : start + n] = b"\xff" * n
    return bytes(content)


def test_a_broken_picture_says_nothing_on_stderr(capfd):
    with pytest.raises(pictures.UnreadablePicture):
        pictures.read_picture(without_pixels(), SIZE)
    assert capfd.readouterr() == ("", "")


def test_a_file_of_enormous_length_is_not_read(tmp_path, monkeypatch):
    fill(tmp_path / "a", 2)
    fill(tmp_path / "b", 2, start=5)
    with open(tmp_path / "a" / "huge.jpg", "wb") as file:
        file.truncate(pictures.MAX_BYTES + 1)
    _, report = data.load_folder(tmp_path, SIZE)
    assert "enormous: 256 MB" in skipped(report)["a/huge.jpg"]


def test_the_same_folder_gives_the_same_dataset_sorted(tmp_path):
    for number in (7, 3, 9, 1):
        fill(tmp_path / "b" / "inner", 1, start=number)
        fill(tmp_path / "a", 1, start=20 + number)
    first, report = data.load_folder(tmp_path, SIZE)
    again, _ = data.load_folder(str(tmp_path), SIZE)
    assert np.array_equal(first.images, again.images)
    assert list(report.files) == sorted(report.files)
    assert report.files[-1] == "b/inner/009.png"
    assert first.labels.tolist() == [0] * 4 + [1] * 4
    assert first.labels.dtype == np.int64


def test_images_are_cut_like_those_of_the_other_sources(tmp_path):
    wide = np.random.default_rng(0).integers(0, 255, (40, 90, 3), "uint8")
    write(tmp_path / "a" / "1.png", odd_pictures.saved(Image.fromarray(wide), "PNG"))
    fill(tmp_path / "b", 1)
    dataset, _ = data.load_folder(tmp_path, (20, 24))
    assert np.array_equal(dataset.images[0], data.fit(wide, (20, 24)))


def links(tmp_path):
    outside = tmp_path / "outside"
    fill(outside, 1, start=90)
    folder = tmp_path / "photos"
    fill(folder / "a", 2)
    fill(folder / "b", 2, start=5)
    made = {
        "a/out.png": outside / "090.png",
        "a/up.png": "../../outside/090.png",
        "a/folder_out": outside,
        "a/nothing": "no_such_file",
        "a/loop": "loop",
        "a/back": "..",
        "a/inside.png": folder / "b" / "005.png",
        "class_out": outside,
        "class_inside": folder / "a",
    }
    for name, target in made.items():
        os.symlink(target, folder / name)
    return folder


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    dataset, report = data.load_folder(links(tmp_path), SIZE)
    reasons = skipped(report)
    outside = "a/out.png a/up.png a/folder_out class_out".split()
    assert all("outside" in reasons.pop(name) for name in outside)
    assert all("folder" in reasons.pop(name) for name in ("a/back", "class_inside"))
    assert "cannot be opened" in reasons.pop("a/nothing")
    assert "cannot be opened" in reasons.pop("a/loop")
    assert reasons == {}
    assert report.counts == {"a": 3, "b": 2}
    assert report.contradictions == (("a/inside.png", "b/005.png"),)


def test_the_folder_itself_may_be_a_link(tmp_path):
    fill(tmp_path / "photos" / "a", 1)
    fill(tmp_path / "photos" / "b", 1, start=5)
    os.symlink(tmp_path / "photos", tmp_path / "link")
    assert len(data.load_folder(tmp_path / "link", SIZE)[0]) == 2


def test_pipes_and_sockets_are_not_waited_for(tmp_path, monkeypatch):
    fill(tmp_path / "a", 1)
    fill(tmp_path / "b", 1, start=5)
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    monkeypatch.chdir(tmp_path)  # names of sockets have to be short
    with socket.socket(socket.AF_UNIX) as open_socket:
        open_socket.bind("socket.jpg")
        _, report = data.load_folder(tmp_path, SIZE)
    assert set(skipped(report)) == {"a/pipe.jpg", "socket.jpg"}
    assert "pipe" in skipped(report)["a/pipe.jpg"]


def test_hidden_files_and_those_of_the_system_are_set_apart(tmp_path):
    fill(tmp_path / "a", 1)
    fill(tmp_path / "b", 1, start=5)
    hidden = ".DS_Store a/.DS_Store a/._000.png b/Thumbs.db b/desktop.ini".split()
    hidden += ["__MACOSX/x.png", ".git/config", "a/.ipynb_checkpoints/000.png"]
    for name in hidden:
        write(tmp_path / name, picture(50))
    dataset, report = data.load_folder(tmp_path, SIZE)
    assert dataset.class_names == ("a", "b")
    assert len(dataset) == 2
    assert len(report.skipped) == len(hidden)
    assert {each.reason for each in report.skipped} == {
        "hidden, or a file of the system"
    }
    assert "Skipped, as it should be:" in str(report)
    assert "Skipped:" not in str(report)


def refuse(monkeypatch, name):
    """The system refuses what ends on a name, also to the superuser."""
    scan, opened = os.scandir, open

    def guarded(function):
        def call(path, *arguments):
            if str(path).endswith(name):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *arguments)

        return call

    monkeypatch.setattr(folder_search.os, "scandir", guarded(scan))
    monkeypatch.setattr(folder_search, "open", guarded(opened), raising=False)


@pytest.mark.parametrize("name", ["a/000.png", "a/deep", "c"])
def test_what_may_not_be_read_is_listed(tmp_path, monkeypatch, name):
    fill(tmp_path / "a", 2)
    fill(tmp_path / "b", 2, start=5)
    fill(tmp_path / "a" / "deep", 1, start=9)
    fill(tmp_path / "c", 1, start=20)
    refuse(monkeypatch, name)
    _, report = data.load_folder(tmp_path, SIZE)
    assert skipped(report) == {name: "cannot be opened: Permission denied"}


def test_names_that_are_no_unicode_are_read_and_printed(tmp_path):
    fill(tmp_path / "a", 1)
    fill(tmp_path / "b", 1, start=5)
    name = os.path.join(os.fsencode(tmp_path), b"a", b"caf\xe9.png")
    with open(name, "wb") as file:
        file.write(picture(60))
    _, report = data.load_folder(tmp_path, SIZE)
    assert "a/caf\\udce9.png" in report.files
    str(report).encode()


def test_files_beside_the_classes_are_listed(tmp_path):
    fill(tmp_path / "a", 1)
    fill(tmp_path / "b", 1, start=5)
    write(tmp_path / "loose.png", picture(9))
    _, report = data.load_folder(tmp_path, SIZE)
    assert skipped(report) == {"loose.png": "not in the folder of a class"}


def test_a_folder_without_an_image_is_no_class(tmp_path, capsys):
    fill(tmp_path / "b", 1)
    fill(tmp_path / "d", 1, start=5)
    (tmp_path / "a").mkdir()
    write(tmp_path / "c" / "broken.jpg", b"")
    dataset, report = data.load_folder(tmp_path, SIZE)
    assert dataset.class_names == ("b", "d")
    assert dataset.labels.tolist() == [0, 1]
    assert report.empty == ("a", "c")
    assert "no image can be read in a and c; left out" in str(report)
    assert "2 images of 2 classes read; 1 skipped" in capsys.readouterr().out


def test_uneven_and_small_classes_are_reported_with_what_follows(tmp_path):
    fill(tmp_path / "many", 30)
    fill(tmp_path / "few", 10, start=50)
    fill(tmp_path / "two", 2, start=80)
    notices = " ".join(data.load_folder(tmp_path, SIZE)[1].notices)
    assert "fewer than 10 images in two (2)" in notices
    assert "few (10)" not in notices
    assert "many has 30 images, two 2" in notices
    assert "right in 71%" in notices


def test_an_orderly_folder_gives_nothing_to_look_at(tmp_path, capsys):
    fill(tmp_path / "a", 10)
    fill(tmp_path / "b", 12, start=20)
    _, report = data.load_folder(tmp_path, SIZE)
    assert report.notices == ()
    assert capsys.readouterr().out == "22 images of 2 classes read\n"
    assert "0.1 MB in memory" in str(report)


def test_duplicates_are_reported_within_a_class_and_across(tmp_path):
    fill(tmp_path / "a", 3)
    fill(tmp_path / "b", 3, start=10)
    write(tmp_path / "a" / "copy.png", picture(0))
    write(tmp_path / "a" / "also.png", picture(1))
    write(tmp_path / "b" / "wrong.png", picture(1))
    _, report = data.load_folder(tmp_path, SIZE)
    assert report.duplicates == (
        ("a/000.png", "a/copy.png"),
        ("a/001.png", "a/also.png", "b/wrong.png"),
    )
    assert report.contradictions == report.duplicates[1:]
    notices = " ".join(report.notices)
    assert "more than once: 1, such as a/000.png and a/copy.png." in notices
    assert "in more than one class: 1, such as a/001.png, a/also" in notices


def test_classes_whose_names_differ_little_are_asked_about(tmp_path):
    for name in ("Café", "Cafe\u0301", "tea"):
        fill(tmp_path / name, 1, start=len(name))
    notices = " ".join(data.load_folder(tmp_path, SIZE)[1].notices)
    assert "are two classes. Is it one?" in notices


def test_small_images_are_enlarged_and_counted(tmp_path):
    fill(tmp_path / "a", 2)
    fill(tmp_path / "b", 1, start=5)
    _, report = data.load_folder(tmp_path, (64, 64))
    assert report.enlarged == 3
    assert "fewer pixels: 3" in str(report)


def test_per_class_draws_and_replaces_what_is_broken(tmp_path):
    fill(tmp_path / "a", 30)
    fill(tmp_path / "b", 4, start=50)
    for number in range(0, 20):
        write(tmp_path / "a" / f"{number:03}.png", b"broken")
    drawn, report = data.load_folder(tmp_path, SIZE, per_class=6)
    other, _ = data.load_folder(tmp_path, SIZE, per_class=6, seed=1)
    again, _ = data.load_folder(tmp_path, SIZE, per_class=6)
    assert report.counts == {"a": 6, "b": 4}
    assert list(report.files) == sorted(report.files)
    assert np.array_equal(drawn.images, again.images)
    assert not np.array_equal(drawn.images, other.images)
    colours = [40 + int(name[2:5]) for name in report.files[:6]]
    assert drawn.images[:6, 0, 0, 0].tolist() == colours
    unread = 30 - 6 - len(report.skipped)
    assert report.not_drawn == {"a": unread}


def test_more_than_the_memory_is_refused_with_what_fits(tmp_path):
    fill(tmp_path / "a", 8)
    fill(tmp_path / "b", 8, start=50)
    limit = 10 * 32 * 32 * 3
    with pytest.raises(ValueError, match=r"up to 16 .*`per_class=5` fits"):
        data.load_folder(tmp_path, SIZE, memory=limit)
    assert len(data.load_folder(tmp_path, SIZE, per_class=5, memory=limit)[0]) == 10


def test_what_is_no_folder_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="Received: .*photos.*not exist"):
        data.load_folder(tmp_path / "photos", SIZE)
    write(tmp_path / "photos.zip", b"PK")
    with pytest.raises(ValueError, match="photos.zip, a file.*unpacked"):
        data.load_folder(tmp_path / "photos.zip", SIZE)


def test_fewer_than_two_classes_are_refused_with_the_reason(tmp_path):
    write(tmp_path / "loose.png", picture(0))
    with pytest.raises(ValueError, match="no image.*loose.png: not in the folder"):
        data.load_folder(tmp_path, SIZE)
    fill(tmp_path / "cats", 2)
    write(tmp_path / "dogs" / "rex.jpg", b"")
    with pytest.raises(ValueError, match=r"two folders.*cats \(2\).*rex.jpg: empty"):
        data.load_folder(tmp_path, SIZE)


def test_a_folder_around_the_classes_is_seen(tmp_path):
    fill(tmp_path / "photos" / "cats", 2)
    fill(tmp_path / "photos" / "dogs", 2, start=5)
    with pytest.raises(ValueError, match="classes the folders in `photos`"):
        data.load_folder(tmp_path, SIZE)


def test_the_parts_of_a_dataset_are_not_taken_for_classes(tmp_path):
    for part in ("Train", "test"):
        fill(tmp_path / part / "cats", 2)
    with pytest.raises(ValueError, match="Received: Train, test, which are parts"):
        data.load_folder(tmp_path, SIZE)


@pytest.mark.parametrize("size", [224, (224,), (0, 5), (2.5, 3), "ab", None])
def test_a_size_that_is_none_is_refused(tmp_path, size):
    with pytest.raises(ValueError, match="Expected `size`"):
        data.load_folder(tmp_path, size)


@pytest.mark.parametrize("per_class", [0, -1, 2.5, True, "all"])
def test_a_number_of_images_that_is_none_is_refused(tmp_path, per_class):
    with pytest.raises(ValueError, match="Expected `per_class`"):
        data.load_folder(tmp_path, SIZE, per_class=per_class)


def test_a_long_reading_shows_progress(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reading, "PATIENCE", -1)
    fill(tmp_path / "a", 5)
    fill(tmp_path / "b", 5, start=50)
    data.load_folder(tmp_path, SIZE)
    assert "10 of 10 images\n" in capsys.readouterr().out


def test_no_file_stays_open(tmp_path):
    fill(tmp_path / "a", 5)
    fill(tmp_path / "b", 5, start=50)
    write(tmp_path / "a" / "cut.jpg", BROKEN["cut.jpg"][0])
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    data.load_folder(tmp_path, SIZE)
    after = os.listdir("/proc/self/fd") if before else []
    assert len(after) == len(before)


def test_a_thousand_small_pictures_take_seconds(tmp_path):
    fill(tmp_path / "a", 500)
    fill(tmp_path / "b", 500, start=500)
    start = time.perf_counter()
    assert len(data.load_folder(tmp_path, SIZE)[0]) == 1000
    assert time.perf_counter() - start < 20


def test_the_script_of_lesson_13_reads_a_picture_as_load_folder_does(tmp_path):
    """Photographs that lie on their side, wider than high, and a transparent one."""
    rng = np.random.default_rng(0)
    for number, orientation in enumerate((1, 3, 6, 8)):
        note = Image.Exif()
        note[0x0112] = orientation
        pixels = rng.integers(0, 256, (12, 20, 3), "uint8").repeat(8, 0).repeat(8, 1)
        content = odd_pictures.saved(Image.fromarray(pixels), "JPEG", exif=note)
        write(tmp_path / "ab"[number % 2] / f"{number}.jpg", content)
    glass = rng.integers(0, 256, (40, 30, 4), "uint8")
    content = odd_pictures.saved(Image.fromarray(glass), "PNG")
    write(tmp_path / "b" / "glass.png", content)
    dataset, _ = data.load_folder(tmp_path, SIZE)
    source = LESSONS / "13_your_own_images.py"
    lines = [x for x in source.read_text().splitlines() if x.startswith("image = Im")]
    assert len(lines) == 3
    for wanted, path in zip(dataset.images, sorted(tmp_path.glob("*/*")), strict=True):
        model = SimpleNamespace(input_shape=(None, *SIZE, 3))
        names = {"Image": Image, "ImageOps": ImageOps, "picture": path, "model": model}
        exec("\n".join(lines), names)
        np.testing.assert_array_equal(np.array(names["image"]), wanted)


def test_a_dataset_is_written_and_read_again(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, *SIZE, 3), "uint8")
    given = data.Dataset(images, np.arange(9) % 3, ("left", "\u661f", "a b"))
    data.save_folder(given, tmp_path / "new" / "drawings")
    found, report = data.load_folder(tmp_path / "new" / "drawings", SIZE)
    assert not report.skipped
    assert set(found.class_names) == set(given.class_names)
    for label, name in enumerate(given.class_names):
        here = found.images[found.labels == found.class_names.index(name)]
        np.testing.assert_array_equal(here, images[given.labels == label])
    with pytest.raises(FileExistsError, match="is there. Choose another name"):
        data.save_folder(given, tmp_path / "new" / "drawings")


@pytest.mark.parametrize(
    "names", [("a/b", "c"), ("..", "c"), ("c.", "d"), ("A", "a"), ("", "b")]
)
def test_classes_that_no_folder_can_be_named_after_are_refused(tmp_path, names):
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), "uint8")
    given = data.Dataset(images, np.arange(2), names)
    with pytest.raises(ValueError, match="folders can be named after.*rename_class"):
        data.save_folder(given, tmp_path / "drawings")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_written_whole_is_not_there(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), "uint8")
    given = data.Dataset(images, np.arange(2), ("a", "b"))

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        data.save_folder(given, tmp_path / "drawings")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 7, ""])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match="Expected the path of a folder"):
        data.load_folder(path, SIZE)


def test_of_two_classes_that_print_alike_one_is_named(tmp_path):
    for name in ("a\nb", "a\\nb", "c"):
        fill(tmp_path / name, 3)
    dataset, report = data.load_folder(tmp_path, SIZE)
    assert len(dataset) == 6
    assert ["prints like" in each.reason for each in report.skipped] == [True]
