"""The paper's networks F, L, H, Delta, M, G and D, and their variants for the ablation.

Goes in: pictures (B, 3, H, W) and motions. Comes out: identities, motions, pictures. `face_vid2vid` joins them.
"""
