"""Source as text, its pieces, and the small GPT of lesson 15."""

import json
import pathlib
import re
import subprocess

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from needs import with_node

from data.making import words as making
from data.making import words_base, words_browser
from data.making.ngrams import NGrams
from tlcourse._util import assets
from tlcourse.data import words
from tlcourse.data.words import encode, load_source_code
from tlcourse.widgets import pictures

# Keras's Embedding, saved under NumPy 2 with TensorFlow.
keras_saves = pytest.mark.filterwarnings(
    "ignore:__array__ implement:DeprecationWarning"
)
ROOT = pathlib.Path(__file__).resolve().parent.parent
PIECES = ["\n", *map(chr, range(32, 127)), "self", "self.", "    "]
printable = st.text(st.sampled_from(["\n", *map(chr, range(32, 127))]))


@given(printable)
def test_pieces_put_together_are_the_text(text):
    assert "".join(PIECES[token] for token in encode(text, PIECES)) == text


def test_the_longest_piece_is_taken():
    assert [PIECES[token] for token in encode("self.x", PIECES)] == ["self.", "x"]


def test_a_file_is_held_out_or_shown_and_never_both(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "_root", lambda package: tmp_path)
    names = [f"part_{k}.py" for k in range(100)]
    for name in names:
        (tmp_path / name).write_text(f"# <{name}>\n")
    shown, held_out = load_source_code("x"), load_source_code("x", "held out")
    found = {name: (f"<{name}>" in shown, f"<{name}>" in held_out) for name in names}
    assert set(found.values()) == {(True, False), (False, True)}
    assert load_source_code("x", seed=1) != shown
    assert sorted(load_source_code("x", seed=1)) == sorted(shown)


