"""Renders the glyph dataset: typeset characters from free fonts.

    python -m data.making.glyphs --out data

Needs fontconfig's `fc-list`, fontTools, Pillow, and the font packages that
data/font-packages.txt names. Everything that is drawn is decided by the fonts
and one seed, so the same packages give the same file.
"""

import argparse
import collections
import csv
import functools
import pathlib
import re
import subprocess

import numpy as np

from data.making.alphabets import CLONES, EXCLUDED_FAMILIES, SCRIPT_OF

SIDE = 48  # stored glyph, pixels
MARGIN = 2
PER_CLASS = 160  # at most, faces of one character
UNSEEN_SHARE = 0.12  # of each script's glyphs, about
LARGE_GROUP = 8  # families; larger groups are always trained on
SAME_DESIGN = 0.10  # mean difference of two families' glyphs, 0..1

Face = collections.namedtuple("Face", "path index family style")


def find_faces():
    """Every installed font face that is an outline font, sorted."""
    form = "%{file}|%{index}|%{family[0]}|%{style[0]}|%{variable}\n"
    text = subprocess.run(
        ["fc-list", "--format", form], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 4]
    return sorted(
        Face(path, int(index), family, style)
        for path, index, family, style, variable in rows
        if path.endswith((".ttf", ".otf", ".ttc"))
        and variable != "True"
        and int(index) < 100
        and family not in EXCLUDED_FAMILIES
    )


def characters_of(face):
    """The characters of ours that the face has."""
    from fontTools.ttLib import TTFont

    with TTFont(face.path, fontNumber=face.index, lazy=True) as font:
        table = font.getBestCmap() or {}
    return {character for character in SCRIPT_OF if ord(character) in table}


def draw(face, character):
    """Ink coverage of a character, filling a square.

    Returns:
        uint8 `(SIDE, SIDE)`, 0 (paper) to 255 (ink), or None if the face draws
        nothing.
    """
    from PIL import Image, ImageDraw

    font = _load(face)
    left, top, right, bottom = font.getbbox(character)
    if right - left < 8 or bottom - top < 8 or max(right, bottom) > 1000:
        return None
    canvas = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(canvas).text((-left, -top), character, fill=255, font=font)
    box = canvas.getbbox()
    return _fit(canvas.crop(box)) if box else None


@functools.lru_cache(maxsize=8)
def _load(face):
    from PIL import ImageFont

    return ImageFont.truetype(
        face.path, 160, index=face.index, layout_engine=ImageFont.Layout.BASIC
    )


