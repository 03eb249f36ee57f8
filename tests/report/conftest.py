"""A small made-up trial, its tables in the shapes that the analysis writes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

ENDPOINTS = ("density_per_cm2", "mean_width_um")
VISITS = {"0": 0.0, "12": 12.0, "24": 24.0}
GAINS = {"placebo": 3.0, "prp": 9.0, "exosome": 14.0}
EFFECTS = ["set", "endpoint", "visit", "week", "arm", "control", "method", "estimate", "se", "df", "low", "high", "p"]


def _observations(rng):
    rows = []
    for arm, gain in GAINS.items():
        for number in range(10):
            subject, start = f"{arm[:2].upper()}{number:02d}", {"density_per_cm2": 150.0, "mean_width_um": 52.0}
            for endpoint in ENDPOINTS:
                scale = 1.0 if endpoint == "density_per_cm2" else 0.2
                base = start[endpoint] + scale * rng.normal(0, 20)
                for visit, week in VISITS.items():
                    if number == 9 and visit == "24":
                        continue
                    change = 0.0 if week == 0 else scale * (gain * week / 24 + rng.normal(0, 6))
                    rows.append((subject, arm, "", "vertex", visit, week, endpoint, base + change, base, change))
    names = ["subject", "arm", "side", "site", "visit", "week", "endpoint", "value", "base", "change"]
    table = pd.DataFrame(rows, columns=names)
    later = table["week"] > 0
    return table.assign(
        n_photos=1,
        percent_change=100 * table["change"] / table["base"],
        is_baseline=~later,
        change=table["change"].where(later),
        analysed=True,
        area_cm2=0.71,
        flags="",
    )


def _described(observations):
    rows = []
    for (endpoint, arm, visit, week), group in observations.groupby(["endpoint", "arm", "visit", "week"], sort=False):
        row = {"endpoint": endpoint, "arm": arm, "visit": visit, "week": week, "area_cm2_mean": 0.71}
        for prefix, values in (("", group["value"]), ("change_", group["change"].dropna())):
            n, half = len(values), 2.2 * values.std() / max(len(values), 1) ** 0.5
            row |= {"n_change" if prefix else "n": n, f"{prefix}mean": values.mean(), f"{prefix}sd": values.std()}
            row |= {f"{prefix}low": values.mean() - half, f"{prefix}high": values.mean() + half}
            row |= {f"{prefix}{q}": values.quantile(at) for q, at in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))}
        row |= {"percent_change_mean": group["percent_change"].mean(), "percent_change_sd": 4.0, "correlation": 0.9}
        rows.append(row)
    return pd.DataFrame(rows)


def _effects(described, method="MMRM", of_set="full"):
    rows = []
    changes = described.set_index(["endpoint", "visit", "arm"])
    for endpoint in ENDPOINTS:
        for visit, week in list(VISITS.items())[1:]:
            for arm in ("prp", "exosome"):
                estimate = changes.loc[(endpoint, visit, arm), "change_mean"]
                estimate -= changes.loc[(endpoint, visit, "placebo"), "change_mean"]
                half = 4.0 if endpoint == "density_per_cm2" else 0.9
                low, high, p = estimate - half, estimate + half, 0.004 if abs(estimate) > half else 0.21
                row = (of_set, endpoint, visit, week, arm, "placebo", method, estimate, half / 2, 26.0, low, high, p)
                rows.append(row)
    return pd.DataFrame(rows, columns=EFFECTS).assign(n_arm=10, n_control=10, note="")


def _repeats(rng):
    targets = [f"S{number:02d}|placebo||vertex|0" for number in range(15)]
    rows = []
    for target in targets:
        truth = rng.normal(150, 25)
        rows += [
            ("density_per_cm2", "same visit", target[:3], target, repeat, truth + rng.normal(0, 5)) for repeat in (1, 2)
        ]
    return pd.DataFrame(rows, columns=["endpoint", "kind", "subject", "target", "repeat", "value"])


def _flow():
    items = {
        "subjects in the manifest": 11,
        "photographs in the manifest": 33,
        "photographs that failed": 1,
        "photographs excluded": 2,
        "photographs analysed": 30,
        "subjects without baseline": 1,
        "subjects without a later visit": 0,
        "subjects in the full analysis set": 10,
    }
    rows = []
    for arm in GAINS:
        rows += [(arm, item, "", n) for item, n in items.items()]
        rows += [(arm, "subjects analysed at the visit", visit, 9 if visit == "24" else 10) for visit in VISITS]
        rows += [
            (arm, "subjects left out of the per-protocol set", "", 1),
            (arm, "subjects in the per-protocol set", "", 9),
        ]
    return pd.DataFrame(rows, columns=["arm", "item", "visit", "n"])


def _photos():
    flags = ["low-contrast;few-hairs", "glare", "out-of-focus"]
    return pd.DataFrame(
        {
            "image": [f"photos/{name}.jpg" for name in "abc"],
            "subject": ["PL00", "PR01", "EX02"],
            "arm": list(GAINS),
            "side": "",
            "site": "vertex",
            "visit": ["0", "12", "24"],
            "flags": flags,
            "used": [True, True, False],
            "reason": ["", "", "out of focus: thin hairs may be missing"],
            "um_per_px": [2.5, 2.5, 2.6],
            "device": "lens A",
        }
    )


def _agreement(repeats):
    wide = repeats.pivot(index="target", columns="repeat", values="value")
    difference = wide[2] - wide[1]
    bias, sd = difference.mean(), difference.std()
    row = {
        "endpoint": "density_per_cm2",
        "kind": "same visit",
        "n_subjects": 15,
        "n_pairs": len(wide),
        "bias": bias,
        "sd": sd,
    }
    for name, level in (("bias", bias), ("loa_low", bias - 1.96 * sd), ("loa_high", bias + 1.96 * sd)):
        row |= {name: level, f"{name}_low": level - 2.5, f"{name}_high": level + 2.5}
    return pd.DataFrame([row | {"slope": 0.02, "slope_p": 0.61}])


def _effect_sizes(effects):
    rows = effects[(effects["method"] == "MMRM") & (effects["set"] == "full")]
    g = {"hedges_g": 0.9, "g_low": 0.1, "g_high": 1.8, "cliffs_delta": 0.5, "delta_low": 0.0, "delta_high": 0.8}
    return rows[["set", "endpoint", "visit", "week", "arm", "control", "n_arm", "n_control"]].assign(**g)


def _responders():
    shared = {"set": "full", "endpoint": "density_per_cm2", "visit": "24", "control": "placebo", "note": ""}
    shared |= {"n_arm": 9, "n_control": 9, "responders_control": 1, "share_control": 1 / 9}
    shared |= {"least_gain_low": 10.0, "least_gain_high": 10.0}
    prp = {"arm": "prp", "responders_arm": 5, "share_arm": 5 / 9, "p": 0.13}
    prp |= {"difference": 0.44, "difference_low": 0.04, "difference_high": 0.70, "nnt": 2.25, "nnt_low": 1.4}
    prp |= {"nnt_high": 24.0, "odds_ratio": 10.0, "odds_low": 0.9, "odds_high": 117.0}
    exosome = prp | {"arm": "exosome", "responders_arm": 7, "share_arm": 7 / 9, "difference": 0.67}
    shared |= {"missing": "no response"}
    shared |= {"share_control_low": 0.02, "share_control_high": 0.44, "share_arm_low": 0.27, "share_arm_high": 0.81}
    left_out = {"missing": "left out", "n_arm": 8, "n_control": 8}
    return pd.DataFrame([row | missing for row in (shared | prp, shared | exosome) for missing in ({}, left_out)])


def _reliability():
    row = {
        "endpoint": "density_per_cm2",
        "kind": "same visit",
        "n_subjects": 15,
        "n_targets": 15,
        "n_photos": 30,
        "note": "",
    }
    row |= {
        f"icc{kind}{end}": value for kind in (21, 31) for end, value in (("", 0.96), ("_low", 0.9), ("_high", 0.99))
    }
    return pd.DataFrame(
        [row | {"sem": 4.8, "df": 15, "sem_low": 3.5, "sem_high": 7.4, "mdc95": 13.3, "within_cv_percent": 3.2}]
    )


def _flagged(photos):
    from hairscan.endpoints.flags import flag_in_words

    words = ["; ".join(map(flag_in_words, flags.split(";"))) for flags in photos["flags"]]
    return photos[["image", "subject", "arm", "visit", "flags"]].assign(words=words, used=["yes", "yes", "no"])


def make_result():
    """The made-up trial: three arms, two endpoints, three visits."""
    from hairscan.trial.literature import literature_table, published_trials

    rng = np.random.default_rng(5)
    observations, repeats = _observations(rng), _repeats(rng)
    described = _described(observations)
    effects = pd.concat(
        [_effects(described), _effects(described, of_set="per protocol"), _effects(described, "ANCOVA")]
    )
    adjusted = described[described["week"] > 0].rename(
        columns={"change_mean": "estimate", "change_low": "l", "change_high": "h"}
    )
    adjusted = adjusted.drop(columns=["low", "high"]).rename(columns={"l": "low", "h": "high"}).assign(set="full")
    design = SimpleNamespace(
        title="Exosome and PRP against saline, a made-up trial",
        study="MADEUP",
        layout="parallel",
        control="placebo",
        treatments=("prp", "exosome"),
        arms=("placebo", "prp", "exosome"),
        visits=VISITS,
        baseline="0",
        later_visits=("12", "24"),
        primary_visit="24",
        endpoints=ENDPOINTS,
        multiplicity="fixed-sequence",
        alpha=0.05,
        level="95 %",
        responder=SimpleNamespace(endpoint="density_per_cm2", change=10.0, percent=None),
        unusable_flags=("out-of-focus",),
        implausible={"density_per_cm2": 30.0},
    )
    photos = _photos()
    tables = {
        "flow": _flow(),
        "exclusions": pd.DataFrame(
            [
                (
                    "photograph",
                    "photos/c.jpg",
                    "EX02",
                    "exosome",
                    "",
                    "vertex",
                    "24",
                    "out of focus: thin hairs may be missing",
                ),
                ("per protocol", "", "PR03", "", "", "", "", "hair transplant in week 9"),
            ],
            columns=["level", "image", "subject", "arm", "side", "site", "visit", "reason"],
        ),
        "describe": described,
        "effects": effects,
        "adjusted_means": adjusted[["set", "endpoint", "visit", "week", "arm", "n_change", "estimate", "low", "high"]],
        "effect_sizes": _effect_sizes(effects),
        "responders": _responders(),
        "sensitivity": _effects(described, "reference-based imputation"),
        "reliability": _reliability(),
        "bland_altman": _agreement(repeats),
        "sample_size": pd.DataFrame(
            [("density_per_cm2", "24", "parallel", 7.1, 10.0, power, n) for power, n in ((0.8, 9), (0.9, 12))],
            columns=["endpoint", "visit", "layout", "sd", "difference", "power", "n_per_arm"],
        ),
        "literature": literature_table(published_trials(), effects),
        "warnings": pd.DataFrame({"subject": ["EX04"], "warning": ["changed by +41 within 4 weeks (limit 30)"]}),
        "flagged_photos": _flagged(photos),
    }
    data = SimpleNamespace(
        observations=observations,
        repeats=repeats,
        photos=photos,
        failures=pd.DataFrame({"image": ["photos/d.jpg"], "error": ["PhotoError"], "message": ["cannot be read"]}),
        exclusions=tables["exclusions"],
        flow=tables["flow"],
        run_record={},
    )
    facts = {
        "hairscan that measured": "0.1.0",
        "model": "default",
        "sha256 of the model": "ab" * 32,
        "sha256 of the design": "cd" * 32,
        "poor photographs": "Left out by a rule set in the design: photographs out of focus.",
        "human corrections": "none recorded",
    }
    methods = ["Changes were analysed by a mixed model for repeated measures (REML).", "Alpha was 0.05, two-sided."]
    return SimpleNamespace(design=design, data=data, tables=tables, methods=methods, facts=facts)


@pytest.fixture
def result():
    """A fresh made-up trial."""
    return make_result()
