"""How good a picture, a clip or a model is: one file per metric, each with source, range and direction.

metric              what every metric says about itself            Metric
absolute_error      L1 on the 0..255 scale
psnr                peak signal-to-noise ratio
ssim, ms_ssim       structural similarity, at one and five scales
squeeze_perceptual  stand-in for LPIPS on SqueezeNet               squeeze_net
lpips               the real one, with weights from a path
dists               structure and texture on VGG-16, likewise
frechet             distance of two sets of features               squeeze_net (stand-in), inception (FID)
keypoint_distance   AKD, on the project's face mesh
apertures           do lips and lids follow the driver
pose_error          angle between two head rotations
expression_error    do brows, lids and lips move as the driver's
face_lost           share of frames without a face
jitter              nervousness of the landmarks
identity            CSIM and the same-person test                  dlib, optional

Goes in: pictures, points, features. Comes out: a number, or one a frame. May be imported by evaluation and call.
"""
