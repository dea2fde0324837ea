"""Checks images, labels and arguments, and says how to make what was expected."""

import numbers
import unicodedata

import numpy as np


def is_count(value, least=0):
    """Whether `value` is a whole number, at least `least`."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_whole and value >= least


def check_count(name, value, least=1):
    """Refuses what is no whole number, at least `least`; returns it."""
    if not is_count(value, least):
        raise ValueError(
            f"Expected `{name}`, a whole number, at least {least}. Received: {value!r}"
        )
    return value


def check_class_names(names):
    """Returns names as a tuple of strings; refuses what is none, or has twins.

    An accented letter can be one character or two, as macOS has it: it becomes one.
    """
    found = tuple(names) if isinstance(names, list | tuple | np.ndarray) else ()
    if not found or not all(isinstance(name, str) for name in found):
        raise ValueError(
            "Expected class names, a list of strings such as ['cat', 'dog']. Received: "
            f"{names!r}"
        )
    found = tuple(unicodedata.normalize("NFC", name) for name in found)
    if len(set(found)) < len(found):
        raise ValueError(f"Expected class names that differ. Received: {names!r}")
    return found


def check_labels(labels, n, class_names):
    """Returns labels as int64 `(n,)`; refuses others with a way to make them."""
    if np.ma.is_masked(labels):
        raise ValueError(
            "Expected a label for each image. Received: "
            f"{np.ma.count_masked(labels)} that are masked. "
            f"{_leave_out('~np.ma.getmaskarray(labels)')}"
        )
    try:
        found, top = np.asarray(labels), len(class_names) - 1
    except ValueError:  # lists of several lengths: several labels of an image
        found, top = np.asarray(list(labels), object), len(class_names) - 1
    if found.shape != (n,) or not (found.dtype.kind in "iu" or not n):
        raise ValueError(
            f"Expected labels of integers, one for each image, shape ({n},). "
            f"Received: {found.dtype}, shape {found.shape}. {_label_remedy(found, n)}"
        )
    if n and not 0 <= found.min() <= found.max() <= top:
        low, high = found.min(), found.max()
        remedy = "Name all classes."
        if low < 0:
            remedy = _leave_out("np.asarray(labels) >= 0")
        elif low == 1 and high == top + 1:
            remedy = "They count from 1: `np.subtract(labels, 1)`."
        raise ValueError(
            f"Expected labels from 0 to {top} (there are {top + 1} class names). "
            f"Received: {low} to {high}. {remedy}"
        )
    return found.astype("int64")


def _label_remedy(labels, n):
    """What makes labels of what was received, or says that nothing does."""
    kind = labels.dtype.kind
    if kind == "O" and labels.ndim == 1 and all(isinstance(x, str) for x in labels):
        kind = "U"
    elif kind == "O" and all(isinstance(x, numbers.Real) for x in labels.flat):
        labels, kind = labels.astype("float64"), "f"  # a column of pandas
    if len(labels.shape) == 0 or len(labels) != n:
        return "Give each image its label."
    if labels.shape == (n, 1):
        return "One column is too deep: `np.ravel(labels)`."
    if labels.ndim == 2 and kind in "biuf":
        if ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all():
            return "They are one-hot: `np.argmax(labels, axis=1)`."
    if labels.ndim > 1 or kind == "O":
        return "The course gives each image one class, not several."
    if kind in "US":
        name = "name.decode()" if kind == "S" else "name"
        return f"For names: `[list(class_names).index({name}) for name in labels]`."
    if kind == "b" or kind == "f" and (labels % 1 == 0).all():
        return "They are whole: `np.asarray(labels, 'int64')`."
    if kind == "f" and not np.isfinite(labels).all():
        return _leave_out("np.isfinite(labels)")
    return "The course tells classes apart; it does not predict quantities."


def _leave_out(known):
    return (
        f"Leave out what has no label, in both: `images[{known}]` and "
        f"`np.asarray(labels, 'float')[{known}].astype('int64')`."
    )


def check_images(images):
    """Refuses what is not raw pixels: uint8 `(n, height, width, 3)`, 0..255."""
    try:
        shape, dtype = np.shape(images), getattr(images, "dtype", type(images))
    except ValueError:
        raise ValueError(
            "Expected images of one size. Received: a list of different shapes. Crop "
            "them alike: `[keras.ops.image.resize(x, size) for x in images]`."
        ) from None
    if shape and not hasattr(images, "astype"):  # a list, a tensor, a `PIL.Image`
        raise ValueError(
            f"Expected images in a NumPy array of uint8. Received: "
            f"{type(images).__name__}. This makes one: `np.asarray(images)`."
        )
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "Expected images of shape (n, height, width, 3). Received: "
            f"{shape}. {_shape_remedy(shape)}"
        )
    if dtype != np.uint8:
        values = np.asarray(images)
        span = f"{values.min():.3g} to {values.max():.3g}" if values.size else "-"
        raise ValueError(
            f"Expected raw pixels: uint8, 0 to 255. Received: {dtype}, {span}. Do not "
            f"scale images yourself: the model does it. {_range_remedy(values)}"
        )
    if _look_scaled(images):
        raise ValueError(
            "Expected raw pixels from 0 to 255. Received: images of the values "
            f"{', '.join(map(str, np.unique(images)))} alone, as scaling leaves them "
            "when `astype('uint8')` follows. Load them again and do not scale them: "
            "the model does it. For masks of 0 and 1: `images * 255`."
        )


def _shape_remedy(shape):
    """What brings an array of that shape to `(n, height, width, 3)`."""
    repeat = "`np.repeat({}, 3, axis=-1)`"
    if len(shape) == 4:
        if shape[1] in (1, 3, 4) and shape[-1] > 4:
            return "The channels stand first: `np.moveaxis(images, 1, -1)`."
        greys = {1: "images", 2: "images[..., :1]"}
        if shape[-1] in greys:
            return f"Grey needs equal channels: {repeat.format(greys[shape[-1]])}."
        return "Keep three channels, red, green and blue: `images[..., :3]`."
    if len(shape) == 3 and shape[-1] == 3:
        return "A single image needs `image[None]`."
    if len(shape) == 3 and shape[0] == 3:
        return (
            "The channels of one image stand first: `np.moveaxis(image, 0, -1)[None]`."
        )
    if len(shape) == 3:
        return f"Grey needs equal channels: {repeat.format('images[..., None]')}."
    if len(shape) == 2:
        return f"One grey image: {repeat.format('image[None, ..., None]')}."
    return "Pixels of all images belong in one array."


def _range_remedy(images):
    """What makes raw pixels of values of that range, or says that nothing does."""
    kind = images.dtype.kind
    if kind not in "biuf" or not images.size:
        return "`np.asarray(images, 'uint8')` makes them, if they are 0 to 255."
    if kind == "f" and not np.isfinite(images).all():
        return "Some are no numbers (NaN or infinity): find out where they arise."
    low, high = images.min(), images.max()
    if kind == "b" or 0 <= low and high <= 1:
        return "For pixels in 0..1: `(images * 255.0).round().astype('uint8')`."
    if -1 <= low and high <= 1:
        return "For pixels in -1..1: `((images + 1) * 127.5).round().astype('uint8')`."
    is_wide = kind != "f" or high > 16  # else standardized, or of another range
    if 0 <= low and high <= 255 and is_wide:
        step = "" if kind != "f" or (images % 1 == 0).all() else ".round()"
        return f"They are in 0..255: `images{step}.astype('uint8')`."
    if -8 <= low and 127 < high <= 263:
        return "They pass 0..255: `images.clip(0, 255).round().astype('uint8')`."
    tops = [2**bits - 1 for bits in (10, 12, 14, 16) if high < 2**bits]
    if low >= 0 and tops and is_wide:
        return (
            f"For pixels in 0..{tops[0]}: "
            f"`(images * (255 / {tops[0]})).round().astype('uint8')`."
        )
    return "They were prepared for some network: load them again, and leave that out."


def _look_scaled(images):
    """Whether only 0, 1 and 255 are left, as when 0..1 or -1..1 became integers."""
    if any(((image > 1) & (image < 255)).any() for image in images):
        return False
    # An image of one value alone is no sign: it may be black, or a placeholder.
    return any(image.min() != image.max() and (image == 1).any() for image in images)


def check_size(size, least=1):
    """Returns `size` as (height, width) in pixels; refuses anything else."""
    sides = size if isinstance(size, tuple | list) else ()
    valid = [is_count(side, least) for side in sides]
    if valid != [True, True]:
        raise ValueError(
            "Expected `size` (height, width), two whole numbers of pixels, at least "
            f"{least}, such as (224, 224). Received: {size!r}"
        )
    return int(sides[0]), int(sides[1])


def check_per_class(per_class):
    """Refuses what is neither an integer of at least 1 nor None."""
    if per_class is not None and not is_count(per_class, 1):
        raise ValueError(
            "Expected `per_class`, images of one class, to be at least 1, or None "
            f"for all. Received: {per_class!r}"
        )
