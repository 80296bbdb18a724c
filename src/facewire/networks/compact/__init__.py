"""The compact model: the paper's five steps made to run live on a CPU. `model` joins them.

Goes in: pictures (B, 3, 256, 256) and motions. Comes out: identities, motions, pictures.
"""
