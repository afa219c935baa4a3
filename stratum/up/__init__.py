"""Starting and stopping one instance: folders, supervisord, readiness, the orderly end."""
