"""From records to numbers with error bars: scores as arrays, intervals, tests of significance, summaries."""
