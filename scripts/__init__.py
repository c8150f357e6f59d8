"""Command-line steps of the data pipeline."""
