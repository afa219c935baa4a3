"""Telling others how it went: from news of apps to messages, and from messages to whom they are for.

`fanout` makes messages of news, `notifier` has them delivered, `delivery` does one attempt, `http` sends it,
`reach` connects to where it may go, `backoff` says when to try again.
"""
