"""The door: the few things only root may do for the services, by ids and a fixed table.

`server` is its process when fenced; `client.Door` asks it there, or does the same in process when
unfenced. Standard library only, and nothing here parses what an app or a pusher wrote.
"""
