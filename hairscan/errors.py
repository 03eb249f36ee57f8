"""Every error a user can meet. Each message says what happened and what to do next."""


class HairscanError(Exception):
    """Nothing was measured; the message is one line for a person."""


class PhotoError(HairscanError):
    """The photograph cannot be read or cannot be judged."""


class ScaleError(HairscanError):
    """The scale is missing where it is needed, or is absurd."""


class AreaError(HairscanError):
    """The counting area is malformed or does not lie in the picture."""


class ModelError(HairscanError):
    """The model folder is missing, damaged or of another version."""


class DeviceError(HairscanError):
    """The device that was asked for cannot run the model."""


class VisitError(HairscanError):
    """Two photographs cannot be compared: they do not show one site, or one of them shows it too badly."""


class OutputError(HairscanError):
    """The result cannot be written where it was asked for."""


class DataError(HairscanError):
    """Annotated photographs for training or evaluation are missing or malformed."""
