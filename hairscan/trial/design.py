"""The design of a trial, read from a YAML file: what is compared, when, in which order, at which level."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from hairscan.endpoints.flags import FLAG_WORDS
from hairscan.errors import TrialError
from hairscan.trial.parameters import check_distinct, check_endpoints

Layout = Literal["parallel", "split-scalp"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Responder(_Part):
    """Who counts as a responder: a subject whose endpoint rose by at least so much at the primary visit.

    Attributes
    ----------
    change : float, optional
        In the endpoint's unit.
    percent : float, optional
        Percent of the baseline.
    """

    endpoint: str
    change: float | None = Field(None, gt=0)
    percent: float | None = Field(None, gt=0, validate_default=True)

    @field_validator("endpoint")
    @classmethod
    def _known_endpoint(cls, endpoint: str) -> str:
        return check_endpoints([endpoint])[0]

    @field_validator("percent")
    @classmethod
    def _one_rule(cls, percent: float | None, info: ValidationInfo) -> float | None:
        if "change" in info.data and (percent is None) == (info.data["change"] is None):
            raise ValueError("say either a change or a percent")
        return percent


class Exclusion(_Part):
    """A subject left out of the per-protocol set, and why."""

    subject: str
    reason: str = Field(min_length=1)


class Design(_Part):
    """A trial as its protocol describes it. A field is checked against those above it.

    Attributes
    ----------
    study : str
        Identifier of the trial (STUDYID); the title where it is empty.
    control : str, optional
        Arm that the treatments are compared with. Without one the trial is only described.
    visits : dict of str to float
        Week of each visit, by its name in the manifest.
    endpoints : tuple of str
        Columns of images.csv in testing order.
    alpha : float
        Two-sided level.
    covariates : tuple of str
        Columns of the manifest or of the subjects file, constant in each subject.
    subjects : Path, optional
        CSV with a column `subject`; a relative path starts at the folder of the design. Who stands there and was never
        photographed is counted in the flow, in the arm that a column `arm` names.
    exclude : tuple of Exclusion
        Subjects left out of the per-protocol set.
    implausible : dict of str to float
        Change within four weeks that is too large to be hair growth, by endpoint, tested or not.
    differences : dict of str to tuple of float
        Differences between the arms that the next trial should show, by endpoint; for its sample size.
    unusable_flags : tuple of str
        A photograph with one of these flags is not analysed.
    """

    title: str = Field(min_length=1)
    study: str = ""
    layout: Layout
    control: str | None = None
    treatments: tuple[str, ...] = Field(min_length=1)
    visits: dict[str, float] = Field(min_length=2)
    baseline: str
    primary_visit: str
    endpoints: tuple[str, ...] = Field(min_length=1)
    multiplicity: Literal["fixed-sequence", "holm"] = "fixed-sequence"
    alpha: float = Field(0.05, gt=0, lt=0.5)
    covariates: tuple[str, ...] = ()
    subjects: Path | None = None
    responder: Responder | None = None
    exclude: tuple[Exclusion, ...] = ()
    implausible: dict[str, float] = Field(default={"density_per_cm2": 30.0, "mean_width_um": 5.0})
    differences: dict[str, tuple[float, ...]] = Field(
        default={
            "density_per_cm2": (10.0, 15.0, 20.0),
            "terminal_30um_per_cm2": (10.0, 15.0, 20.0),
            "terminal_40um_per_cm2": (10.0, 15.0, 20.0),
            "mean_width_um": (2.0, 5.0),
            "cumulative_width_mm_per_cm2": (0.5, 1.0),
        }
    )
    unusable_flags: tuple[str, ...] = (
        "out-of-focus",
        "focus-unknown",
        "small-field",
        "implausible-density",
        "implausible-width",
    )
    _folder: Path = PrivateAttr(default=Path())
    _sha256: str = PrivateAttr(default="")

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms, the control first."""
        return self.treatments if self.control is None else (self.control, *self.treatments)

    @property
    def later_visits(self) -> tuple[str, ...]:
        """Visits after the baseline, in time."""
        weeks = self.visits
        return tuple(sorted((v for v in weeks if weeks[v] > weeks[self.baseline]), key=weeks.__getitem__))

    @property
    def level(self) -> str:
        """Level of all intervals in words: ``95 %``."""
        return f"{100 * (1 - self.alpha):g} %"

    @property
    def subjects_path(self) -> Path | None:
        """Where the subjects file lies."""
        return None if self.subjects is None else self._folder / self.subjects

    @property
    def sha256(self) -> str:
        """Of the design file; of its content where it was not read from a file."""
        return self._sha256 or hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @field_validator("control", mode="after")
    @classmethod
    def _needed_control(cls, control: str | None, info: ValidationInfo) -> str | None:
        if control is None and info.data.get("layout") == "split-scalp":
            raise ValueError("a split-scalp trial compares two sides: name the arm of the control side")
        return control

    @field_validator("treatments")
    @classmethod
    def _distinct_treatments(cls, treatments: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        check_distinct(treatments)
        if info.data.get("control") in treatments:
            raise ValueError(f"{info.data['control']} is the control and cannot be a treatment as well")
        if info.data.get("layout") == "split-scalp" and len(treatments) > 1:
            raise ValueError("a split-scalp trial has one treatment, on the other side of the control")
        return treatments

    @field_validator("visits")
    @classmethod
    def _distinct_weeks(cls, visits: dict[str, float]) -> dict[str, float]:
        by_week: dict[float, list[str]] = {}
        for visit, week in visits.items():
            by_week.setdefault(week, []).append(visit)
        shared = [f"{' and '.join(names)} are both in week {week:g}" for week, names in by_week.items() if names[1:]]
        if shared:
            raise ValueError("; ".join(shared))
        return visits

    @field_validator("baseline", "primary_visit")
    @classmethod
    def _known_visit(cls, visit: str, info: ValidationInfo) -> str:
        weeks = info.data.get("visits")
        if weeks is not None and visit not in weeks:
            raise ValueError(f"{visit} is not one of the visits ({', '.join(weeks)})")
        return visit

    @field_validator("baseline")
    @classmethod
    def _early_baseline(cls, baseline: str, info: ValidationInfo) -> str:
        weeks = info.data.get("visits", {})
        if baseline in weeks and weeks[baseline] != min(weeks.values()):
            raise ValueError(f"{baseline} (week {weeks[baseline]:g}) is not the first visit: leave those before it out")
        return baseline

    @field_validator("primary_visit")
    @classmethod
    def _later_primary(cls, visit: str, info: ValidationInfo) -> str:
        if visit == info.data.get("baseline"):
            raise ValueError(f"{visit} is the baseline: name a later visit")
        return visit

    @field_validator("endpoints")
    @classmethod
    def _known_endpoints(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        return check_endpoints(endpoints)

    @field_validator("responder")
    @classmethod
    def _measured_responder(cls, responder: Responder | None, info: ValidationInfo) -> Responder | None:
        endpoints = info.data.get("endpoints")
        if responder is not None and endpoints is not None and responder.endpoint not in endpoints:
            raise ValueError(f"{responder.endpoint} is not among the endpoints: add it to them")
        return responder

    @field_validator("covariates")
    @classmethod
    def _distinct_covariates(cls, covariates: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        check_distinct(covariates)
        if covariates and info.data.get("layout") == "split-scalp":
            raise ValueError("the two sides of a subject share them: leave them out of a split-scalp trial")
        return covariates

    @field_validator("exclude")
    @classmethod
    def _distinct_exclude(cls, exclude: tuple[Exclusion, ...]) -> tuple[Exclusion, ...]:
        check_distinct([entry.subject for entry in exclude])
        return exclude

    @field_validator("implausible")
    @classmethod
    def _known_implausible(cls, implausible: dict[str, float]) -> dict[str, float]:
        check_endpoints(implausible)
        if any(not change > 0 for change in implausible.values()):
            raise ValueError("every change must be greater than 0")
        return implausible

    @field_validator("differences")
    @classmethod
    def _known_differences(cls, differences: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        check_endpoints(differences)
        if any(not difference > 0 for values in differences.values() for difference in values):
            raise ValueError("every difference must be greater than 0")
        return differences

    @field_validator("unusable_flags")
    @classmethod
    def _known_flags(cls, flags: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [flag for flag in flags if flag not in FLAG_WORDS]
        if unknown:
            raise ValueError(f"no photograph has the flag {', '.join(unknown)}: choose among {', '.join(FLAG_WORDS)}")
        return flags


def read_design(path: Path) -> Design:
    """The design in a YAML file.

    Raises
    ------
    TrialError
        Where the file is missing or says something that cannot be; all of it is in `problems`.
    """
    try:
        content = path.read_bytes()
        settings = yaml.safe_load(content)
        twice = tuple(f"{path.name} {problem}" for problem in _keys_given_twice(content))
    except (OSError, UnicodeDecodeError) as error:
        raise TrialError(f"{path} cannot be read: give a trial design such as configs/trial-parallel.yaml") from error
    except yaml.YAMLError as error:
        raise TrialError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if twice:
        raise TrialError(f"{path} cannot be used as it is", twice)
    if not isinstance(settings, Mapping):
        raise TrialError(f"{path} is not a trial design: begin with configs/trial-parallel.yaml")
    try:
        design = Design.model_validate(_text_keys(settings))
    except ValidationError as error:
        problems = tuple(f"{path.name}: {_in_words(detail)}" for detail in error.errors())
        raise TrialError(f"{path} cannot be used as it is", problems) from error
    design._folder = path.parent
    design._sha256 = hashlib.sha256(content).hexdigest()
    return design


def _keys_given_twice(content: bytes) -> Iterator[str]:
    """A line for every key that its mapping has already: YAML would drop the first of them without a word."""
    nodes = [yaml.compose(content, Loader=yaml.SafeLoader)]
    for node in nodes:  # grows on the way; an alias is the node that it names
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        inside = node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in pairs]
        nodes += [part for part in inside if part not in nodes]
        lines: dict[str, int] = {}
        for key, _ in pairs:
            line = key.start_mark.line + 1
            if key.value in lines:
                yield f"line {line}: {key.value} stands in line {lines[key.value]} already: keep one of them"
            lines.setdefault(key.value, line)


def _text_keys(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """The settings with the names of visits as text, so that ``24: 24`` is as good as ``"24": 24``."""
    named = {str(key): value for key, value in settings.items()}
    if isinstance(named.get("visits"), Mapping):
        named["visits"] = {str(visit): week for visit, week in named["visits"].items()}
    return named


def _in_words(detail: ErrorDetails) -> str:
    """One problem as a line for the statistician who wrote the design."""
    place = ".".join(str(part) for part in detail["loc"])
    given = detail["input"]
    match detail["type"]:
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            parts: dict[str, type[BaseModel]] = {"responder": Responder, "exclude": Exclusion}
            known = parts.get(str(detail["loc"][0]), Design).model_fields
            return f"{place} is not a setting: choose among {', '.join(known)}"
        case "value_error":
            return f"{place}: {detail['ctx']['error']}"
        case "literal_error":
            return f"{place} is {given!r}: choose {detail['ctx']['expected'].replace(chr(39), '')}"
        case "too_short":
            return f"{place}: give at least {detail['ctx']['min_length']}"
        case "string_type":
            return f"{place} is {given!r}: put the name in quotes"
        case _:
            return f"{place} is {given!r}: {detail['msg'].removeprefix('Input ')}"
