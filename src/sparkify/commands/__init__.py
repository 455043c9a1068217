"""The commands of `sparkify`: each module declares and runs the command it is named after.

`arguments`, `output`, `tables`, `progress`, `streams` and `interrupt` are shared, and `load_sample` is for
`make`. Commands import the library where they use it, so that `sparkify --help` answers at once.
"""
