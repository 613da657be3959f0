"""Arrays as pictures for lists and labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QListView, QListWidget

from kbuilder.link.values import Array


def to_numpy(array: Array) -> NDArray[np.generic]:
    """The array as NumPy sees it, without copying."""
    return np.frombuffer(array.data, dtype=array.dtype).reshape(array.shape)


def pixmap(picture: NDArray[np.generic], size: int) -> QPixmap:
    """A uint8 picture (height, width, 1, 3 or 4 channels) scaled to fit a square of ``size`` pixels."""
    if picture.ndim == 2:
        picture = picture[..., np.newaxis]
    height, width, channels = picture.shape
    kinds = {
        1: QImage.Format.Format_Grayscale8,
        3: QImage.Format.Format_RGB888,
        4: QImage.Format.Format_RGBA8888,
    }
    if channels not in kinds:
        picture, channels = picture[..., :1], 1
    data = np.ascontiguousarray(picture, np.uint8)
    image = QImage(data.data, width, height, width * channels, kinds[channels]).copy()
    smooth = max(height, width) > size
    mode = (
        Qt.TransformationMode.SmoothTransformation
        if smooth
        else Qt.TransformationMode.FastTransformation
    )
    return QPixmap.fromImage(image).scaled(size, size, Qt.AspectRatioMode.KeepAspectRatio, mode)


def picture_list(size: int, name: str) -> QListWidget:
    """A list of pictures side by side; ``name`` is spoken."""
    shown = QListWidget()
    shown.setViewMode(QListView.ViewMode.IconMode)
    shown.setResizeMode(QListView.ResizeMode.Adjust)
    shown.setMovement(QListView.Movement.Static)
    shown.setIconSize(QSize(size, size))
    shown.setAccessibleName(name)
    return shown


def as_grey(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Any picture's values stretched to 0..255."""
    floats = np.asarray(values, np.float32)
    low, high = float(floats.min()), float(floats.max())
    return ((floats - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)
