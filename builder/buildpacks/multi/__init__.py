"""The buildpack for Python apps whose assets are built by Node.js: the node one, then the python one."""
