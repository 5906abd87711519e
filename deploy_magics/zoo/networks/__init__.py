"""Network definitions in torch, one family a module; importing them imports torch."""
