"""The gallery in a folder: SQLite holds the truth, vectors stand in a file that only grows, the index is derived.

    catalogue.sqlite       every image but its vector: path, identity, camera, time, ..., a checksum a row
    catalogue.seal         sha256 of the catalogue while nobody has it open for writing
    vectors-000001.bin     the vectors, one after another by *slot*, with a checksum a row; 000001 is the generation
    index.bin              the clusters of the vectors, once there are many; made anew where it is missing or damaged
    lock                   held by every process that has the gallery open

A batch is added by writing its vectors behind all others, flushing them, and then committing its rows: until the
commit they are bytes that nobody reads. Removing an image takes its row away; its slot stays until `compact` writes the
next generation.
"""
