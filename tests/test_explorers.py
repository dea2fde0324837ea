"""Catalogue, feature map and learning rate explorers: states, then views."""

import sys

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tlcourse import bases, plots
from tlcourse.bases import catalogue
from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads
from tlcourse.widgets import CatalogueExplorer, FeatureMapViewer, LearningRateExplorer

CURVES = {
    1e-2: [[5.0, 8.0, 4.0], [6.0, 7.0, 3.0]],
    1e-5: [[1.0, 0.9, 0.8], [1.1, 0.85, 0.8]],
    1e-4: [[1.0, 0.5, 0.3], [1.1, 0.6, 0.2]],
}


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    assert plt.get_fignums() == []


def bundle_of(view):
    """The three forms: widget, static HTML with a picture and alt text, text."""
    bundle = view._repr_mimebundle_()
    assert bundle["text/plain"] == repr(view)
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert "<script" not in bundle["text/html"]
    assert 'src="data:image/png;base64,' in bundle["text/html"]
    return bundle


def test_jupyterlab_leaves_the_keys_to_a_view_but_colab_needs_no_help(monkeypatch):
    views = [CatalogueExplorer() for _ in "ab"]
    before = len(views[0].box.children)
    for _ in range(2):  # shown twice, guarded once
        views[0]._repr_mimebundle_()
    assert len(views[0].box.children) == before + 1
    monkeypatch.setitem(sys.modules, "google.colab", None)
    views[1]._repr_mimebundle_()
    assert len(views[1].box.children) == before


def test_a_choice_that_fails_is_told_in_the_view_and_raised():
    view = CatalogueExplorer()
    only = {"ResNet50": view.state.stages["ResNet50"]}
    view.state = catalogue.Comparison(only)
    with pytest.raises(ValueError, match="Expected.*Received"):
        view.first.value = "VGG16"
    assert 'role="alert"' in view.message.value and "Received" in view.message.value


# Catalogue


@pytest.fixture(scope="module")
def stages():
    return catalogue.shipped_stages()


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0"])
def test_the_shipped_figures_are_those_of_keras(name, stages):
    assert list(stages) == list(bases.CATALOGUE)
    base = bases.build(name, weights=None)
    expected = [
        (stage.name, stage.size, len(stage.layers), stage.parameters)
        for stage in freezing.stages(base)
    ]
    found = [(s.name, s.size, s.layers, s.parameters) for s in stages[name]]
    assert found == expected
    assert sum(stage.parameters for stage in stages[name]) == base.count_params()
    assert sum(stage.layers for stage in stages[name]) == len(base.layers)
    keras.utils.clear_session(free_memory=True)


def test_a_comparison_has_a_column_for_each_network_once(stages):
    state = catalogue.Comparison(stages, "VGG16")
    assert state.facts["usual input"] == ["224 x 224 pixels"]
    both = catalogue.Comparison(stages, "VGG16", "InceptionV3")
    assert both.facts["smallest input"] == ["32 x 32 pixels", "75 x 75 pixels"]
    assert both.facts["year of the paper"] == ["2014", "2015"]
    assert both.facts["wants pixels"][1] == "from -1 to 1"
    assert both.parameters("VGG16") == 14_714_688
    assert catalogue.Comparison(stages, "VGG16", "VGG16").names == ("VGG16",)
    with pytest.raises(ValueError, match="Expected.*Received: 'ResNet50V2'"):
        catalogue.Comparison(stages, "ResNet50V2")  # not in the lesson
    text = str(catalogue.Comparison(stages, "VGG16", "MobileNet"))
    assert "VGG16: 14,714,688 parameters without the top, 48 % of them in" in text
    assert "stage 1, maps 112 x 112: 38,720" in text
    assert "MobileNet" in text and "published: 71.3 % | 70.4 %" in text


def test_the_catalogue_explorer_shows_what_is_chosen():
    view = CatalogueExplorer("ConvNeXtTiny", "ConvNeXtTiny")
    assert view.facts.value.count('scope="col"') == 1
    for name in bases.CATALOGUE:
        view.first.value = name
        assert name in view.message.value
    view.second.value, view.first.value = "none", "VGG16"
    before = view.bars.value, view.facts.value, view.message.value
    assert 'alt="VGG16: 14,714,688' in view.bars.value
    assert "ConvNeXt" not in "".join(before)
    view.second.value = "ResNet50"
    assert ">ResNet50</th>" in view.facts.value
    assert "ResNet50" in bundle_of(view)["text/plain"]
    view.second.value = "none"
    assert (view.bars.value, view.facts.value, view.message.value) == before
    for names in (("ResNet51",), ("ResNet50", "none")):
        with pytest.raises(ValueError, match="Expected one of.*Received"):
            CatalogueExplorer(*names)


def test_stage_bars_have_a_bar_for_each_stage_of_each_network(stages):
    names = ("ConvNeXtTiny", "VGG16")
    ax = plots.stage_bars({name: stages[name] for name in names}, "two")
    assert len(ax.patches) == 4 + 5
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "stage 5"
    assert {text.get_text() for text in ax.get_legend().get_texts()} == set(names)
    assert plots.stage_bars({"VGG16": stages["VGG16"]}).get_legend() is None
    plt.close("all")


# Feature maps


@pytest.fixture(scope="module")
def track():
    return load_track("glyphs")


@pytest.fixture(scope="module")
def base(track):
    return track.build_base()


@pytest.fixture
def images(track):
    return track.train.images[:3]


