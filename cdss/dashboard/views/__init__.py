"""One room of the house per module; each view calls one service or selector and renders one template."""
