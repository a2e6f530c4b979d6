"""How good a model of images is: figures of classes, masks, objects, restorations and alarms."""
