"""Run with an old Keras: writes models as it saves them, and what it computes with them.

``python make_old_files.py FOLDER [NAME ...]`` under Keras 2.1 on TensorFlow 1 (``OLD_KERAS=keras``), any
tf.keras 2.x, or tf_keras (``OLD_KERAS=tf_keras``).
For each case ``NAME.h5`` and ``NAME.npz``: inputs ``x0``.., predictions ``p0``.., targets ``y0``.., and for
compiled models the losses of three further epochs and the predictions after them (``losses``, ``after0``..).
It has to run on Python 3.6.
"""

import os
import sys
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

KIND = os.environ.get("OLD_KERAS", "")
if KIND == "keras":
    import keras
elif KIND == "tf_keras":
    import tf_keras as keras
else:
    keras = tf.keras
IS_21 = KIND == "keras"
K = keras.backend
L = keras.layers
Model, Sequential, Input = keras.models.Model, keras.models.Sequential, L.Input
CASES = {}
if os.environ.get("OLD_EAGERLY"):  # tiny models train faster without tracing
    tf.config.run_functions_eagerly(True)


def case(make):
    """Register a case: a function that returns a model, and options of its compilation or None."""
    CASES[make.__name__] = make
    return make


def mse(optimizer="sgd", **more):
    """Options of a plain compilation."""
    return dict(optimizer=optimizer, loss="mse", **more)


# --- plain stacks -----------------------------------------------------------------------------


@case
def dense():
    m = Sequential()
    m.add(L.Dense(6, activation="relu", input_dim=4))
    m.add(L.Dropout(0.2))
    m.add(L.Dense(3, activation="softmax", kernel_regularizer=keras.regularizers.l2(0.01)))
    m.layers[1].rate = 0.0
    return m, {"optimizer": "sgd", "loss": "categorical_crossentropy", "metrics": ["accuracy"]}


@case
def hard_sigmoid():
    m = Sequential()
    m.add(L.Dense(4, activation="hard_sigmoid", input_shape=(3,)))
    m.add(L.Activation("hard_sigmoid"))
    return m, mse()


@case
def convnet():
    m = Sequential()
    m.add(
        L.Conv2D(4, (3, 3), padding="same", input_shape=(8, 8, 3), kernel_initializer="he_normal")
    )
    m.add(L.BatchNormalization())
    m.add(L.LeakyReLU(0.1))
    m.add(L.MaxPooling2D((2, 2)))
    m.add(L.SeparableConv2D(5, (3, 3)))
    m.add(L.PReLU())
    m.add(L.Flatten())
    m.add(L.Dense(2))
    return m, None


@case
def conv_shapes():
    i = Input((9, 9, 2))
    a = L.Conv2D(3, 3, strides=2, activation="elu")(i)
    b = L.Conv2DTranspose(3, 2, strides=2)(a)
    c = L.ZeroPadding2D(((1, 0), (0, 1)))(b)
    d = L.Cropping2D(1)(c)
    e = L.UpSampling2D(2)(d)
    f = L.AveragePooling2D(2)(e)
    g = L.GlobalAveragePooling2D()(f)
    return Model(i, L.Dense(2)(g)), None


@case
def conv1d():
    m = Sequential()
    m.add(L.Embedding(11, 4, input_length=12))
    m.add(L.SpatialDropout1D(0.3))
    m.add(L.Conv1D(5, 3, padding="causal", dilation_rate=2))
    m.add(L.ThresholdedReLU(0.1))
    m.add(L.GlobalMaxPooling1D())
    m.add(L.Dense(1, activation="sigmoid"))
    return m, None


@case
def conv3d():
    m = Sequential()
    m.add(L.Conv3D(2, 2, input_shape=(4, 4, 4, 1)))
    m.add(L.MaxPooling3D(2, strides=1))
    m.add(L.Flatten())
    m.add(L.Dense(1))
    return m, None


@case
def local():
    m = Sequential()
    m.add(L.LocallyConnected1D(3, 2, strides=2, input_shape=(8, 2), activation="tanh"))
    m.add(L.Reshape((4, 3, 1)))
    m.add(L.LocallyConnected2D(2, (2, 2), use_bias=False))
    m.add(L.Flatten())
    m.add(L.Dense(1))
    return m, mse("adam")


