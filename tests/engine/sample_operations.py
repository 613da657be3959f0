"""For every operation of the catalogue a graph that feeds it what it really takes."""

from __future__ import annotations

from typing import Any

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import Edge, Graph, Node

Sample = tuple[tuple[int, ...], str]

FLOATS: Sample = ((8,), "float32")
MATRICES: Sample = ((4, 4), "float32")
STEPS: Sample = ((6, 8), "float32")
PICTURES: Sample = ((32, 32, 3), "float32")
WAVES: Sample = ((256,), "float32")
WHOLE: Sample = ((8,), "int32")
ONE: Sample = ((), "int32")

_SQUARE = (
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "logdet",
    "lu_factor",
    "slogdet",
)
_OF_MATRICES = (*_SQUARE, "matmul", "matrix_rank", "pinv", "qr", "solve", "solve_triangular", "svd")
_OF_PICTURES = (
    *("adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool", "depth_to_space"),
    *("space_to_depth", "extract_patches", "ssim"),
)
_OF_STEPS = (
    "transpose",
    "swapaxes",
    "moveaxis",
    "rearrange",
    "rot90",
    "trace",
    "diagonal",
    "tril",
    "triu",
)
_OF_WHOLE = (
    "bitwise",
    "left_shift",
    "right_shift",
    "gcd",
    "lcm",
    "bincount",
    "one_hot",
    "multi_hot",
)

SAMPLES: dict[str, tuple[Sample, ...]] = {
    **dict.fromkeys(_OF_MATRICES, (MATRICES, MATRICES)),
    **dict.fromkeys(_OF_PICTURES, (PICTURES, PICTURES)),
    **dict.fromkeys(_OF_STEPS, (STEPS,)),
    "depth_to_space": (((4, 4, 8), "float32"),),
    "batch_normalization": (FLOATS,),
    "layer_normalization": (FLOATS,),
    "rms_normalization": (FLOATS,),
    "conv": (PICTURES,),
    "depthwise_conv": (PICTURES,),
    "separable_conv": (PICTURES,),
    "cross": (((3,), "float32"), ((3,), "float32")),
    "ctc_decode": (((12, 5), "float32"), ONE),
    "ctc_loss": (((4,), "int32"), ((12, 5), "float32"), ONE, ONE),
    "dot": (FLOATS,),
    "dot_product_attention": (((6, 2, 4), "float32"),) * 3,
    "dsplit": (((4, 6, 2), "float32"),),
    "vsplit": (((6, 2), "float32"),),
    "extract_sequences": (WAVES,),
    "fft": (WAVES, WAVES),
    "fft2": (STEPS, STEPS),
    "ifft2": (STEPS, STEPS),
    "irfft": (((129,), "float32"),) * 2,
    "istft": (((17, 33), "float32"),) * 2,
    "rfft": (WAVES,),
    "stft": (WAVES,),
    "fold": (((12, 49), "float32"),),
    "unfold": (((3, 8, 8), "float32"),),
    "in_top_k": (ONE, FLOATS),
    "scatter": (((1,), "int32"),),
    "slice_update": (FLOATS,),
    "scatter_update": (FLOATS,),
    "sparse_categorical_crossentropy": (ONE, FLOATS),
    "take": (FLOATS,),
    "take_along_axis": (FLOATS, WHOLE),
    "tensordot": (FLOATS,),
    "unravel_index": (WHOLE,),
    "where": (((8,), "bool"), FLOATS, FLOATS),
    "ldexp": (FLOATS, WHOLE),
    "squeeze": (((1, 8), "float32"),),
    "image.affine_transform": (PICTURES, ((8,), "float32")),
    "image.map_coordinates": (((8, 8), "float32"),),
    "image.perspective_transform": (PICTURES, ((4, 2), "float32"), ((4, 2), "float32")),
}
VALUES: dict[str, dict[str, Any]] = {
    "batch_normalization": {"mean": [0.0] * 8, "variance": [1.0] * 8},
    "conv": {"kernel": [[[[0.1]] * 3] * 2] * 2},
    "depthwise_conv": {"kernel": [[[[0.1]] * 3] * 2] * 2},
    "separable_conv": {
        "depthwise_kernel": [[[[0.1]] * 3] * 2] * 2,
        "pointwise_kernel": [[[[0.1, 0.2]] * 3]],
    },
    "dot": {"x2": [[0.5] * 3] * 8},
    "tensordot": {"x2": [[0.5] * 3] * 8, "axes": 1},
    "scatter": {"values": [1.0, 1.0]},
    "slice_update": {"updates": [[5.0, 6.0]]},
    "scatter_update": {"indices": [[0, 1]], "updates": [9.0]},
    "take": {"indices": [0, 2]},
    "image.map_coordinates": {"coordinates": [[0.0, 1.0], [0.5, 0.5], [1.0, 2.0]]},
    "image.crop_images": {
        "top_cropping": 2,
        "left_cropping": 2,
        "target_height": 8,
        "target_width": 8,
    },
    "image.pad_images": {
        "top_padding": 2,
        "left_padding": 2,
        "target_height": 40,
        "target_width": 40,
    },
    "squeeze": {"axis": 1},
    **{f"segment_{kind}": {"num_segments": 8} for kind in ("max", "min", "prod", "sum")},
    "unstack": {"num": 8, "axis": -1},
    "view": {"dtype": "int32"},
}


def samples_of(spec: ClassSpec) -> tuple[Sample, ...]:
    """Shape and dtype of what feeds each port, in their order."""
    name = spec.class_name.removeprefix("ops.")
    if name in SAMPLES:
        return SAMPLES[name]
    usual = FLOATS
    if name.startswith(_OF_WHOLE):
        usual = WHOLE
    elif name.startswith("logical_"):
        usual = ((8,), "bool")
    elif name.startswith("image."):
        usual = PICTURES
    elif name.startswith("segment_"):
        return (FLOATS, ONE)
    if spec.many_inputs:
        return (usual, usual)
    return (usual,) * (len(spec.ports) - spec.optional_ports)


def graph_of(spec: ClassSpec) -> Graph:
    """The operation as node ``it``, fed by Inputs."""
    name = spec.class_name.removeprefix("ops.")
    params = {**spec.preset, **VALUES.get(name, {})}
    free = [port for port in range(9) if spec.many_inputs or port < len(spec.ports)]
    free = [port for port in free if spec.many_inputs or spec.ports[port] not in params]
    inputs = [
        Node(
            id=f"in{port}",
            name=f"in{port}",
            class_name="Input",
            params={"shape": [*shape], "dtype": dtype},
        )
        for port, (shape, dtype) in zip(free, samples_of(spec), strict=False)
    ]
    edges = [
        Edge(source=node.id, target="it", target_port=port)
        for node, port in zip(inputs, free, strict=False)
    ]
    it = Node(id="it", name="it", class_name=spec.class_name, params=params)
    return Graph(nodes=(*inputs, it), edges=tuple(edges))
