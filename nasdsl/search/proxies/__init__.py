"""Zero-cost scores of untrained networks, one a file: `(network, images) -> float`."""
