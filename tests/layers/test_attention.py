"""Attention and the blocks made of it against NumPy."""

import keras
import numpy as np
import pytest

from zoo.layers import LearnedPositions, MultiHeadAttention, SinePositions, TransformerBlock
from zoo.layers.attention import distance_penalty
from zoo.layers.embedding import rotate

BATCH, ASKING, ASKED, WIDTH, HEADS = 2, 4, 6, 8, 2


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def turned(x, positions):
    """Su et al. 2021, equation 34, as a product of complex numbers: (B, T, H)."""
    half = x.shape[-1] // 2
    angles = positions[:, None] / 10_000 ** (np.arange(half) / half)
    product = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)
    return np.concatenate([product.real, product.imag], axis=-1)


def attention_by_hand(layer, x, source, mask):
    """Vaswani et al. 2017, equation 1, head by head."""

    def projected(dense, y):
        kernel, bias = (keras.ops.convert_to_numpy(w) for w in dense.weights)
        return y @ kernel + bias

    width = WIDTH // layer.num_heads
    q, (k, v) = (
        projected(layer.query, x),
        np.split(projected(layer.key_value, source), 2, axis=-1),
    )
    heads = []
    for head in range(layer.num_heads):
        asking = slice(head * width, (head + 1) * width)
        place = head * layer.num_key_heads // layer.num_heads
        asked = slice(place * width, (place + 1) * width)
        query, key, value = q[..., asking], k[..., asked], v[..., asked]
        if layer.rotary:
            query = turned(query, np.arange(x.shape[1]))
            key = turned(key, np.arange(source.shape[1]))
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(width)
        heads.append(softmax(np.where(mask, scores, -np.inf)) @ value)
    return projected(layer.output_projection, np.concatenate(heads, axis=-1))


def made(num_heads=HEADS, **options):
    layer = MultiHeadAttention(num_heads, **options)
    layer.build((None, None, WIDTH))
    for weight in layer.trainable_variables:
        weight.assign(random(*weight.shape, seed=len(weight.path)) * 0.5)
    return layer


@pytest.fixture
def layer():
    return made()


def test_equals_the_equation_under_a_mask(layer):
    x, source = random(BATCH, ASKING, WIDTH), random(BATCH, ASKED, WIDTH, seed=1)
    mask = np.random.default_rng(2).random((BATCH, ASKING, ASKED)) < 0.6
    mask[..., 0] = True
    np.testing.assert_allclose(
        layer(x, source, mask), attention_by_hand(layer, x, source, mask), atol=1e-5
    )


@pytest.mark.parametrize(
    ("num_heads", "options"),
    [
        (4, {"num_key_heads": 2}),
        (4, {"num_key_heads": 1}),
        (2, {"rotary": True}),
        (4, {"num_key_heads": 2, "rotary": True}),
    ],
)
def test_shared_keys_and_rotary_positions_equal_the_equations(num_heads, options):
    layer = made(num_heads, **options)
    x = random(BATCH, ASKED, WIDTH)
    mask = np.tril(np.ones((ASKED, ASKED), bool))[None]
    given = layer(x, x, mask, positions=np.arange(ASKED)[None])
    np.testing.assert_allclose(given, attention_by_hand(layer, x, x, mask), atol=1e-5)


def test_one_query_asks_as_the_first_of_many_does():
    layer = made(4, num_key_heads=2)
    x, source = random(BATCH, 1, WIDTH), random(BATCH, ASKED, WIDTH, seed=1)
    mask = np.arange(ASKED)[None, None] < np.array([4, 6])[:, None, None]
    np.testing.assert_allclose(
        layer(x, source, mask), attention_by_hand(layer, x, source, mask), atol=1e-5
    )


def test_a_rotated_product_depends_on_the_distance_alone():
    query, key = random(1, 1, 1, WIDTH), random(1, 1, 1, WIDTH, seed=1)

    def product(asking, asked):
        turned_query = rotate(query, np.array([[asking]]))
        return float(keras.ops.sum(turned_query * rotate(key, np.array([[asked]]))))

    assert product(9, 4) == pytest.approx(product(105, 100), abs=1e-4)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-3)
    with pytest.raises(ValueError, match="heads of even width; it is 3"):
        rotate(random(1, 1, 1, 3), np.array([[0]]))


def test_learned_positions_add_the_vector_of_the_place():
    layer = LearnedPositions(5)
    x = random(BATCH, 3, WIDTH)
    whole = keras.ops.convert_to_numpy(layer(x))
    table = keras.ops.convert_to_numpy(layer.embeddings)
    np.testing.assert_allclose(whole, x + table[:3], atol=1e-6)
    moved = layer(x, np.array([[2, 3, 4], [0, 0, 1]]))
    np.testing.assert_allclose(moved, x + table[[[2, 3, 4], [0, 0, 1]]], atol=1e-6)


