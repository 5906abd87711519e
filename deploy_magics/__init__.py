"""From a trained model to one that runs well where it has to: notebook magics, widgets and workbooks.

Every step is one typed function; its magic, its shell command and its Python call are the same function.
"""

__version__ = "0.1.0"
