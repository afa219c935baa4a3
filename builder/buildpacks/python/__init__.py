"""The buildpack for Python: an environment in `.venv`, made by uv from what the app has locked."""