@case
def shapes():
    i = Input((6, 4))
    a = L.Permute((2, 1))(i)
    b = L.Reshape((-1,))(a)
    c = L.RepeatVector(3)(b)
    d = L.TimeDistributed(L.Dense(4, activation="relu"))(c)
    e = L.Cropping1D(1)(d)
    return Model(i, L.Flatten()(e)), None


@case
def noises():
    i = Input((5,))
    a = L.GaussianNoise(0.1)(i)
    b = L.GaussianDropout(0.1)(a)
    c = L.AlphaDropout(0.1)(b)
    d = L.ActivityRegularization(l1=0.1)(c)
    return Model(i, L.Dense(2, activation="selu")(d)), None


@case
def normalized():
    i = Input((4, 5, 3))
    a = L.BatchNormalization(scale=False, momentum=0.9)(i)
    b = L.BatchNormalization(center=False, epsilon=1e-5)(a)
    return Model(i, L.Flatten()(b)), mse("sgd")


@case
def channels_first():
    i = Input((3, 8, 8))
    a = L.BatchNormalization(axis=1)(i)
    b = L.MaxPooling2D(2, data_format="channels_last")(a)
    return Model(
        i, L.Flatten(data_format="channels_last")(b) if not IS_21 else L.Flatten()(b)
    ), None


# --- recurrent --------------------------------------------------------------------------------


@case
def lstm():
    m = Sequential()
    m.add(L.LSTM(4, return_sequences=True, input_shape=(5, 3)))
    m.add(L.LSTM(3, dropout=0.0, recurrent_dropout=0.0))
    return m, mse("rmsprop")


@case
def lstm_hard():
    m = Sequential()
    m.add(
        L.LSTM(4, recurrent_activation="hard_sigmoid", unit_forget_bias=False, input_shape=(5, 3))
    )
    return m, mse("adam")


@case
def gru():
    m = Sequential()
    m.add(L.GRU(5, input_shape=(4, 3)))
    return m, mse("adam")


@case
def gru_no_bias():
    m = Sequential()
    if IS_21:
        m.add(L.GRU(5, use_bias=False, input_shape=(4, 3)))
    else:
        m.add(L.GRU(5, use_bias=False, reset_after=False, input_shape=(4, 3)))
    return m, None


@case
def gru_before():
    m = Sequential()
    kwargs = {} if IS_21 else {"reset_after": False}
    m.add(L.GRU(5, input_shape=(4, 3), recurrent_activation="hard_sigmoid", **kwargs))
    return m, None


@case
def simple_rnn():
    m = Sequential()
    m.add(L.Masking(0.0, input_shape=(6, 2)))
    m.add(L.SimpleRNN(3, go_backwards=True, return_sequences=True))
    m.add(L.SimpleRNN(2))
    return m, None


@case
def stateful():
    m = Sequential()
    m.add(L.LSTM(3, stateful=True, batch_input_shape=(8, 5, 2)))
    return m, None


@case
def bidirectional():
    i = Input((5, 3))
    a = L.Bidirectional(L.LSTM(4, return_sequences=True))(i)
    b = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(a)
    c = L.Bidirectional(L.SimpleRNN(2), merge_mode="ave")(b)
    return Model(i, c), mse("sgd")


@case
def conv_lstm():
    m = Sequential()
    m.add(L.ConvLSTM2D(2, (3, 3), padding="same", return_sequences=True, input_shape=(3, 5, 5, 1)))
    m.add(L.TimeDistributed(L.Flatten()))
    m.add(L.GRU(2))
    return m, None


@case
def cells():
    i = Input((5, 3))
    a = L.RNN(L.LSTMCell(4), return_sequences=True)(i)
    b = L.RNN(L.GRUCell(3), return_sequences=True)(a)
    c = L.RNN(L.SimpleRNNCell(2))(b)
    return Model(i, c), None


@case
def stacked_cells():
    i = Input((5, 3))
    a = L.RNN([L.LSTMCell(4), L.LSTMCell(4)])(i)
    return Model(i, L.Dense(2)(a)), None


@case
def encoder_decoder():
    e = Input((4, 3), name="encoder_input")
    d = Input((5, 2), name="decoder_input")
    _, h, c = L.LSTM(6, return_state=True, name="encoder")(e)
    s, _, _ = L.LSTM(6, return_sequences=True, return_state=True, name="decoder")(
        d, initial_state=[h, c]
    )
    return Model([e, d], L.TimeDistributed(L.Dense(3, activation="softmax"))(s)), mse("rmsprop")