def test_tests_and_what_was_generated_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "_root", lambda package: tmp_path)
    for name in ("test/a.py", "a/tests/b.py", "a_test.py", "_sysconfigdata_x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("no")
    (tmp_path / "a" / "b.py").write_text("tab\té\x07")
    both = [load_source_code("x", part) for part in ("training", "held out")]
    assert "".join(both) == "tab    ??"


@pytest.mark.parametrize("name", ["not_installed_at_all", "this", "numpy2"])
def test_a_package_that_cannot_be_read_is_named(name):
    with pytest.raises(ValueError, match=f"installed package.*Received: '{name}'"):
        load_source_code(name)


@pytest.mark.parametrize("part", ["heldout", "validation", None])
def test_a_part_that_there_is_not_is_not_taken_for_training(part):
    with pytest.raises(ValueError, match="'training' or 'held out'. Received"):
        load_source_code("keras", part)


def test_pairs_of_neighbours_become_pieces():
    found = words_base.find_pieces("abab abab abab cd", 98)
    assert found[96:] == ["ab", "abab"]


def small(seed=0):
    keras.utils.set_random_seed(seed)
    network = words_base.build(20, width=8, depth=1, heads=2, context=12)
    words_base.compile_for(network, 400, 1e-2)
    return network


def batches(start, stop):
    tokens = np.arange(600, dtype="int32") % 20
    return words_base.Batches(tokens, start, stop, batch=2, context=12)


@keras_saves
def test_interrupted_training_arrives_at_the_same_weights(tmp_path):
    at_once = words_base.train(small(), batches, tmp_path / "a", 6, a_round=3)
    words_base.train(small(), batches, tmp_path / "b", 3, a_round=3)
    later = words_base.train(small(seed=1), batches, tmp_path / "b", 6, a_round=3)
    for one, other in zip(at_once.get_weights(), later.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(path.name for path in pathlib.Path(tmp_path, "b").iterdir()) == [
        "state.json",
        "step_6.weights.h5",
    ]


@keras_saves
def test_weights_in_half_precision_are_read_by_keras(tmp_path):
    network, other = small(), words_base.build(20, 8, 1, 2, 12)
    words_base.save(network, tmp_path / "gpt.weights.h5")
    size = (tmp_path / "gpt.weights.h5").stat().st_size
    assert size < 60_000 + 2 * network.count_params()  # no optimizer in it
    other.load_weights(tmp_path / "gpt.weights.h5")
    for one, two in zip(network.get_weights(), other.get_weights(), strict=True):
        assert two.dtype == "float32"
        np.testing.assert_array_equal(one.astype("float16"), two.astype("float16"))
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.weights.h5"]


def test_the_network_does_not_look_ahead():
    network, tokens = small(), np.arange(12)[None] % 20
    changed = tokens.copy()
    changed[0, 7:] = 0
    one, other = (network.predict(x, verbose=0)[0] for x in (tokens, changed))
    np.testing.assert_allclose(one[:7], other[:7], atol=1e-6)
    assert np.abs(one[7:] - other[7:]).max() > 1e-3


def test_bits_are_the_same_computed_by_hand():
    network, pieces = small(), ["x" * (k + 1) for k in range(20)]
    windows = np.arange(26).reshape(2, 13) % 20
    logits = network.predict(windows[:, :-1], verbose=0).astype("float64")
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    asked = windows[:, 1:]
    of_asked = np.take_along_axis(chances, asked[..., None], -1)
    wanted = -np.log2(of_asked).sum() / (asked + 1).sum()
    found = words_base.bits_per_character(network, windows, pieces)
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("way, trains", [("head", {"head"}), ("everything", None)])
def test_what_trains(way, trains):
    network = small()
    network.trainable = False
    making.prepare(way, network)
    changing = {layer.name for layer in network.layers if layer.trainable_weights}
    every = {layer.name for layer in network.layers if layer.weights}
    assert changing == (trains or every)


def test_lora_adds_small_matrices_and_leaves_the_kernels():
    network, before = small(), small().count_params()
    making.prepare("LoRA", network)
    kernels = [w for w in network.trainable_weights if w.name == "kernel"]
    added = [w for w in network.trainable_weights if "lora" in w.name]
    assert not kernels and len(added) == 2 * 6
    assert network.count_params() > before


def test_counts_of_neighbours_learn_what_repeats():
    counts = NGrams("spam and eggs, " * 40)
    assert counts.bits_per_character("spam and eggs, " * 3) < 0.1
    assert counts.bits_per_character("qqqqqqqqqqqqqq") > 6


def test_chances_of_all_characters_add_up_to_one():
    counts = NGrams("the cat sat on the mat")
    each = [counts.bits_per_character(f"the c{chr(k)}") for k in range(32, 127)]
    newline = counts.bits_per_character("the c\n")
    assert sum(2.0**-bits for bits in [*each, newline]) == pytest.approx(1, abs=0.02)


def test_a_window_is_answered_by_itself_moved_on_by_one():
    x, y = words.windows("def call(self): return self.x\n" * 40, 5, length=20)
    assert x.shape == y.shape == (5, 20)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    again, other = (words.windows("a b c\n" * 99, 6, seed, 9)[0] for seed in (1, 2))
    assert not np.array_equal(again, other)
    np.testing.assert_array_equal(again, words.windows("a b c\n" * 99, 6, 1, 9)[0])


def test_a_text_too_short_for_a_window_is_refused():
    with pytest.raises(ValueError, match="takes 129 pieces. Received: a text of"):
        words.windows("x = 1", 3)


def test_texts_end_where_their_label_says(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "_root", lambda package: tmp_path)
    code = 'value = 12345678\ntext = """ssssssssssss"""\n# cccccccccccccccc\n'
    for k in range(40):
        (tmp_path / f"m{k}.py").write_text(code * 3)
    texts, labels = words.load_positions("training", 20)
    assert labels.tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert {len(text) for text in texts} == {1000}
    for text, label in zip(texts, labels, strict=True):
        last = text.splitlines()[-1]
        assert ("#" in last) == (label == 2)
        assert ('""' in last) or label != 1


def test_what_was_measured_has_three_draws_of_three_sizes():
    for way in ("head", "LoRA", "everything", "scratch", "n-gram", "xz"):
        sizes, bits = words.load_measurements(way, "keras")
        assert sizes == [2_000, 20_000, 200_000] and bits.shape == (3, 3)
        assert (bits[0] > bits[-1]).all()
    with pytest.raises(ValueError, match="must be one of .*LoRA.*Received: 'nothing'"):
        words.load_measurements("nothing", "keras")


@keras_saves
def test_the_base_is_far_better_than_chance_on_what_it_never_saw():
    network, pieces = words_base.build(), words.load_pieces()
    text = words.load_source_code("python", "held out")
    windows = words_base.spread(encode(text, pieces), 64)
    untrained = words_base.bits_per_character(network, windows, pieces)
    network.load_weights(words.base_weights())
    found = words_base.bits_per_character(network, windows, pieces)
    stored = json.loads((ROOT / "data" / "gpt_python.json").read_text())
    # Measured on another Python's library, of which this one may share little.
    assert found == pytest.approx(stored["bits_held_out"], abs=0.6)
    assert found < untrained / 2
    assert found < 2 < np.log2(96)


def test_the_lesson_builds_the_network_that_was_trained():
    source = (ROOT / "lessons" / "src" / "15_words.py").read_text("utf-8")
    code = re.search(r"^def build\(\):.*?(?=^# %%)", source, re.S | re.M)[0]
    names = {"keras": keras, "layers": keras.layers, "pieces": words.load_pieces()}
    exec(code, names)
    ours, trained = names["build"](), words_base.build()
    assert [w.shape for w in ours.weights] == [w.shape for w in trained.weights]
    ours.set_weights(trained.get_weights())
    tokens = np.arange(40)[None] % 512
    one, other = (model.predict(tokens, verbose=0) for model in (ours, trained))
    np.testing.assert_allclose(one, other, atol=1e-5)


EXPECT = """import fs from "node:fs";
import { adapted, encode, expects, openGpt } from "./gpt.js";
const gpt = openGpt(fs.readFileSync(process.argv[1]));
const tokens = encode(gpt.pieces, process.argv[2]);
const found = [0, ...gpt.sizes].map((size) => expects(gpt, adapted(gpt, size), tokens));
console.log(JSON.stringify({ tokens, found }));"""


def in_node(path, text):
    """What the browser's code expects after `text`, for the base and each size."""
    command = ["node", "--input-type=module", "-e", EXPECT, str(path), text]
    ended = subprocess.run(
        command, cwd=pictures.HERE, capture_output=True, text=True, check=True
    )
    return json.loads(ended.stdout)


def in_keras(network, tokens):
    logits = network.predict(np.array([tokens]), verbose=0)[0, -1].astype("float64")
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@with_node
def test_the_browser_expects_what_keras_expects(tmp_path):
    keras.utils.set_random_seed(3)
    network = words_base.build(len(PIECES), width=16, depth=2, heads=4, context=20)
    arrays = words_browser.name_arrays(network)
    text, found = "def call(self):\n    self.x = ", []
    tokens = encode(text, PIECES)
    # On a network of its own: what `predict` has compiled would not know of LoRA.
    untouched = keras.models.clone_model(network)
    untouched.set_weights(network.get_weights())
    found.append(in_keras(untouched, tokens[-20:]))
    making.prepare("LoRA", network)
    rng = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    changes = words_browser.name_changes(network)
    arrays |= {f"lora0/{name}": array for name, array in changes.items()}
    found.append(in_keras(network, tokens[-20:]))
    parts = {"width": 16, "heads": 4, "depth": 2, "context": 20}
    content = words_browser.pack(arrays, pieces=PIECES, sizes=[5], **parts)
    (tmp_path / "gpt.bin").write_bytes(content)
    seen = in_node(tmp_path / "gpt.bin", text)
    assert seen["tokens"] == tokens.tolist()
    np.testing.assert_allclose(seen["found"], found, atol=2e-3)
    assert np.abs(found[0] - found[1]).max() > 0.015  # LoRA's part is seen


@with_node
@keras_saves
def test_the_shipped_picture_is_the_base_of_the_lesson():
    network, text = words_base.build(), "class Layer("
    network.load_weights(words.base_weights())
    seen = in_node(assets.shipped("gpt_base.bin"), text)
    wanted = in_keras(network, encode(text, words.load_pieces()))
    np.testing.assert_allclose(seen["found"][0], wanted, atol=5e-3)
    assert len(seen["found"]) == 4


def test_where_training_only_harms_the_untouched_network_is_kept():
    keras.utils.set_random_seed(0)
    network = words_base.build(20, width=8, depth=1, heads=2)
    tokens = np.arange(1500, dtype="int32") % 20
    tokens[1200:] = np.arange(300) * 7 % 20  # the last fifth goes in other steps
    before = network.get_weights()
    assert making.tune("everything", network, tokens, 0, rate=1.0) == 0
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_where_training_helps_the_best_network_is_kept():
    keras.utils.set_random_seed(0)
    network, tokens = words_base.build(20, width=8, depth=1, heads=2), np.arange(1500)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    _, *seen = making.split(tokens % 20)
    network.compile(loss=loss)
    before = network.evaluate(*seen, verbose=0)
    assert making.tune("everything", network, tokens % 20, 0) > 0
    assert network.evaluate(*seen, verbose=0) < before - 0.1


def test_what_says_when_to_stop_is_not_trained_on():
    tokens = np.arange(2000)
    shown, x, y = making.split(tokens)
    assert shown.max() < x.min() and len(shown) == 1600
    np.testing.assert_array_equal(x + 1, y)
