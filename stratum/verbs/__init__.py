"""What a person may ask of an app: each verb edits the wished state in the caller's one transaction.

The caller nudges afterwards, and `runner.apply` makes it true.
"""
