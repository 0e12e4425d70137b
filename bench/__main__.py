"""Print every table that the documentation shows: `python -m bench`."""

from bench import audio, hot_path, metrics, performance

performance.main()
audio.main()
hot_path.main()
metrics.main()
