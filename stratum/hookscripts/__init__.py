"""Hook scripts: programs of the operator's, run when something happens to an app.

`DIR/hooks.d/<event>/*`: events are the kinds of news, told afterwards, and `pre-build` and `pre-release`,
which may stop it. `found` tells which are there and may be run, `environ` what they are told, `running` runs
one, `kept` keeps what it has printed; `runner` does all of it.
"""