@case
def gru_states():
    e, d = Input((4, 3)), Input((5, 2))
    _, h = L.GRU(6, return_state=True)(e)
    return Model([e, d], L.GRU(6)(d, initial_state=h)), None


# --- graphs -----------------------------------------------------------------------------------


@case
def two_outputs():
    a, b = Input((4,), name="left"), Input((3,), name="right")
    x = L.concatenate([L.Dense(5, activation="tanh")(a), L.Dense(5)(b)])
    one = L.Dense(1, activation="sigmoid", name="sigmoid_1")(x)
    two = L.Dense(2, activation="softmax", name="sigmoid_2")(x)
    return Model([a, b], [one, two]), {
        "optimizer": "adam",
        "loss": {"sigmoid_1": "binary_crossentropy", "sigmoid_2": "categorical_crossentropy"},
        "loss_weights": {"sigmoid_1": 1.0, "sigmoid_2": 0.3},
        "metrics": {"sigmoid_1": ["accuracy"], "sigmoid_2": ["mae", "acc"]},
    }


@case
def shared():
    a, b = Input((4,)), Input((4,))
    layer = L.Dense(3, name="shared")
    x = L.subtract([layer(a), layer(b)])
    return Model([a, b], L.Dense(1)(x)), mse("sgd")


@case
def merges():
    a, b, c = Input((4,)), Input((4,)), Input((4,))
    parts = [
        L.add([a, b, c]),
        L.multiply([a, b]),
        L.average([a, b]),
        L.maximum([b, c]),
        L.dot([a, c], axes=1),
        L.dot([a, c], axes=-1, normalize=True),
    ]
    return Model([a, b, c], L.concatenate(parts, axis=-1)), None


@case
def nested():
    inner = Sequential(name="trunk")
    inner.add(L.Dense(5, activation="relu", input_shape=(4,)))
    inner.add(L.BatchNormalization())
    i = Input((4,))
    x = inner(i)
    return Model(i, L.Dense(2)(x)), mse("sgd")


@case
def nested_twice():
    i = Input((4,))
    h = L.Dense(3, activation="tanh")(i)
    trunk = Model(i, [h, L.Dense(2)(h)], name="trunk")
    a, b = Input((4,)), Input((4,))
    (p, q), (r, s) = trunk(a), trunk(b)
    return Model([a, b], L.concatenate([p, q, r, s])), None


@case
def nested_deep():
    inner = Sequential(name="inner")
    inner.add(L.Dense(3, input_shape=(4,)))
    middle = Sequential(name="middle")
    middle.add(inner)
    middle.add(L.Dense(2))
    m = Sequential()
    m.add(middle)
    m.add(L.Activation("relu"))
    return m, mse("adam")


@case
def sequential_of_model():
    i = Input((6, 6, 1))
    x = L.Conv2D(2, 3)(i)
    base = Model(i, L.BatchNormalization()(x), name="base")
    base.trainable = False
    m = Sequential()
    m.add(base)
    m.add(L.Flatten())
    m.add(L.Dense(2, name="head"))
    return m, mse("sgd")


@case
def frozen():
    m = Sequential()
    m.add(L.Dense(4, input_shape=(3,), trainable=False, name="fixed"))
    m.add(L.Dense(2))
    return m, mse("adam")


@case
def time_model():
    i = Input((4,))
    inner = Model(i, L.Dense(3, activation="relu")(i), name="each")
    t = Input((5, 4))
    return Model(t, L.LSTM(2)(L.TimeDistributed(inner)(t))), None


@case
def slashes():
    i = Input((3,), name="scope/in")
    x = L.Dense(2, name="block1/dense")(i)
    return Model(i, L.Activation("relu", name="block1/relu")(x)), None


@case
def inner_output():
    i = Input((3,))
    x = L.Dense(4, activation="relu", name="features")(i)
    return Model(i, [x, L.Dense(2, name="head")(x)]), {"optimizer": "sgd", "loss": ["mse", "mae"]}


@case
def masked():
    i = Input((7,), dtype="int32")
    x = L.Embedding(9, 4, mask_zero=True)(i)
    x = L.Bidirectional(L.LSTM(3))(x)
    return Model(i, L.Dense(2)(x)), None


