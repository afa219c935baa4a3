"""A build backend that writes until the disk is full."""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("filler", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
