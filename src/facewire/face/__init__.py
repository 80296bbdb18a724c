"""Faces in photographs and video: finding them, their mesh, head pose, expression and crop.

finder      photograph -> faces (detector, then mesh)            FaceFinder, Face
  backend     what computes detector and mesh                    FaceNetworks
  detection   the detector's answers                             Detection
  region      rotated squares                                    SquareRegion
  resize      pictures at another size                           resized
pose        mesh -> rotation, translation, scale                 head_pose
expression  mesh -> apertures, gaze; the 68-point order          mouth_aperture, eye_aperture, SIXTY_EIGHT
crop        faces -> the project's square                        crop_box_from_faces, crop
relatives   faces -> the squares of other families of models     Framing
store       weights files with their hashes
networks    in torch, and what else is known of faces there      BlazeFace, FaceMesh, AttentionMesh, PersonMatte

Goes in: pictures. Comes out: faces, squares, numbers of a face. May be imported by every room above it.
"""
