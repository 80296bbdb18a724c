"""From clips on disk to augmented (source, driving) pairs.

Goes in: folders and shards of clips, stills, labels. Comes out: batches of pairs, the same for the same seed. May be
imported by training, benchmarks and cli.
"""
