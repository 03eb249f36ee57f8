"""Every error a user can meet. Each message says what happened and what to do next."""


class HairscanError(Exception):
    """Nothing was measured; the message is one line for a person."""


class PhotoError(HairscanError):
    """The photograph cannot be read or cannot be judged."""


class ScaleError(HairscanError):
    """The scale is missing where it is needed, or is absurd."""


class OptionError(HairscanError):
    """What an option says cannot be read."""


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


class ManifestError(HairscanError):
    """The list of photographs cannot be used as it is; `problems` are all that is wrong with it, a line each."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class ClusterError(HairscanError):
    """The cluster cannot be reached, or does not run the same hairscan."""


class EstimateError(HairscanError):
    """These data do not determine the estimate that was asked for."""


class TrialError(HairscanError):
    """The design of a trial, or its run, does not allow the analysis; `problems` are all to mend, a line each."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class BlindError(HairscanError):
    """The photographs cannot be blinded, or a key does not fit the run."""