def _fit(ink):
    from PIL import Image

    scale = (SIDE - 2 * MARGIN) / max(ink.size)
    size = [max(3, round(side * scale)) for side in ink.size]
    ink = ink.resize(size, Image.Resampling.BOX)
    square = Image.new("L", (SIDE, SIDE))
    square.paste(ink, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(square)


def choose(faces_by_character, rng):
    """At most PER_CLASS faces a character, families in turn."""
    chosen = {}
    for character, faces in faces_by_character.items():
        families = collections.defaultdict(list)
        for face in rng.permutation(len(faces)):
            families[faces[face].family].append(faces[face])
        ranked = sorted(
            (rank, order, face)
            for order, family in enumerate(rng.permutation(sorted(families)))
            for rank, face in enumerate(families[family])
        )
        chosen[character] = [face for _, _, face in ranked[:PER_CLASS]]
    return chosen


def render(chosen):
    """Draws all; leaves out what is empty, and exact copies.

    Returns:
        images uint8 `(n, SIDE, SIDE)`, characters `[n]`, faces `[n]`.
    """
    images, characters, faces, seen = [], [], [], set()
    jobs = sorted((face, c) for c, faces in chosen.items() for face in faces)
    for face, character in jobs:
        image = draw(face, character)
        if image is None or (character, image.tobytes()) in seen:
            continue
        seen.add((character, image.tobytes()))
        images.append(image)
        characters.append(character)
        faces.append(face)
    return np.stack(images), characters, faces


def without_boxes(images, characters, faces):
    """Leaves out faces that draw one shape for several characters (tofu)."""
    shapes = collections.Counter(
        (face, image.tobytes()) for face, image in zip(faces, images, strict=True)
    )
    bad = {face for (face, _), count in shapes.items() if count > 1}
    keep = [i for i, face in enumerate(faces) if face not in bad]
    return images[keep], [characters[i] for i in keep], [faces[i] for i in keep]


def same_design_groups(images, characters, families):
    """Groups families that may draw the same shapes under different names.

    One group: families whose names begin with the same word, the known clones,
    and families whose closest glyphs differ by less than SAME_DESIGN on average
    over at least ten characters.

    Returns:
        dict, family to its group (the name of one of its families).
    """
    names = sorted(set(families))
    near = _alike(images, characters, [names.index(f) for f in families], len(names))
    owner = {word: group for group in CLONES for word in group.split()}
    words = [owner.get(name.split()[0], _design_name(name)) for name in names]
    near |= np.array([[a == b for b in words] for a in words])
    return _components(near, names)


def _design_name(family):
    """First word; two where the first only names a vendor with many designs."""
    words = family.split()
    return " ".join(words[: 2 if words[0] in ("Noto", "BPG", "GFS") else 1])


def _alike(images, characters, owner, n):
    total, shared = np.zeros((n, n)), np.zeros((n, n))
    small = images.reshape(len(images), 16, 3, 16, 3).mean((2, 4)) / 255
    owner, characters = np.array(owner), np.array(characters)
    for character in np.unique(characters):
        at = characters == character
        best = _closest(small[at].reshape(at.sum(), -1), owner[at], n)
        total += np.where(np.isfinite(best), best, 0)
        shared += np.isfinite(best)
    return (shared >= 10) & (total < SAME_DESIGN * shared)


def _closest(flat, owner, n):
    best = np.full((n, n), np.inf)
    for i, row in enumerate(flat):
        distance = np.abs(flat - row).mean(1) / (0.02 + row.mean()) / 2
        np.minimum.at(best[owner[i]], owner, distance)
    return best


def _components(near, names):
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(near, directed=False)
    first = {}
    return {name: first.setdefault(label[i], name) for i, name in enumerate(names)}


def split(groups, characters, families, rng):
    """The groups that the base never sees: UNSEEN_SHARE of every script."""
    sizes = collections.Counter(groups.values())
    scripts = np.array([SCRIPT_OF[character] for character in characters])
    owner = np.array([groups[family] for family in families])
    unseen = set()
    for script in sorted(set(scripts), key=lambda name: (scripts == name).sum()):
        names = owner[scripts == script]
        for group in rng.permutation(np.unique(names)).tolist():
            share = np.isin(names, sorted(unseen)).mean()
            fits = share + (names == group).mean() <= 2 * UNSEEN_SHARE
            if share < UNSEEN_SHARE and fits and sizes[group] <= LARGE_GROUP:
                unseen.add(group)
    return unseen


def pack(images):
    """uint8 0..255 to 16 levels, two to a byte; `data.unpack` is the way back."""
    levels = (images.astype(int) * 15 + 127) // 255
    flat = levels.reshape(len(images), -1).astype(np.uint8)
    return flat[:, ::2] << 4 | flat[:, 1::2]


def package_of(paths):
    """dict, font file to (Debian package, version)."""
    text = subprocess.run(
        ["dpkg", "-S", *sorted(set(paths))], capture_output=True, text=True
    ).stdout
    owner = {}
    for line in text.splitlines():
        packages, _, path = line.partition(": ")
        owner[path] = packages.split(",")[0].split(":")[0]
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *set(owner.values())],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    version = dict(line.split() for line in shown.splitlines())
    return {path: (name, version.get(name, "")) for path, name in owner.items()}


def licences_of(package):
    """Short names of the licences in a package's copyright file."""
    path = pathlib.Path("/usr/share/doc", package, "copyright")
    text = path.read_text(errors="replace") if path.exists() else ""
    names = re.findall(r"^License:[ \t]*(\S[^\n]*)$", text, flags=re.M)
    if not names:
        known = ("Open Font License", "GPL", "Bitstream", "LPPL", "public domain")
        names = [f"{word} (free text)" for word in known if word in text]
    return " | ".join(sorted(set(names))) or "see the package's copyright file"


def write_fonts(path, faces, unseen_groups, groups):
    """One row a family: where it comes from, its licence, on which side it is."""
    owner = package_of([face.path for face in faces])
    rows = {}
    for face in faces:
        package, version = owner.get(face.path, ("", ""))
        side = "unseen" if groups[face.family] in unseen_groups else "training"
        key = (face.family, package, version, side, groups[face.family])
        rows.setdefault(key, set()).add(f"{pathlib.Path(face.path).name}")
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow("family package version side design licences files".split())
        for key in sorted(rows):
            files = " ".join(sorted(rows[key]))
            out.writerow([*key, licences_of(key[1]), files])


def main(out, seed=0):
    rng = np.random.default_rng(seed)
    by_character = collections.defaultdict(list)
    for face in find_faces():
        for character in sorted(characters_of(face)):
            by_character[character].append(face)
    images, characters, faces = without_boxes(*render(choose(by_character, rng)))
    families = [face.family for face in faces]
    groups = same_design_groups(images, characters, families)
    unseen = split(groups, characters, families, rng)
    names = sorted(set(families))
    class_names = list(SCRIPT_OF)
    np.savez_compressed(
        pathlib.Path(out, "glyphs.npz"),
        packed=pack(images),
        labels=np.array([class_names.index(c) for c in characters], np.uint8),
        fonts=np.array([names.index(f) for f in families], np.uint16),
        class_names=np.array(class_names),
        scripts=np.array([SCRIPT_OF[c] for c in class_names]),
        font_names=np.array(names),
        unseen=np.array([groups[name] in unseen for name in names]),
    )
    write_fonts(pathlib.Path(out, "fonts.csv"), faces, unseen, groups)
    largest = collections.Counter(groups.values()).most_common(5)
    print(f"{len(images)} glyphs, {len(names)} families, largest designs {largest}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="data")
    main(parser.parse_args().out)
