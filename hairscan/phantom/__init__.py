"""Scalp scenes of exactly known truth, drawn in micrometres."""

from hairscan.phantom.files import write_phantom
from hairscan.phantom.render import Phantom, render_scene
from hairscan.phantom.scene import KINDS, Scene, plain_scene, sample_scene
from hairscan.phantom.shaft import ShaftPhantom, render_shaft
from hairscan.phantom.truth import TrueHair

__all__ = [
    "KINDS",
    "Phantom",
    "Scene",
    "ShaftPhantom",
    "TrueHair",
    "plain_scene",
    "render_scene",
    "render_shaft",
    "sample_scene",
    "write_phantom",
]
