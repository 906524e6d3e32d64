from support.SameConv2d import SameConv2d
from support.ScaledStandardizedConv2d import ScaledStandardizedConv2d


class SameScaledStandardizedConv2d(SameConv2d, ScaledStandardizedConv2d):
    """A standardised convolution with a gain, padded as TensorFlow's SAME pads."""
