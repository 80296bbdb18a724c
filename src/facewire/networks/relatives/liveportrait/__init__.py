"""What LivePortrait does with motions and keypoints beside its networks.

transfer  what of a driver is carried over, in regions, to photos and clips
rts       the smoother of clips
rest      what a single picture is compared with
portrait  eyes and lips
sliders   the editor
"""
