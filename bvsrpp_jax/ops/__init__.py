"""Pure functions of arrays, channels last, free of Flax and of weights.

Everything the network computes that has no parameter of its own lives here, so that it
can be tested against plain loops and moved to another module system in a day.
"""
