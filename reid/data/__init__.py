"""From folders of images to batches: dataset cards, layouts on disk, reading and verifying, images, transforms, samplers."""
