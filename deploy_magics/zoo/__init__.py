"""Networks and data at hand."""
