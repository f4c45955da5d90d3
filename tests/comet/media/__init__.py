"""Tests of `zenml_comet_tracker.comet.media`."""
