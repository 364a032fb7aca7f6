"""What a request costs, as ratios: absolute times on a shared machine are noise."""