# --- functions --------------------------------------------------------------------------------


def euclidean(vects):
    x, y = vects
    return K.sqrt(K.maximum(K.sum(K.square(x - y), axis=1, keepdims=True), K.epsilon()))


def eucl_shape(shapes):
    return (shapes[0][0], 1)


def antirectifier(x):
    x -= K.mean(x, axis=1, keepdims=True)
    x = K.l2_normalize(x, axis=1)
    pos = K.relu(x)
    neg = K.relu(-x)
    return K.concatenate([pos, neg], axis=1)


def scaled(x, factor=2.0, offset=0.5):
    return x * factor + offset


@case
def lambdas():
    i = Input((4,))
    a = L.Lambda(lambda x: x**2 / 3.0 - 1)(i)
    b = L.Lambda(antirectifier, output_shape=lambda s: (s[0], s[1] * 2))(a)
    c = L.Lambda(scaled, arguments={"factor": 3.0})(b)
    d = L.Lambda(lambda x: x[:, 1:5])(c)
    return Model(i, L.Dense(2)(d)), mse("sgd")


@case
def lambda_siamese():
    a, b = Input((4,)), Input((4,))
    layer = L.Dense(3, activation="relu")
    d = L.Lambda(euclidean, output_shape=eucl_shape)([layer(a), layer(b)])
    e = L.Lambda(lambda t: K.abs(t[0] - t[1]))([layer(a), layer(b)])
    return Model([a, b], L.concatenate([d, e])), None


@case
def lambda_closure():
    i = Input((5,))
    n = 2
    a = L.Lambda(lambda x: x[:, ::-1] * n)(i)
    b = L.Lambda(lambda x: K.expand_dims(x, -1))(a)
    c = L.Lambda(lambda x: K.squeeze(x, axis=2))(b)
    d = L.Lambda(lambda x: K.concatenate([x, K.exp(-x)], axis=-1))(c)
    e = L.Lambda(lambda x: tf.nn.relu(x) + tf.reduce_mean(x, axis=-1, keepdims=True))(d)
    return Model(i, L.Dense(1)(e)), None


@case
def custom_functions():
    def focal_loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred) * 2.0)

    def fbeta(y_true, y_pred):
        return K.mean(y_pred)

    m = Sequential()
    m.add(L.Dense(1, activation="sigmoid", input_shape=(4,)))
    return m, {"optimizer": "adam", "loss": focal_loss, "metrics": ["accuracy", fbeta]}


# --- optimizers -------------------------------------------------------------------------------


def _trained(optimizer, **more):
    m = Sequential()
    m.add(L.Dense(5, activation="tanh", input_shape=(4,)))
    m.add(L.BatchNormalization())
    m.add(L.Dense(2, name="last"))
    return m, mse(optimizer, **more)


OPT = keras.optimizers
_LR = "lr" if IS_21 else "learning_rate"
_OPTIMIZERS = {
    "sgd": lambda: OPT.SGD(**{_LR: 0.05}),
    "sgd_momentum": lambda: OPT.SGD(momentum=0.9, nesterov=True, **{_LR: 0.01}),
    "rmsprop": lambda: OPT.RMSprop(),
    "adagrad": lambda: OPT.Adagrad(),
    "adadelta": lambda: OPT.Adadelta(),
    "adam": lambda: OPT.Adam(),
    "adamax": lambda: OPT.Adamax(),
    "nadam": lambda: OPT.Nadam(),
    "clipnorm": lambda: OPT.SGD(clipnorm=0.05, **{_LR: 0.1}),
    "clipvalue": lambda: OPT.Adam(clipvalue=0.01),
}
if IS_21 or KIND == "":
    _OPTIMIZERS["sgd_decay"] = lambda: OPT.SGD(momentum=0.9, decay=0.01, **{_LR: 0.05})
    _OPTIMIZERS["adam_decay"] = lambda: OPT.Adam(decay=0.05)
    _OPTIMIZERS["rmsprop_decay"] = lambda: OPT.RMSprop(decay=0.05, rho=0.8)
