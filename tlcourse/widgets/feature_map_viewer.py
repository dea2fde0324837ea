"""The feature map viewer: an image, and the outputs of a base, stage by stage."""

import ipywidgets

from tlcourse import plots
from tlcourse.models import feature_maps
from tlcourse.widgets.explorer import Explorer, menu
from tlcourse.widgets.html_images import figure_html


class FeatureMapViewer(Explorer):
    """Two menus, image and depth; the image and its feature maps of most contrast.

    Args:
        base: Built functional `keras.Model` without top, with a fixed input size.
        preprocess: `keras.Layer`, from raw pixels to what the base wants.
        images: uint8 `(n, height, width, 3)`, 0..255, of the base's input size.
        names: Sequence of n strings, one for each image, or None.

    Raises:
        ValueError: If the base cannot be cut, or the images do not fit it.
    """

    def __init__(self, base, preprocess, images, names=None):
        self.state = feature_maps.FeatureMaps(base, preprocess, images, names)
        self.image = menu("Image", _numbered(self.state.names), 0)
        self.depth = menu("Stopped at", _numbered(self.state.labels), 0)
        self.picture, self.maps = ipywidgets.HTML(), ipywidgets.HTML()
        menus, outputs = [self.image, self.depth], [self.picture, self.maps]
        super().__init__(menus, outputs, side_by_side=True)

    def _draw(self):
        state = self.state
        state.image, state.depth = self.image.value, self.depth.value
        title = f"{state.ends[state.depth][0].name}: feature maps"
        maps = plots.feature_maps(state.maps.values, feature_maps.STRONGEST, 4, title)
        image = plots.tiles(state.images[state.image][None], title="the image")
        self.picture.value = figure_html(image, state.image_alt)
        self.maps.value = figure_html(maps, state.alt)
        return state.caption


def _numbered(labels):
    return [(label, number) for number, label in enumerate(labels)]
