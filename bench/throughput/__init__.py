"""Throughput: pictures a second, latency, memory and energy of every method, and how close that is to the limit."""
