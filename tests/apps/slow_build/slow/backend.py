"""A build backend that never comes to an end."""

import time


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    time.sleep(3600)
