"""What the signatures of ``keras.ops`` do not tell: what is left out, what takes lists, kinds, presets."""

from __future__ import annotations

from typing import Any

from kbuilder.engine.introspect_facts import DTYPES

LEFT_OUT = {
    # make tensors out of nothing, which no graph of layers can feed
    *("arange", "array", "bartlett", "blackman", "empty", "eye", "full", "geomspace", "hamming"),
    *("hanning", "identity", "kaiser", "linspace", "logspace", "ones", "tri", "vander", "zeros"),
    # take functions, or give what is no tensor
    *("associative_scan", "cond", "convert_to_numpy", "convert_to_tensor", "custom_gradient"),
    *("dtype", "fori_loop", "is_tensor", "jvp", "map", "ndim", "scan", "shape", "size", "switch"),
    *("vectorize", "vectorized_map", "while_loop"),
    # have outputs whose shape depends on the values
    *("nonzero", "unique"),
    # take lists of conditions and choices, and an array of sizes that must not be symbolic
    *("select", "image.scale_and_translate"),
    "rearrange",  # does not take an open batch dimension in Keras 3.15
    "image.extract_patches_3d",  # in files it cannot be told from extract_patches
    # give no symbolic result in Keras 3.15
    *("diff", "histogram", "lstsq"),
    # take one vector and no batch of them
    *("correlate", "lu_factor", "searchsorted"),
    "meshgrid",  # gives as many tensors as it gets
    "conv_transpose",  # swaps two of its arguments in Keras 3.15
    # compute only outside of a traced function in Keras 3.15, so that no model with them runs
    *("corrcoef", "isin", "kron", "nanmedian", "nanpercentile", "nanquantile"),
    "view_as_complex",  # fails on the backend of TensorFlow
}

LISTS = {
    "concatenate": "xs",
    "stack": "x",
    "hstack": "xs",
    "vstack": "xs",
    "dstack": "xs",
    "einsum": "operands",
    **dict.fromkeys(("fft", "fft2", "ifft2", "irfft", "istft"), "x"),  # real and imaginary part
}
"""Functions over any number of tensors, and the argument that takes them."""

CLASSES = {"cast": "Cast", "pad": "Pad", "saturate_cast": "SaturateCast"}
"""The operation behind functions whose text does not show it."""

PARAMETERS_IN_CALL = {
    *("fill_value", "q", "start_indices"),
    *("get_item.key", "dot_product_attention.scale", "pad.constant_values"),
}
"""Arguments of the operation's call that are settings, not results of other layers."""

OUTPUTS = {
    "divmod": 2,
    "eig": 2,
    "eigh": 2,
    "moments": 2,
    "qr": 2,
    "rfft": 2,
    "irfft": 1,
    "fft": 2,
    "fft2": 2,
    "ifft2": 2,
    "stft": 2,
    "slogdet": 2,
    "svd": 3,
    "top_k": 2,
    "ctc_decode": 2,
}
"""Functions with several results; those whose number depends on a parameter are in document/ports.py."""

_AXIS = {"kinds": ("int", "shape"), "minimum": None}
_SHAPE = {"kinds": ("shape",)}
_PAIRS = ("split", "array_split", "hsplit", "vsplit", "dsplit")
_INTERPOLATION = {"kinds": ("choice",), "choices": ("nearest", "bilinear")}
_RESIZING = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
_FILL = {"kinds": ("choice",), "choices": ("constant", "nearest", "wrap", "mirror", "reflect")}
_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")

FACTS: dict[str, dict[str, Any]] = {
    "axis": _AXIS,
    "axes": {"kinds": ("int", "shape", "value")},
    **{name: {"kinds": ("int",)} for name in ("axis1", "axis2", "axisa", "axisb", "axisc")},
    **dict.fromkeys(
        ("newshape", "shape", "output_shape", "size", "output_size", "start_indices"), _SHAPE
    ),
    "dtype": {"kinds": ("choice",), "choices": (*DTYPES, "int32", "int64", "uint8", "bool")},
    "data_format": {"kinds": ("choice",), "choices": ("channels_last", "channels_first")},
    "padding": {"kinds": ("choice",), "choices": ("valid", "same")},
    "fold.padding": {"kinds": ("int", "shape"), "choices": ()},
    "unfold.padding": {"kinds": ("int", "shape"), "choices": ()},
    **{
        name: {"kinds": ("int", "shape"), "minimum": 1}
        for name in ("strides", "pool_size", "kernel_size", "dilation_rate", "dilation", "stride")
    },
    "output_padding": {"kinds": ("int", "shape")},
    "image.extract_patches.size": {"kinds": ("int", "shape"), "minimum": 1},
    "image.extract_patches_3d.size": {"kinds": ("int", "shape"), "minimum": 1},
    "adaptive_average_pool.output_size": {"kinds": ("int", "shape"), "minimum": 1},
    "adaptive_max_pool.output_size": {"kinds": ("int", "shape"), "minimum": 1},
    **{f"{name}.indices_or_sections": {"kinds": ("int", "shape"), "minimum": 1} for name in _PAIRS},
    "shift": {"kinds": ("int", "shape")},
    "repeats": {"kinds": ("int", "shape"), "minimum": 0},
    "source": {"kinds": ("int", "shape")},
    "destination": {"kinds": ("int", "shape")},
    "pad_width": {"kinds": ("int", "value")},
    "pad.mode": {"kinds": ("choice",), "choices": ("constant", "reflect", "symmetric")},
    "pad.constant_values": {"kinds": ("float",)},
    "qr.mode": {"kinds": ("choice",), "choices": ("reduced", "complete")},
    "window": {"kinds": ("choice",), "choices": ("hann", "hamming")},
    "strategy": {"kinds": ("choice",), "choices": ("greedy", "beam_search")},
    "reduction": {"kinds": ("choice",), "choices": ("add", "max", "min", "mul")},
    "interpolation": _INTERPOLATION,
    "image.resize.interpolation": {"kinds": ("choice",), "choices": _RESIZING},
    "fill_mode": _FILL,
    "image.resize.fill_mode": {"kinds": ("choice",), "choices": ("constant",)},
    "method": {"kinds": ("choice",), "choices": _METHODS},
    "subscripts": {"kinds": ("text",)},
    "get_item.key": {"kinds": ("text",)},
    "q": {"kinds": ("float", "value")},
    "fill_value": {"kinds": ("float", "int")},
    **{
        name: {"kinds": ("int",)}
        for name in (
            *("k", "n", "kth", "num", "N", "num_classes", "num_segments", "block_size", "seed"),
            *("fft_length", "length", "sequence_length", "sequence_stride", "decimals", "order"),
            *("top_cropping", "left_cropping", "bottom_cropping", "right_cropping"),
            *("top_padding", "left_padding", "bottom_padding", "right_padding"),
            *("target_height", "target_width"),
        )
    },
    "image.affine_transform.order": {"kinds": ("int",)},
    "normalize.order": {"kinds": ("int", "float")},
    "linalg.norm.ord": {"kinds": ("int", "float", "text")},
    "norm.ord": {"kinds": ("int", "float", "text")},
    **{
        name: {"kinds": ("float",)}
        for name in (
            *("x_min", "x_max", "threshold", "default_value", "nan", "posinf", "neginf", "max_val"),
            *("epsilon", "initial", "rcond", "tol", "scale", "attn_logits_soft_cap", "alpha"),
        )
    },
    "is_causal": {"kinds": ("bool",)},
    "flash_attention": {"kinds": ("bool",)},
    "sigma": {"kinds": ("float", "value")},
    "image.gaussian_blur.kernel_size": {"kinds": ("shape",), "length": 2, "minimum": 1},
}
"""By parameter, or by "function.parameter" where one differs."""

