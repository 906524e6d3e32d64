from support.MaskedConv2d import MaskedConv2d
from support.SameConv2d import SameConv2d


class SameMaskedConv2d(SameConv2d, MaskedConv2d):
    """A masked convolution, padded as TensorFlow's SAME pads."""
