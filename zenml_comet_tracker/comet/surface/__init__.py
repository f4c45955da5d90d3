"""The methods of a live experiment, by noun; `comet.experiment` puts them together."""
