"""The program that runs an app's buildpacks: as the build's uid, in the build's fence.

Everything here is at the mercy of what the pusher wrote, so nothing here is trusted by who started
it: it is told what to do on its standard input, and what it answers there is looked at again
(`builder.answer`). Standard library only; the interpreter starts without site-packages.
"""
