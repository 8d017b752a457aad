"""Divide, conquer, finetune: the training of a run."""
