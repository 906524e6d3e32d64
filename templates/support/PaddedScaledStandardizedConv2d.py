from support.PaddedConv2d import PaddedConv2d
from support.ScaledStandardizedConv2d import ScaledStandardizedConv2d


class PaddedScaledStandardizedConv2d(PaddedConv2d, ScaledStandardizedConv2d):
    """A standardised convolution with a gain that pads each end by itself."""
