"""Kinds, choices and limits of parameters by name, where the docstrings do not tell them."""

from __future__ import annotations

from typing import Any

INITIALIZERS = "Initializers"
PENALTIES = "Regularizers & constraints"
OTHER = "Other"

DTYPES = ("float32", "float16", "bfloat16", "float64")
INPUT_DTYPES = (*DTYPES, "int8", "int32", "int64", "uint8", "bool", "string")
LAYER_DTYPES = (*DTYPES, "mixed_float16", "mixed_bfloat16", "int32", "int64", "string")

_IMAGE_INTERPOLATION = ("nearest", "bilinear")
_RESIZE_INTERPOLATION = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
_UPSAMPLING = tuple(name for name in _RESIZE_INTERPOLATION if name != "nearest")
_TOKEN_OUTPUT = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_F_AVERAGE = ("micro", "macro", "weighted")

# By parameter name, or by "Class.name" where one class differs. Later keys win over earlier guesses.
FACTS: dict[str, dict[str, Any]] = {
    "activation": {"kinds": ("choice",), "optional": True},
    "Activation.activation": {"optional": False},
    "recurrent_activation": {"kinds": ("choice",), "optional": True},
    "seed": {"kinds": ("int",), "optional": True, "advanced": True, "group": OTHER},
    "dtype": {
        "kinds": ("choice",),
        "choices": LAYER_DTYPES,
        "optional": True,
        "advanced": True,
        "group": OTHER,
    },
    "name": {"kinds": ("text",), "advanced": True, "group": OTHER},
    "data_format": {
        "kinds": ("choice",),
        "choices": ("channels_last", "channels_first"),
        "optional": True,
        "advanced": True,
        "group": OTHER,
    },
    "padding": {"kinds": ("choice",), "choices": ("valid", "same")},
    "Conv1D.padding": {"kinds": ("choice",), "choices": ("valid", "same", "causal")},
    **{
        f"ZeroPadding{rank}D.padding": {"kinds": kinds, "choices": ()}
        for rank, kinds in ((1, ("int", "value")), (2, ("shape", "value")), (3, ("value",)))
    },
    "noise_shape": {"kinds": ("shape",), "optional": True, "advanced": True},
    "learning_rate": {"kinds": ("float", "object"), "of": "schedules", "minimum": 0.0},
    "fill_mode": {"kinds": ("choice",), "choices": ("constant", "nearest", "reflect", "wrap")},
    "Resizing.fill_mode": {"kinds": ("choice",), "choices": ("constant",)},
    "interpolation": {"kinds": ("choice",), "choices": _IMAGE_INTERPOLATION},
    "Resizing.interpolation": {"choices": _RESIZE_INTERPOLATION},
    "UpSampling2D.interpolation": {"choices": ("nearest", *_UPSAMPLING)},
    "RandomFlip.mode": {
        "kinds": ("choice",),
        "choices": ("horizontal", "vertical", "horizontal_and_vertical"),
    },
    "STFTSpectrogram.mode": {
        "kinds": ("choice",),
        "choices": ("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
    },
    "scaling": {"kinds": ("choice",), "choices": ("density", "spectrum"), "optional": True},
    "window": {"kinds": ("choice",), "choices": ("hann", "hamming"), "optional": True},
    "side": {"kinds": ("choice",), "choices": ("real", "imag")},
    "output_mode": {"kinds": ("choice",), "choices": ("int", "one_hot", "multi_hot", "count")},
    "CategoryEncoding.output_mode": {"choices": ("multi_hot", "one_hot", "count")},
    "HashedCrossing.output_mode": {"choices": ("int", "one_hot")},
    "IntegerLookup.output_mode": {"choices": _TOKEN_OUTPUT},
    "StringLookup.output_mode": {"choices": _TOKEN_OUTPUT},
    "TextVectorization.output_mode": {"choices": ("int", "multi_hot", "count", "tf_idf")},
    "TextVectorization.standardize": {
        "kinds": ("choice",),
        "choices": ("lower_and_strip_punctuation", "lower", "strip_punctuation"),
        "optional": True,
    },
    "TextVectorization.split": {
        "kinds": ("choice",),
        "choices": ("whitespace", "character"),
        "optional": True,
    },
    "oov_method": {"kinds": ("choice",), "choices": ("floormod", "farmhash")},
    "vocabulary_dtype": {"kinds": ("choice",), "choices": ("int64", "int32")},
    "merge_mode": {
        "kinds": ("choice",),
        "choices": ("concat", "sum", "mul", "ave"),
        "optional": True,
    },
    "score_mode": {"kinds": ("choice",), "choices": ("dot", "concat")},
    "use_cudnn": {"kinds": ("value",), "advanced": True},
    "reduction": {
        "kinds": ("choice",),
        "choices": ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"),
        "optional": True,
        "advanced": True,
    },
    "curve": {"kinds": ("choice",), "choices": ("ROC", "PR")},
    "summation_method": {
        "kinds": ("choice",),
        "choices": ("interpolation", "minoring", "majoring"),
    },
    "average": {"kinds": ("choice",), "choices": _F_AVERAGE, "optional": True},
    "class_aggregation": {
        "kinds": ("choice",),
        "choices": ("uniform_average", "variance_weighted_average"),
        "optional": True,
    },
    "thresholds": {"kinds": ("float", "value"), "optional": True, "minimum": 0.0, "maximum": 1.0},
    "mode": {"kinds": ("choice",), "choices": ("auto", "min", "max")},
    "VarianceScaling.mode": {"kinds": ("choice",), "choices": ("fan_in", "fan_out", "fan_avg")},
    "OrthogonalRegularizer.mode": {"kinds": ("choice",), "choices": ("rows", "columns")},
    "distribution": {
        "kinds": ("choice",),
        "choices": ("truncated_normal", "untruncated_normal", "uniform"),
    },
    "monitor": {"kinds": ("text",)},
    "save_freq": {"kinds": ("int", "text")},
    "update_freq": {"kinds": ("int", "text")},
    "axis": {"kinds": ("int", "shape")},
    "axes": {"kinds": ("int", "shape")},
    "input_axes": {"kinds": ("shape",), "optional": True, "advanced": True},
    "output_axes": {"kinds": ("shape",), "optional": True, "advanced": True},
    "BatchNormalization.axis": {"kinds": ("int",)},
    "Concatenate.axis": {"kinds": ("int",)},
    "shared_axes": {"kinds": ("shape",), "optional": True},
    "attention_axes": {"kinds": ("shape",), "optional": True},
    "target_shape": {"kinds": ("shape",), "minimum": -1},
    "dims": {"kinds": ("shape",), "minimum": 1},
    "output_shape": {"kinds": ("shape",)},
    "bias_axes": {"kinds": ("text",), "optional": True},
    "equation": {"kinds": ("text",)},
    "output_padding": {"kinds": ("int", "shape"), "optional": True, "advanced": True},
    "cropping": {"kinds": ("value",)},
    "Cropping1D.cropping": {"kinds": ("shape",), "length": 2, "minimum": 0},
    "sparse": {"kinds": ("bool",), "advanced": True},
    "ragged": {"kinds": ("bool",), "advanced": True},
    "ignore_class": {"kinds": ("int",), "optional": True},
    "class_id": {"kinds": ("int",), "optional": True, "minimum": 0},
    "top_k": {"kinds": ("int",), "optional": True, "minimum": 1},
    "decay_rate": {"kinds": ("float",), "minimum": 0.0},
    "min_delta": {"kinds": ("float",), "minimum": 0.0},
    "start_from_epoch": {"kinds": ("int",), "minimum": 0},
    "verbose": {"kinds": ("int",), "minimum": 0, "maximum": 2, "advanced": True},
    "adam_lr_ratio": {"kinds": ("float",), "minimum": 0.0},
    "l1": {"kinds": ("float",), "minimum": 0.0},
    "l2": {"kinds": ("float",), "minimum": 0.0},
    "layer": {"kinds": ("object",), "of": "layers"},
    "backward_layer": {"kinds": ("object",), "of": "layers", "optional": True, "advanced": True},
    "cell": {"kinds": ("object",), "of": "layers"},
    "inner_optimizer": {"kinds": ("object",), "of": "optimizers"},
    "rate": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "MinMaxNorm.rate": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "dropout": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "recurrent_dropout": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "label_smoothing": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "threshold": {"kinds": ("float",)},
    "from_logits": {"kinds": ("bool",)},
    "scale": {"kinds": ("float", "value")},
    "BatchNormalization.scale": {"kinds": ("bool",)},
    "LayerNormalization.scale": {"kinds": ("bool",)},
    "GroupNormalization.scale": {"kinds": ("bool",)},
    "VarianceScaling.scale": {"kinds": ("float",)},
    "offset": {"kinds": ("float", "value")},
    "factor": {"kinds": ("float", "value")},
    "RandomPosterization.factor": {"kinds": ("int", "value"), "minimum": 1, "maximum": 8},
    "ReduceLROnPlateau.factor": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0},
    "OrthogonalRegularizer.factor": {"kinds": ("float",), "minimum": 0.0},
    **{
        name: {"kinds": ("float", "value")}
        for name in (
            *("height_factor", "width_factor", "x_factor", "y_factor", "sigma"),
            *("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor"),
            *("addition_factor", "threshold_factor"),
        )
    },
    "value_range": {"kinds": ("value",)},
    "RandomErasing.scale": {"kinds": ("value",)},
    "RandomErasing.fill_value": {"kinds": ("float",), "optional": True},
    "RandomGaussianBlur.kernel_size": {"kinds": ("int", "shape"), "length": 2},
    "stddev": {"kinds": ("float",), "minimum": 0.0},
    "mask_value": {"kinds": ("float",)},
    "Hashing.mask_value": {"kinds": ("value",), "optional": True},
    "salt": {"kinds": ("int", "shape"), "optional": True, "advanced": True},
    "vocabulary": {"kinds": ("value",), "optional": True},
    "idf_weights": {"kinds": ("value",), "optional": True, "advanced": True},
    "mean": {"kinds": ("float", "value")},
    "variance": {"kinds": ("float", "value")},
    "RandomNormal.mean": {"kinds": ("float",)},
    "TruncatedNormal.mean": {"kinds": ("float",)},
    "Constant.value": {"kinds": ("float",)},
    "unroll": {"kinds": ("bool",), "advanced": True},
    "stateful": {"kinds": ("bool",), "advanced": True},
    "reset_after": {"kinds": ("bool",), "advanced": True},
    "lora_rank": {"kinds": ("int",), "optional": True, "minimum": 1, "advanced": True},
    "lora_alpha": {"kinds": ("float",), "optional": True, "advanced": True},
    "flash_attention": {"kinds": ("bool",), "optional": True, "advanced": True},
    "sliding_window": {"kinds": ("int",), "optional": True, "minimum": 1, "advanced": True},
    "relative_step": {"kinds": ("bool",)},
    "reverse_dtype": {"kinds": ("choice",), "choices": DTYPES, "optional": True, "advanced": True},
    "logit_soft_cap": {"kinds": ("float",), "optional": True},
    "weight_decay": {"kinds": ("float",), "minimum": 0.0},
    **{
        name: {"kinds": ("float",), "optional": True, "minimum": 0.0, "advanced": True}
        for name in ("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor")
    },
    **{
        name: {"kinds": ("int",), "optional": True, "minimum": 1, "advanced": True}
        for name in ("ema_overwrite_frequency", "gradient_accumulation_steps")
    },
    "use_ema": {"kinds": ("bool",), "advanced": True},
    "ema_momentum": {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0, "advanced": True},
    "epsilon": {"kinds": ("float",), "minimum": 0.0, "advanced": True},
    "exclude_layers": {"kinds": ("value",), "optional": True, "advanced": True},
    "metadata": {"kinds": ("value",)},
    "use_scale": {"kinds": ("bool",)},
    "baseline": {"kinds": ("float",), "optional": True},
    "initial_value_threshold": {"kinds": ("float",), "optional": True, "advanced": True},
    "max_freq": {"kinds": ("float",), "optional": True},
    "max_value": {"kinds": ("float",)},
    "warmup_target": {"kinds": ("float",), "optional": True},
    "alpha": {"kinds": ("float",)},
    "target_class_ids": {"kinds": ("shape",)},
    "bin_boundaries": {"kinds": ("value",), "optional": True},
    "boundaries": {"kinds": ("value",)},
    "values": {"kinds": ("value",)},
    "cells": {"kinds": ("value",), "of": "layers"},
    "layers": {"kinds": ("value",)},
    "filepath": {"kinds": ("text",)},
    "filename": {"kinds": ("text",)},
    "directory": {"kinds": ("text",)},
    "backup_dir": {"kinds": ("text",)},
    "embeddings_metadata": {"kinds": ("value",), "optional": True, "advanced": True},
    **{
        f"{kind}Crossentropy.axis": {"kinds": ("int",), "advanced": True}
        for kind in ("Binary", "Categorical", "SparseCategorical", "BinaryFocal")
    },
    **{
        name: {"kinds": ("float",), "minimum": 0.0, "maximum": 1.0}
        for name in (
            *("momentum", "renorm_momentum", "beta_1", "beta_2", "rho", "adam_beta_1"),
            *("adam_beta_2", "recall", "precision", "specificity", "sensitivity"),
        )
    },
    "renorm_clipping": {"kinds": ("value",), "optional": True, "advanced": True},
    "renorm": {"kinds": ("bool",), "advanced": True},
    "renorm_momentum": {"kinds": ("float",), "advanced": True},
    "synchronized": {"kinds": ("bool",), "advanced": True},
}
