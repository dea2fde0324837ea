"""The feature map viewer: an image, and what a base makes of it, stage by stage."""

import html

import ipywidgets

from tlcourse import plots
from tlcourse.models import feature_maps
from tlcourse.widgets.view import WRAP, View, picture, told

WIDE = {"description_width": "initial"}


class FeatureMapViewer(View):
    """Two menus, image and depth; the image and its liveliest maps.

    Args:
        base: Built functional `keras.Model` without top, with a fixed input size.
        preprocess: `keras.Layer`, from raw pixels to what the base wants.
        images: uint8 `(n, height, width, 3)`, 0..255, of the base's input size.
        names: Sequence of n strings, one for each image, or None.

    Raises:
        ValueError: If the base cannot be cut, or the images do not fit it.
    """

    def __init__(self, base, preprocess, images, names=None):
        super().__init__()
        self.state = feature_maps.FeatureMaps(base, preprocess, images, names)
        self.image = _menu("Image", self.state.names)
        self.depth = _menu("Stopped at", self.state.labels)
        self.picture, self.maps = ipywidgets.HTML(), ipywidgets.HTML()
        self.image.observe(self._on_image, names="value")
        self.depth.observe(self._on_depth, names="value")
        menus = ipywidgets.HBox([self.image, self.depth], layout=WRAP)
        pictures = ipywidgets.HBox([self.picture, self.maps], layout=WRAP)
        self.box = ipywidgets.VBox([menus, self.message, pictures])
        self._show()

    @told
    def _on_image(self, change):
        self.state.choose(image=change["new"])
        self._show()

    @told
    def _on_depth(self, change):
        self.state.choose(depth=change["new"])
        self._show()

    def _show(self):
        state = self.state
        stage = state.ends[state.depth][0].name
        maps = plots.feature_maps(
            state.maps.values, feature_maps.STRONGEST, 4, f"{stage}: feature maps"
        )
        image = plots.tiles(state.images[state.image][None], title="the image")
        self.picture.value = picture(image, state.image_alt)
        self.maps.value = picture(maps, state.alt)
        self.say(state.caption)

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        caption = html.escape(self.state.caption)
        return f"<p>{caption}</p>{self.picture.value}{self.maps.value}"


def _menu(description, labels):
    options = [(label, place) for place, label in enumerate(labels)]
    return ipywidgets.Dropdown(
        options=options,
        value=0,
        description=description,
        style=WIDE,
        layout=ipywidgets.Layout(width="auto"),
    )
