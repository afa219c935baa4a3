"""The way out of a fenced step: a proxy of ours, outside, that connects to registries and to nothing else."""
