"""From raw videos to shards of clips that training reads.

list -> per video: cuts, tracks, crops, filters, labels -> parts -> shards, manifest, summary
"""
