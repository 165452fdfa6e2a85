"""The bench page: a folder of studies in the browser, served from the person's own machine.

A thin view. What it does is done by the verbs of the command line, each in a process of its own, in the same folder.
"""