PRESETS: dict[str, dict[str, Any]] = {
    "adaptive_average_pool": {"output_size": [4, 4]},
    "adaptive_max_pool": {"output_size": [4, 4]},
    "argpartition": {"kth": 1},
    "average_pool": {"pool_size": 2},
    "batch_normalization": {"axis": -1},
    "broadcast_to": {"shape": [2, 8]},
    "cast": {"dtype": "float32"},
    "clip": {"x_min": 0.0, "x_max": 1.0},
    "concatenate": {"axis": -1},
    "depth_to_space": {"block_size": 2},
    "digitize": {"bins": [0.0, 1.0]},
    "dsplit": {"indices_or_sections": 2},
    "einsum": {"subscripts": "...i,...i->..."},
    "expand_dims": {"axis": -1},
    "extract_sequences": {"sequence_length": 4, "sequence_stride": 2},
    "fold": {"output_size": [8, 8], "kernel_size": 2},
    "full_like": {"fill_value": 0.0},
    "get_item": {"key": ":, 0"},
    "hsplit": {"indices_or_sections": 2},
    "image.extract_patches": {"size": 4},
    "image.extract_patches_3d": {"size": 4},
    "image.map_coordinates": {"order": 1},
    "image.resize": {"size": [64, 64]},
    "in_top_k": {"k": 3},
    "istft": {"sequence_length": 64, "sequence_stride": 16, "fft_length": 64},
    "max_pool": {"pool_size": 2},
    "moments": {"axes": [-1]},
    "moveaxis": {"source": -1, "destination": 1},
    "multi_hot": {"num_classes": 10},
    "nanpercentile": {"q": 50.0, "axis": -1},
    "nanquantile": {"q": 0.5, "axis": -1},
    "one_hot": {"num_classes": 10},
    "pad": {"pad_width": [[0, 0], [1, 1]]},
    "percentile": {"q": 50.0, "axis": -1},
    "psnr": {"max_val": 1.0},
    "quantile": {"q": 0.5, "axis": -1},
    "repeat": {"repeats": 2, "axis": -1},
    "reshape": {"newshape": [-1, 8]},
    "roll": {"shift": 1, "axis": -1},
    "saturate_cast": {"dtype": "uint8"},
    "scatter": {"shape": [8]},
    "slice": {"start_indices": [0, 0], "shape": [1, 4]},
    "slice_update": {"start_indices": [0, 0]},
    "space_to_depth": {"block_size": 2},
    "split": {"indices_or_sections": 2, "axis": -1},
    "array_split": {"indices_or_sections": 2, "axis": -1},
    "stack": {"axis": -1},
    "stft": {"sequence_length": 64, "sequence_stride": 16, "fft_length": 64},
    "swapaxes": {"axis1": -1, "axis2": -2},
    "threshold": {"threshold": 0.0, "default_value": 0.0},
    "tile": {"repeats": [1, 2]},
    "top_k": {"k": 3},
    "transpose": {"axes": [0, 2, 1]},
    "unfold": {"kernel_size": 2},
    "unravel_index": {"shape": [4, 4]},
    "unstack": {"axis": -1},
    "vsplit": {"indices_or_sections": 2},
    **{
        name: {"axis": -1}
        for name in (
            *("all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero"),
            *(
                "cumprod",
                "cumsum",
                "flip",
                "logsumexp",
                "max",
                "mean",
                "median",
                "min",
                "nanargmax",
            ),
            *("nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin"),
            *("nanprod", "nanstd", "nansum", "nanvar", "norm", "prod", "ptp", "std", "sum", "take"),
            *("take_along_axis", "var"),
        )
    },
}
"""Values when the operation is added: what is required, and the last axis where Keras takes the batch too."""
