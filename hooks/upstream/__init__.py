"""The git servers that web hooks belong to, told by their APIs what becomes of commits.

`api` says where an API is and how it is signed in to, `statuses` what it is sent, `verdict` what there is to
say of a commit, `telling` says it once, `teller` has that done when it is due.
"""
