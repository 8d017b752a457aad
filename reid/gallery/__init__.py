"""Galleries: images whose vectors are stored, and searching them with camera crops."""
