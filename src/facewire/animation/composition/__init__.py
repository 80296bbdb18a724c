"""The fast composition of whole pictures on a CPU; networks/large_picture.py defines what it makes.

    photo --plates--> what can be read --maps, reading--> the head's square --composer--> the whole picture

Goes in: a photo, the square of a head in it, parts of a frame. Comes out: that square, or the whole photo with the
head in it. May be imported by whatever may import animation.
"""
