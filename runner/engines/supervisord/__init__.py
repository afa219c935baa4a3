"""The engine that runs processes as sections of one supervisord."""
