"""The card of many pictures at once on a torch device, with one transfer back for the whole batch.

The device adds up what depends on pixels (integer sums, the SSIM map, learned features); the metrics themselves then
run as they always do, on cards that know these sums already. So no formula stands twice, and a metric that looks at
pixels on its own still works: it finds them on its card.
"""
