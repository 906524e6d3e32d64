from support.MaskedConv2d import MaskedConv2d
from support.PaddedConv2d import PaddedConv2d


class PaddedMaskedConv2d(PaddedConv2d, MaskedConv2d):
    """A masked convolution that pads each end by itself."""
