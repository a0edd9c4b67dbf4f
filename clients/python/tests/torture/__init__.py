"""Kills a server, cuts its power, fails its files and fills its disk, and compares what it then has with a
ledger kept outside. `python -m torture --help`, or Tests/CrashTests/run."""
