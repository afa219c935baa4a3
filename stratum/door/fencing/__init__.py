"""What a step of a build sees of the host: a view of files, a network and processes of its own."""
