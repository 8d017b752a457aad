"""The network, its subspaces, and the losses it is trained with."""
