"""The control loops: each compares what is wanted with what is, and takes the next step.

A controller is a pure plan (objects in, steps out) and a reconciler around it that reads
informers, carries the steps out through the API and is called again when anything changes.
"""
