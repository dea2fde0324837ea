"""Exercises of lesson 02."""

from tlcourse import bases
from tlcourse.checks.exercise import exercise, hint, is_close, praise

VGG16_DENSE = (102_764_544, 16_781_312, 4_097_000)
VGG16 = 138_357_544


@exercise("2.1", "number")
@hint("Each of the 64 filters covers 3 x 3 pixels of all 64 channels below it.")
@praise("3 x 3 x 64 weights for each of 64 filters, and 64 biases.")
def parameters_of_a_convolution(answer):
    if answer == 3 * 3 * 64 * 64:
        return "Those are the weights. Each channel that comes out has a bias too."
    if answer in (3 * 3 * 64, 3 * 3 * 64 + 64):
        return "That is one channel deep. Each filter looks at all 64 channels."
    if answer != 3 * 3 * 64 * 64 + 64:
        return "Multiply: pixels of a filter, channels in, channels out. Then biases."


@exercise("2.2", "text")
@hint("Keep the networks with `top1 > 80`, then look for the fewest `millions`.")
@praise("No smaller one of the catalogue is as good.")
def smallest_good_network(answer):
    if answer not in bases.CATALOGUE:
        return "The catalogue has no network of that name. Copy it from the table."
    network = bases.find(answer)
    if network.top1 <= 80:
        return "Its published figure is not above 80. Look at the fourth column."
    if any(
        other.top1 > 80 and other.millions < network.millions
        for other in bases.CATALOGUE.values()
    ):
        return "It is good enough, but a smaller one is too. Compare `millions`."


@exercise("2.3", "share")
@hint("`vgg_counts` has an entry for each. The largest one over their sum.")
@praise("One dense layer holds three quarters of the network.")
def heaviest_layer_of_vgg(answer):
    if is_close(answer, sum(VGG16_DENSE) / VGG16, 0.01):
        return "That is all three dense layers. The question is about one of them."
    if is_close(answer, VGG16_DENSE[0] / sum(VGG16_DENSE), 0.01):
        return "That is its share of the dense layers. Divide by the whole network."
    if not is_close(answer, VGG16_DENSE[0] / VGG16, 0.01):
        return "Take the largest value of `vgg_counts` and divide by their sum."