def test_heads_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiple of num_key_heads; 4 is not one of 3"):
        MultiHeadAttention(4, num_key_heads=3)


def test_what_is_masked_has_no_influence(layer):
    x, source = random(BATCH, ASKING, WIDTH), random(BATCH, ASKED, WIDTH, seed=1)
    mask = np.ones((BATCH, 1, ASKED), bool)
    mask[:, :, 3:] = False
    changed = source.copy()
    changed[:, 3:] = 1e3
    np.testing.assert_array_equal(layer(x, source, mask), layer(x, changed, mask))


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of num_heads; 8 is not one of 3"):
        MultiHeadAttention(3).build((None, None, WIDTH))


@pytest.mark.parametrize("causal", [True, False])
def test_a_causal_block_does_not_see_what_follows(causal):
    keras.utils.set_random_seed(0)
    block = TransformerBlock(HEADS, 16, causal=causal)
    x = random(1, ASKED, WIDTH)
    mask = np.ones((1, ASKED), bool)
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = (keras.ops.convert_to_numpy(block(y, mask)) for y in (x, changed))
    assert np.array_equal(before[:, :3], after[:, :3]) == causal
    assert not np.allclose(before[:, 3:], after[:, 3:])


def test_a_block_adds_its_three_sublayers_in_pre_norm_order():
    keras.utils.set_random_seed(0)
    block = TransformerBlock(HEADS, 16, cross_attention=True)
    x, source = random(BATCH, ASKING, WIDTH), random(BATCH, ASKED, WIDTH, seed=1)
    mask, source_mask = np.ones((BATCH, ASKING), bool), np.ones((BATCH, ASKED), bool)
    given = block(x, mask, source, source_mask)

    def norm(y):
        centred = y - y.mean(axis=-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3)

    y = norm(x)
    x = x + attention_by_hand(block.self_attention, y, y, mask[:, None])
    x = x + attention_by_hand(block.source_attention, norm(x), source, source_mask[:, None])
    hidden = keras.ops.convert_to_numpy(block.hidden(norm(x)))
    x = x + keras.ops.convert_to_numpy(block.output_projection(hidden))
    np.testing.assert_allclose(given, x, atol=1e-5)


def test_sine_positions_are_those_of_the_paper():
    width, tokens = 6, 5
    added = keras.ops.convert_to_numpy(SinePositions()(np.zeros((1, tokens, width), "float32")))[0]
    for position in range(tokens):
        for i in range(width // 2):
            angle = position / 10_000 ** (2 * i / width)
            np.testing.assert_allclose(added[position, i], np.sin(angle), atol=1e-6)
            np.testing.assert_allclose(added[position, width // 2 + i], np.cos(angle), atol=1e-6)


def test_distance_penalties_are_those_of_the_paper():
    asking, asked = np.array([[3, 4]]), np.arange(6)
    penalty = keras.ops.convert_to_numpy(distance_penalty(8, asking, asked, "float32"))
    assert penalty.shape == (1, 8, 2, 6)
    for head in range(8):
        for row, place in enumerate([3, 4]):
            expected = [-abs(place - other) / 2 ** (head + 1) for other in range(6)]
            np.testing.assert_allclose(penalty[0, head, row], expected, rtol=1e-6)


def test_a_block_sees_distance_and_nothing_else_of_the_order():
    """The same tokens further to the right, behind a mask, give the same features."""
    keras.utils.set_random_seed(0)
    block = TransformerBlock(HEADS, 16, penalize_distance=True)
    x = random(1, ASKED, WIDTH)
    shifted = np.concatenate([random(1, 3, WIDTH, seed=5), x], axis=1)
    mask = np.ones((1, ASKED + 3), bool)
    mask[:, :3] = False
    np.testing.assert_allclose(block(shifted, mask)[:, 3:], block(x, mask[:, 3:]), atol=1e-5)
    turned = keras.ops.convert_to_numpy(block(x[:, ::-1], mask[:, 3:]))[:, ::-1]
    straight = keras.ops.convert_to_numpy(block(x, mask[:, 3:]))
    np.testing.assert_allclose(turned, straight, atol=1e-5)
    swapped = keras.ops.convert_to_numpy(block(x[:, [1, 0, 2, 3, 4, 5]], mask[:, 3:]))
    assert not np.allclose(swapped[:, [1, 0, 2, 3, 4, 5]], straight, atol=1e-3)
