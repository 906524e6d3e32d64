from support.PaddedConv2d import PaddedConv2d
from support.StandardizedConv2d import StandardizedConv2d


class PaddedStandardizedConv2d(PaddedConv2d, StandardizedConv2d):
    """A standardised convolution that pads each end by itself."""
