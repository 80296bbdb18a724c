// The sender: a face in pictures of a camera or a video becomes head motion; everything that other rooms use.
//
//     const sender = new FaceSender(base, (share) => { ... });      a worker of its own
//     const { threads } = await sender.ready;
//     const { motion } = await sender.look(await createImageBitmap(video), seconds);

export { CropBox, cropBoxOf, crop } from "./crop.js";
export { pictureOf } from "./picture.js";
export { FaceSender } from "./sender.js";
export { follow } from "./follow.js";
