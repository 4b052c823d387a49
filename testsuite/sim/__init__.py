"""Tests of visa-sim around the model: loading, command line, devices, HTIF, traces, statistics."""