def test_maps_are_those_that_keras_computes(track, base, images):
    view = FeatureMapViewer(base, track.preprocess, images)
    view.image.value, view.depth.value = 1, 2
    layer = freezing.stages(base)[2].layers[-1]
    prepared = track.preprocess(images.astype("float32"))
    all_maps = keras.Model(base.input, layer.output)(prepared)
    all_maps = keras.ops.convert_to_numpy(all_maps)[1]
    found = view.state.maps
    assert found.of == all_maps.shape[-1] and len(found.channels) == 16
    spread = all_maps.std(axis=(0, 1))[list(found.channels)]
    assert spread[0] == all_maps.std(axis=(0, 1)).max()  # the strongest comes first
    assert all(np.diff(spread) < 1e-4)
    expected = all_maps[..., list(found.channels)]
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "change, names, words",
    [
        (lambda images: images.astype("float32"), None, "uint8, 0 to 255"),
        (lambda images: images[0], None, "shape \\(n, height, width, 3\\)"),
        (lambda images: images[:, :32], None, "images of \\(64, 64, 3\\)"),
        (lambda images: images[:0], None, "at least one"),
        (lambda images: images, ["a"], "one name for each of 3 images"),
    ],
)
def test_images_that_do_not_fit_are_refused(track, base, images, change, names, words):
    with pytest.raises(ValueError, match=f"(?s)Expected.*{words}.*Received"):
        FeatureMapViewer(base, track.preprocess, change(images), names)


def test_a_model_that_cannot_be_cut_is_refused(track, base, images):
    wrapped = heads.wrap(base, 3, "pool", track.preprocess)
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    for wrong, words in (
        (wrapped, f"the base itself.*get_layer.'{base.name}'"),
        (dense, "Expected.*Received"),
        ("base", "Expected a `keras.Model`. Received: str"),
    ):
        with pytest.raises(ValueError, match=words):
            FeatureMapViewer(wrong, track.preprocess, images)


def test_the_viewer_shows_what_is_chosen(track, base, images):
    view = FeatureMapViewer(base, track.preprocess, images, "abc")
    first = "stage 1: expanded_conv_project_BN, 32 x 32, 8 channels"
    assert [label for label, _ in view.depth.options][0] == first
    assert [label for label, _ in view.image.options][2] == "image 3 (c)"
    assert "of 8 maps" in view.maps.value
    assert "one for every 2 x 2 pixels" in view.maps.value
    assert 'alt="image 1 (a), 64 x 64 pixels.' in view.picture.value
    before = view.picture.value, view.maps.value, view.message.value
    view.depth.value = 1
    assert view.picture.value == before[0]
    assert view.maps.value != before[1] and "block_2_add" in view.maps.value
    view.image.value = 2
    assert view.picture.value != before[0] and 'alt="image 3 ' in view.picture.value
    said = "image 3 (c). stage 2: 8 of 8 maps, 16 x 16 each."
    assert said in view.message.value and said in repr(view)
    assert bundle_of(view)["text/html"].count("<img") == 2


@pytest.mark.parametrize("name, side", [("MobileNetV2", 224), ("ConvNeXtTiny", 32)])
def test_the_viewer_takes_photographs_and_other_networks(name, side):
    images = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), "uint8")
    base = bases.build(name, (side, side, 3), weights=None)
    view = FeatureMapViewer(base, bases.preprocessing(name), images)
    view.depth.value = len(view.state.ends) - 1
    assert f"of {base.output_shape[-1]} maps" in view.message.value
    keras.utils.clear_session(free_memory=True)


# Learning rates


@pytest.mark.parametrize(
    "curves",
    [{}, [1, 2], None, {0.0: [[1]]}, {"a": [[1]]}, {0.1: []}, {0.1: [[1], [1, 2]]}]
    + [{0.1: [[]]}],
)
def test_what_is_no_curve_is_refused(curves):
    with pytest.raises(ValueError, match="Expected.*Received"):
        LearningRateExplorer(curves)


def press(view, *rates):
    for rate, button in view.buttons.items():
        button.value = rate in rates


def test_the_learning_rate_explorer_shows_one_curve_or_several():
    view = LearningRateExplorer(CURVES)
    before = view.curves.value
    small = "1e-05 (2 draws): begins at 1.05, ends at 0.8 after 3 epochs"
    assert small in view.message.value and "0.01 (2 draws)" in view.message.value
    assert "0.0001 (2 draws)" not in view.message.value
    press(view, 1e-4, 1e-2)
    assert view.curves.value != before
    assert 'alt="Mean training loss' in view.curves.value
    for text in (view.curves.value, view.message.value):
        assert "0.0001 (2 draws)" in text and "1e-05" not in text
        assert "ends at 3.5 after 3 epochs, lies between 3.5 and 7.5" in text
    assert "0.01 (2 draws)" in bundle_of(view)["text/plain"]
    press(view)
    assert view.curves.value == "" and "No rate is chosen." in view._repr_html_()
    press(view, 1e-5, 1e-2)
    assert view.curves.value == before


def test_a_training_that_broke_has_a_curve_too():
    view = LearningRateExplorer({0.1: [[1, float("nan"), float("nan")]]})
    assert "0.1 (1 draw): begins at 1, ends at nan" in view.message.value


def test_a_learning_rate_keeps_its_colour_and_the_scale_whatever_is_shown():
    tables = LearningRateExplorer(CURVES).tables
    every, one = plots.loss_curves(tables), plots.loss_curves(tables, [1e-4])
    assert len(every.lines) == 3 and len(one.lines) == 1
    assert len({line.get_color() for line in every.lines}) == 3
    assert one.lines[0].get_color() == every.lines[1].get_color()
    assert one.get_ylim() == every.get_ylim()
    assert one.lines[0].get_ydata().tolist() == pytest.approx([1.05, 0.55, 0.25])
    plt.close("all")
