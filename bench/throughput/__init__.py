"""Throughput: pictures a second, latency, memory and energy of every method, and how close that is to the limit."""

from bench.throughput.measure import measure
from bench.throughput.stage import measure_methods

__all__ = ["measure", "measure_methods"]
