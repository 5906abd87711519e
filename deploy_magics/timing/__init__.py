"""How time is measured."""