if not IS_21:
    _OPTIMIZERS["ftrl"] = lambda: OPT.Ftrl()
    _OPTIMIZERS["amsgrad"] = lambda: OPT.Adam(amsgrad=True)
    _OPTIMIZERS["rmsprop_centered"] = lambda: OPT.RMSprop(centered=True, momentum=0.5)
    _OPTIMIZERS["scheduled"] = lambda: OPT.SGD(OPT.schedules.ExponentialDecay(0.1, 10, 0.5))
if hasattr(OPT, "legacy"):
    for _name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"):
        _OPTIMIZERS["legacy_" + _name.lower()] = lambda name=_name: getattr(OPT.legacy, name)(
            **({"decay": 0.01} if name in ("SGD", "Adam") else {})
        )
if hasattr(OPT, "AdamW"):
    _OPTIMIZERS["adamw"] = lambda: OPT.AdamW(weight_decay=0.01)
    _OPTIMIZERS["ema"] = lambda: OPT.SGD(momentum=0.9, use_ema=True)

for _name, _make in _OPTIMIZERS.items():
    CASES["opt_" + _name] = lambda make=_make: _trained(make())

for _loss in (
    "mae", "mape", "msle", "squared_hinge", "hinge", "logcosh", "poisson", "cosine_proximity",
    "kullback_leibler_divergence", "binary_crossentropy",
):  # fmt: skip

    def _losses(loss=_loss):
        m = Sequential()
        m.add(L.Dense(2, activation="sigmoid", input_shape=(4,)))
        name = "cosine_similarity" if loss == "cosine_proximity" and not IS_21 else loss
        return m, {"optimizer": "sgd", "loss": name, "metrics": ["accuracy", "mse"]}

    CASES["loss_" + _loss] = _losses

if not IS_21:

    @case
    def tf_ops():
        i = Input((4,))
        a = tf.nn.relu(i) * 2.0 + 1.0
        b = tf.concat([a, i], axis=1)
        c = tf.reduce_sum(b, axis=-1, keepdims=True)
        d = tf.expand_dims(b / (c + 10.0), 1)
        e = tf.squeeze(tf.transpose(d, [0, 2, 1]), -1)
        return Model(i, L.Dense(2)(e[:, 1:])), None

    @case
    def attention():
        a, b = Input((5, 4)), Input((6, 4))
        x = L.Attention(use_scale=True)([a, b])
        y = L.AdditiveAttention()([x, b])
        z = L.LayerNormalization()(y)
        return Model([a, b], L.GlobalAveragePooling1D()(z)), None

    @case
    def input_layer():
        m = Sequential([L.InputLayer((4,)), L.Dense(2), L.ReLU(max_value=6.0), L.Softmax()])
        return m, {
            "optimizer": OPT.Adam(0.01),
            "loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            "metrics": [keras.metrics.AUC(name="area"), keras.metrics.CategoricalAccuracy()],
        }

    if hasattr(L, "MultiHeadAttention"):

        @case
        def heads():
            a, b = Input((5, 4)), Input((6, 4))
            x = L.MultiHeadAttention(2, 3)(a, b)
            y = (
                L.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
                if hasattr(OPT, "AdamW")
                else x
            )
            return Model([a, b], L.LayerNormalization()(y)), None

        @case
        def newer():
            i = Input((8, 8, 3))
            x = L.Rescaling(1 / 255.0)(i) if hasattr(L, "Rescaling") else i
            x = L.DepthwiseConv2D(3, depth_multiplier=2)(x)
            x = L.Conv2DTranspose(2, 3, output_padding=1, strides=2)(x)
            x = L.LayerNormalization(axis=[-1])(x)
            return Model(
                i, L.GlobalMaxPooling2D(keepdims=True)(x) if hasattr(OPT, "AdamW") else x
            ), None


def applications(name, **more):
    """A small application with weights that are no longer symmetric."""

    def make():
        module = keras.applications
        return getattr(module, name)(weights=None, classes=3, **more), None

    return make


if os.environ.get("OLD_APPLICATIONS"):
    CASES["app_mobilenet"] = applications("MobileNet", input_shape=(32, 32, 3), alpha=0.25)
    CASES["app_resnet50"] = applications("ResNet50", input_shape=None if IS_21 else (32, 32, 3))
    if not IS_21:
        CASES["app_densenet"] = applications("DenseNet121", input_shape=(32, 32, 3))
        CASES["app_mobilenet2"] = applications("MobileNetV2", input_shape=(32, 32, 3), alpha=0.35)
        CASES["app_efficientnet"] = applications("EfficientNetB0", input_shape=(32, 32, 3))
    else:
        CASES["app_xception"] = applications("Xception", input_shape=(71, 71, 3))
        CASES["app_inception"] = applications("InceptionV3", input_shape=(139, 139, 3))


