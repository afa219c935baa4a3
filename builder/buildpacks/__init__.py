"""The buildpacks that are built in: each a folder with bin/detect, bin/compile and bin/release.

They run where any buildpack does (`builder.driver`), with the standard library only.
How one is added: docs/architecture.md, "Buildpacks".
"""
