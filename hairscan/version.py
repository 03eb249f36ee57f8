"""The version of the program, in its own file so that every folder can name it."""

__version__ = "0.1.0"