# --- data -------------------------------------------------------------------------------------


def _filled(shape, dtype, rng, rows):
    full = (rows, *tuple(size or 3 for size in shape[1:]))
    if "int" in str(dtype):
        return rng.randint(0, 9, full).astype("int32")
    return rng.normal(size=full).astype("float32")


def _randomise(model, rng):
    """Weights unlike each other and unlike their start, so that a swap shows."""
    values = []
    for weight in model.get_weights():
        noise = rng.normal(size=weight.shape) * 0.1
        values.append(
            (weight * 0.9 + (np.abs(noise) if (weight == 1).all() else noise)).astype(weight.dtype)
        )
    model.set_weights(values)


def _listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _reloaded(path, model):
    """What this Keras makes of the file, which loses what it does not save; the same if it cannot."""
    try:
        return keras.models.load_model(path)
    except Exception:  # noqa: BLE001 - functions of this program, and bugs of old versions
        return model


def write(folder, name):
    """One case."""
    K.clear_session()
    if IS_21:  # the steps of its optimizers race with each other in several threads
        one = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        K.set_session(tf.Session(config=one))
    seed = zlib.crc32(name.encode()) % 1000
    np.random.seed(seed)
    rng = np.random.RandomState(seed)
    (tf.set_random_seed if hasattr(tf, "set_random_seed") else tf.random.set_seed)(seed)
    model, options = CASES[name]()
    _randomise(model, rng)
    rows = 8
    xs = [_filled(K.int_shape(t), t.dtype, rng, rows) for t in model.inputs]
    if name in ("conv1d",):
        xs = [rng.randint(0, 9, xs[0].shape).astype("float32")]
    if name == "simple_rnn":
        xs[0][:4, 3:] = 0.0
    out = {f"x{n}": x for n, x in enumerate(xs)}
    fed = xs[0] if len(xs) == 1 else xs
    ys = []
    for target in model.outputs:
        shape = (rows, *tuple(size or 3 for size in K.int_shape(target)[1:]))
        y = rng.uniform(size=shape)
        if (
            name in ("dense", "input_layer", "two_outputs")
            or "crossentropy" in name
            or "hinge" in name
        ):
            y = (y == y.max(axis=-1, keepdims=True)).astype(float) if shape[-1] > 1 else (y > 0.5)
        ys.append(np.asarray(y).astype("float32"))
    goal = ys[0] if len(ys) == 1 else ys
    if options is not None:
        model.compile(**options)
        model.fit(fed, goal, batch_size=4, epochs=2, shuffle=False, verbose=0)
    path = os.path.join(folder, name + ".h5")
    model.save(path)
    out.update(
        (f"p{n}", p) for n, p in enumerate(_listed(model.predict(fed, batch_size=rows, verbose=0)))
    )
    out.update((f"y{n}", y) for n, y in enumerate(ys))
    if options is not None:
        if (
            "nadam" not in name
        ):  # Keras 2.1 forgets its schedule, which follows from the number of steps
            model = _reloaded(path, model)
        history = model.fit(fed, goal, batch_size=4, epochs=3, shuffle=False, verbose=0)
        out["losses"] = np.array(history.history["loss"])
        after = _listed(model.predict(fed, batch_size=rows, verbose=0))
        out.update((f"after{n}", p) for n, p in enumerate(after))
    np.savez(os.path.join(folder, name + ".npz"), **out)
    if not IS_21 and os.environ.get("OLD_KERAS_FORMAT"):
        model.save(os.path.join(folder, name + ".keras"))


def main():
    """Write all cases, or those that are named."""
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name in sys.argv[2:] or list(CASES):
        try:
            write(folder, name)
        except Exception as error:  # noqa: BLE001 - an old Keras may not know a layer or an argument
            sys.stdout.write(f"SKIPPED {name}: {str(error)[:200]!r}\n")
    sys.stdout.write(f"{keras.__version__} {tf.__version__}\n")


if __name__ == "__main__":
    main()
