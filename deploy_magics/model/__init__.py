"""The one door through which models come in."""
