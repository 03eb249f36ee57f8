"""A Photo becomes HairMaps: the network on a backend, tiling; numpy in, numpy out."""

from hairscan.segment.maps import resized, segment_photo
from hairscan.segment.model import Segmenter, find_model, load_model, model_folders

__all__ = ["Segmenter", "find_model", "load_model", "model_folders", "resized", "segment_photo"]
