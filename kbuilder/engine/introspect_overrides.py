"""What Keras's signatures and docstrings do not tell: palette order, ranks, ports, kinds, limits."""

from __future__ import annotations

from typing import Any

LAYER_FAMILIES: dict[str, tuple[str, ...]] = {
    "Input & output": ("Input",),
    "Core": ("Dense", "Embedding", "Activation", "EinsumDense", "Identity", "ReversibleEmbedding"),
    "Convolution": (
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "SeparableConv1D",
        "SeparableConv2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
    ),
    "Pooling": (
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "AdaptiveMaxPooling1D",
        "AdaptiveMaxPooling2D",
        "AdaptiveMaxPooling3D",
        "AdaptiveAveragePooling1D",
        "AdaptiveAveragePooling2D",
        "AdaptiveAveragePooling3D",
    ),
    "Normalization": (
        "BatchNormalization",
        "LayerNormalization",
        "GroupNormalization",
        "RMSNormalization",
        "UnitNormalization",
    ),
    "Regularization": (
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "GaussianDropout",
        "GaussianNoise",
        "AlphaDropout",
        "ActivityRegularization",
    ),
    "Recurrent": (
        "LSTM",
        "GRU",
        "SimpleRNN",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "RNN",
        "Masking",
    ),
    "Recurrent cells": ("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"),
    "Attention": (
        "MultiHeadAttention",
        "GroupQueryAttention",
        "Attention",
        "AdditiveAttention",
    ),
    "Merging": (
        "Add",
        "Concatenate",
        "Multiply",
        "Subtract",
        "Average",
        "Maximum",
        "Minimum",
        "Dot",
    ),
    "Reshaping": (
        "Flatten",
        "Reshape",
        "Permute",
        "RepeatVector",
        "UpSampling1D",
        "UpSampling2D",
        "UpSampling3D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
    ),
    "Activation": ("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    "Wrappers": ("Bidirectional", "TimeDistributed", "SpectralNormalization"),
    "Preprocessing": (
        "Rescaling",
        "Normalization",
        "CategoryEncoding",
        "Discretization",
        "Hashing",
        "HashedCrossing",
        "IntegerLookup",
        "StringLookup",
        "TextVectorization",
        "Resizing",
        "CenterCrop",
        "MelSpectrogram",
        "STFTSpectrogram",
        "MaxNumBoundingBoxes",
    ),
    "Image augmentation": (
        "RandomFlip",
        "RandomRotation",
        "RandomZoom",
        "RandomTranslation",
        "RandomCrop",
        "RandomShear",
        "RandomPerspective",
        "RandomElasticTransform",
        "RandomBrightness",
        "RandomContrast",
        "RandomSaturation",
        "RandomHue",
        "RandomColorJitter",
        "RandomColorDegeneration",
        "RandomGrayscale",
        "RandomInvert",
        "RandomPosterization",
        "RandomSharpness",
        "RandomGaussianBlur",
        "RandomErasing",
        "Solarization",
        "AutoContrast",
        "Equalization",
        "ContrastLimitedAdaptiveHistogramEqualization",
        "AugMix",
        "RandAugment",
        "CutMix",
        "MixUp",
    ),
    "Not offered": (
        "InputLayer",
        "Lambda",
        "Pipeline",
        "TFSMLayer",
        "JaxLayer",
        "FlaxLayer",
        "TorchModuleWrapper",
    ),
}
"""Palette groups and the order in them. A layer class that stands nowhere lands in "Other"."""

FIRST: dict[str, tuple[str, ...]] = {
    "optimizers": ("Adam", "SGD", "RMSprop", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam"),
    "losses": (
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
        "BinaryCrossentropy",
        "MeanSquaredError",
        "MeanAbsoluteError",
        "Huber",
    ),
    "metrics": (
        "SparseCategoricalAccuracy",
        "CategoricalAccuracy",
        "BinaryAccuracy",
        "Accuracy",
        "MeanAbsoluteError",
        "MeanSquaredError",
        "RootMeanSquaredError",
        "AUC",
        "Precision",
        "Recall",
    ),
    "callbacks": ("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint", "TerminateOnNaN"),
    "initializers": ("GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "Zeros", "Ones"),
    "regularizers": ("L2", "L1", "L1L2"),
    "constraints": ("MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"),
    "schedules": ("ExponentialDecay", "CosineDecay"),
}
"""Most used classes, shown before the others, which follow by name."""

LEFT_OUT = {
    # abstract, or no layer, loss, callback of its own
    *("Layer", "Wrapper", "InputSpec", "Optimizer", "OptimizerMap", "Loss", "Metric"),
    *("MeanMetricWrapper", "Callback", "CallbackList", "Initializer", "Regularizer", "Constraint"),
    "LearningRateSchedule",
}

WORKS_OTHERWISE_IN_TRAINING = {
    *("Normalization", "Regularization", "Recurrent", "Attention", "Wrappers"),
    "Image augmentation",
}
"""Families of which the layers do something else in training, if they take ``training`` at all."""

HIDDEN = {
    *LAYER_FAMILIES["Not offered"],
    *LAYER_FAMILIES["Recurrent cells"],  # they live inside RNN
    "MaxNumBoundingBoxes",  # works on a dictionary of boxes, which no graph carries
    "Equalization",  # gives its own input as symbolic output (Keras 3.15), so no model can hold it
    *("LossScaleOptimizer", "MultiOptimizer"),  # wrap other optimizers
    *("Mean", "Sum"),  # take a value, not targets and predictions
    *("History", "ProgbarLogger", "LambdaCallback", "LearningRateScheduler"),  # ours, or take code
    *("RemoteMonitor", "OrbaxCheckpoint", "BackupAndRestore"),  # network, extra package, ours
}

MERGES_OF_MANY = ("Add", "Concatenate", "Multiply", "Average", "Maximum", "Minimum")

_ATTENDED = ("query", "value", "key")

PORTS: dict[str, tuple[str, ...]] = {
    "Input": (),
    "InputLayer": (),
    "Subtract": ("minuend", "subtrahend"),
    "Dot": ("first", "second"),
    "HashedCrossing": ("first", "second"),
    "MultiHeadAttention": (*_ATTENDED, "attention_mask", "query_mask", "value_mask", "key_mask"),
    "GroupQueryAttention": (*_ATTENDED, "attention_mask", "query_mask", "value_mask", "key_mask"),
    "Attention": (*_ATTENDED, "query_mask", "value_mask"),
    "AdditiveAttention": (*_ATTENDED, "query_mask", "value_mask"),
    **dict.fromkeys(
        (
            *("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
            *("Bidirectional", "TimeDistributed", "BatchNormalization", "Softmax"),
            "GlobalAveragePooling1D",
        ),
        ("input", "mask"),
    ),
    "CategoryEncoding": ("input", "count_weights"),
    "CustomScaleLayer": ("first", "second"),
}
OPTIONAL_PORTS = {
    name: sum(1 for port in ports if port in ("key", "count_weights") or port.endswith("mask"))
    for name, ports in PORTS.items()
}

RANKS: dict[str, tuple[int | None, int | None]] = {
    "Dense": (2, None),
    "EinsumDense": (2, None),
    "BatchNormalization": (2, None),
    "LayerNormalization": (2, None),
    "RMSNormalization": (2, None),
    "UnitNormalization": (2, None),
    "GroupNormalization": (2, None),
    "Softmax": (2, None),
    "PReLU": (2, None),
    "Permute": (2, None),
    "RepeatVector": (2, 2),
    "LSTM": (3, 3),
    "GRU": (3, 3),
    "SimpleRNN": (3, 3),
    "RNN": (3, None),
    "Bidirectional": (3, None),
    "TimeDistributed": (3, None),
    "Masking": (3, None),
    "SpectralNormalization": (2, None),
    "ConvLSTM1D": (4, 4),
    "ConvLSTM2D": (5, 5),
    "ConvLSTM3D": (6, 6),
    "MultiHeadAttention": (3, None),
    "GroupQueryAttention": (3, 3),
    "Attention": (3, 3),
    "AdditiveAttention": (3, 3),
    "Dot": (2, None),
    "Concatenate": (2, None),
    "Resizing": (4, 4),
    "CenterCrop": (4, 4),
    "MelSpectrogram": (2, 2),
    "STFTSpectrogram": (2, 3),
    "TextVectorization": (1, 2),
    "CategoryEncoding": (1, 2),
    "HashedCrossing": (1, 2),
}
"""Rank of the input with the batch dimension, where name and family do not give it."""

PRESETS: dict[str, dict[str, Any]] = {
    "Input": {"shape": [64]},
    "Dense": {"units": 64},
    "Embedding": {"input_dim": 1000, "output_dim": 16},
    "ReversibleEmbedding": {"input_dim": 1000, "output_dim": 16},
    "Activation": {"activation": "relu"},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": [64], "bias_axes": "c"},
    **{f"Conv1D{end}": {"filters": 32, "kernel_size": 3} for end in ("", "Transpose")},
    **{f"Conv2D{end}": {"filters": 32, "kernel_size": [3, 3]} for end in ("", "Transpose")},
    **{f"Conv3D{end}": {"filters": 32, "kernel_size": [3, 3, 3]} for end in ("", "Transpose")},
    "SeparableConv1D": {"filters": 32, "kernel_size": 3},
    "LocallyConnected1D": {"filters": 32, "kernel_size": 3},
    "SeparableConv2D": {"filters": 32, "kernel_size": [3, 3]},
    "LocallyConnected2D": {"filters": 32, "kernel_size": [3, 3]},
    "DepthwiseConv1D": {"kernel_size": 3},
    "DepthwiseConv2D": {"kernel_size": [3, 3]},
    "AveragePooling1D": {"pool_size": 2},
    "AveragePooling2D": {"pool_size": [2, 2]},
    "AveragePooling3D": {"pool_size": [2, 2, 2]},
    **{f"Adaptive{kind}Pooling1D": {"output_size": 4} for kind in ("Max", "Average")},
    **{f"Adaptive{kind}Pooling2D": {"output_size": [4, 4]} for kind in ("Max", "Average")},
    **{f"Adaptive{kind}Pooling3D": {"output_size": [4, 4, 4]} for kind in ("Max", "Average")},
    "Dropout": {"rate": 0.2},
    "SpatialDropout1D": {"rate": 0.2},
    "SpatialDropout2D": {"rate": 0.2},
    "SpatialDropout3D": {"rate": 0.2},
    "GaussianDropout": {"rate": 0.2},
    "AlphaDropout": {"rate": 0.2},
    "GaussianNoise": {"stddev": 0.1},
    **{name: {"units": 32} for name in ("LSTM", "GRU", "SimpleRNN")},
    **{name: {"units": 32} for name in ("LSTMCell", "GRUCell", "SimpleRNNCell")},
    "ConvLSTM1D": {"filters": 16, "kernel_size": 3},
    "ConvLSTM2D": {"filters": 16, "kernel_size": [3, 3]},
    "ConvLSTM3D": {"filters": 16, "kernel_size": [3, 3, 3]},
    "RNN": {"cell": {"class_name": "LSTMCell", "params": {"units": 32}}},
    "StackedRNNCells": {"cells": [{"class_name": "LSTMCell", "params": {"units": 32}}]},
    "MultiHeadAttention": {"num_heads": 4, "key_dim": 16},
    "GroupQueryAttention": {"head_dim": 16, "num_query_heads": 4, "num_key_value_heads": 2},
    "Dot": {"axes": -1},
    "Reshape": {"target_shape": [-1]},
    "Permute": {"dims": [2, 1]},
    "RepeatVector": {"n": 8},
    "Bidirectional": {"layer": {"class_name": "LSTM", "params": {"units": 32}}},
    "TimeDistributed": {"layer": {"class_name": "Dense", "params": {"units": 64}}},
    "SpectralNormalization": {"layer": {"class_name": "Dense", "params": {"units": 64}}},
    "Rescaling": {"scale": 1 / 255},
    "CategoryEncoding": {"num_tokens": 10},
    "Discretization": {"bin_boundaries": [-1.0, 0.0, 1.0]},
    "Hashing": {"num_bins": 16},
    "HashedCrossing": {"num_bins": 16},
    "IntegerLookup": {"vocabulary": [0, 1, 2]},
    "StringLookup": {"vocabulary": ["a", "b", "c"]},
    "TextVectorization": {"vocabulary": ["a", "b", "c"]},
    "Resizing": {"height": 64, "width": 64},
    "LayerScale": {"init_values": 1e-6, "projection_dim": 64},
    "CustomScaleLayer": {"scale": 1.0},
    "CenterCrop": {"height": 32, "width": 32},
    "RandomCrop": {"height": 32, "width": 32},
    "MaxNumBoundingBoxes": {"max_number": 10},
    "RandomZoom": {"height_factor": 0.1},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomRotation": {"factor": 0.05},
    "RandomPosterization": {"factor": 4},
    **{
        f"Random{what}": {"factor": 0.2}
        for what in (
            *("Brightness", "Contrast", "Saturation", "Hue", "Sharpness"),
            "ColorDegeneration",
        )
    },
    "IoU": {"num_classes": 2, "target_class_ids": [1]},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [1]},
    "MeanIoU": {"num_classes": 2},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.8},
    "RecallAtPrecision": {"precision": 0.8},
    "SensitivityAtSpecificity": {"specificity": 0.8},
    "SpecificityAtSensitivity": {"sensitivity": 0.8},
    "CSVLogger": {"filename": "history.csv"},
    "ModelCheckpoint": {"filepath": "best.keras"},
    "BackupAndRestore": {"backup_dir": "backup"},
    "CosineDecay": {"initial_learning_rate": 0.001, "decay_steps": 1000},
    "CosineDecayRestarts": {"initial_learning_rate": 0.001, "first_decay_steps": 1000},
    "ExponentialDecay": {
        "initial_learning_rate": 0.001,
        "decay_steps": 1000,
        "decay_rate": 0.9,
    },
    "InverseTimeDecay": {
        "initial_learning_rate": 0.001,
        "decay_steps": 1000,
        "decay_rate": 0.5,
    },
    "PiecewiseConstantDecay": {"boundaries": [1000, 2000], "values": [0.001, 0.0005, 0.0001]},
    "PolynomialDecay": {"initial_learning_rate": 0.001, "decay_steps": 1000},
}
"""Values for what is required (or needed at once) when the class is picked."""

PARAMS_LEFT_OUT = {
    *("self", "args", "kwargs", "trainable"),
    *("weights", "quantization_config", "gptq_unpacked_column_size"),  # not settings of a design
}

NO_ACTIVITY_REGULARIZER = {
    *("ActivityRegularization", "ELU", "Identity", "IntegerLookup", "StringLookup"),
}
"""Layers that take other arguments of ``Layer`` but not this one, or cannot be saved with it."""

INHERITED: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    (
        "data_format",
        None,
        ("RandomBrightness", "RandomContrast", "Solarization", "AutoContrast"),
    ),
    ("zero_output_for_mask", False, ("LSTM", "GRU", "SimpleRNN")),
)
"""Other parameters of a parent class that matter: name, default, the layers that take them."""
