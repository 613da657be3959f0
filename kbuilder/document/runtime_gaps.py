"""What ONNX and LiteRT have nothing for; tests try every layer and operation."""

from __future__ import annotations

_OPERATIONS_IN_NEITHER = {
    *("argmax", "argmin", "cholesky", "cholesky_inverse", "cross", "ctc_decode", "cumprod"),
    *("eig", "eigh", "erfinv", "fft", "fft2", "gcd", "i0", "ifft2", "image.affine_transform"),
    *("image.hsv_to_rgb", "image.map_coordinates", "image.perspective_transform"),
    *("image.rgb_to_hsv", "in_top_k", "inv", "irfft", "istft", "lcm", "logdet", "matrix_rank"),
    *("nanargmax", "nanargmin", "nancumprod", "nextafter", "pinv", "polar", "qr", "signbit"),
    *("slogdet", "solve", "solve_triangular", "svd", "trace", "unfold", "unravel_index"),
}
_OPERATIONS_NOT_IN_ONNX = _OPERATIONS_IN_NEITHER | {
    *("argpartition", "ctc_loss", "digitize", "rfft", "segment_max", "segment_min"),
    *("slice_update", "stft", "view"),
}
_OPERATIONS_NOT_IN_LITERT = _OPERATIONS_IN_NEITHER | {
    *("arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "bincount", "bitwise_and"),
    *("bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "cosh", "det", "diag"),
    *("diagonal", "erf", "erfc", "image.elastic_transform", "left_shift", "median", "percentile"),
    *("quantile", "roll", "sinh", "sparse_categorical_crossentropy", "tan"),
}

NOT_IN_ONNX = {
    *("Discretization", "Hashing", "HashedCrossing", "IntegerLookup", "MelSpectrogram"),
    *("StringLookup", "TextVectorization"),
    *(f"ops.{name}" for name in _OPERATIONS_NOT_IN_ONNX),
}
NOT_IN_LITERT = {
    *("AdaptiveAveragePooling3D", "AdaptiveMaxPooling3D", "AveragePooling3D", "CategoryEncoding"),
    *("Hashing", "HashedCrossing", "IntegerLookup", "MaxPooling3D", "StringLookup"),
    "TextVectorization",
    *(f"ops.{name}" for name in _OPERATIONS_NOT_IN_LITERT),
}
