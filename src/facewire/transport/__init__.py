"""How bytes travel in a call: trailers, pieces, limits, invitations, a model of a bad link. Standard library only,
but for web/."""
