from support.SameConv2d import SameConv2d
from support.StandardizedConv2d import StandardizedConv2d


class SameStandardizedConv2d(SameConv2d, StandardizedConv2d):
    """A standardised convolution, padded as TensorFlow's SAME pads."""
