"""The gallery on Milvus: a distributed vector database, its standalone server, or Milvus Lite.

A gallery NAME is two collections:

    NAME_images   a row an image: id, vector, path, identity, camera, time, source, box, sha256
    NAME_extras   texts by key: "about" (model, dimension, uuid), "setting/...", "thumbnail/ID", "ids/..."

What is the same as in a folder: records, filters, order of hits, duplicates, ids that are never given again. A server
has no transactions, so that is kept up by the order of writes:

- The row "about" is written last when a gallery is made; without it there is none.
- Thumbnails are written before their images, and removed before them. A batch that was broken off between the two is
  not seen, and adding it again completes it; of a removal, the images that are left have lost their thumbnails, and
  removing them again completes it.
- A batch above 16 MiB of vectors goes in several requests. If one fails, those before it are taken back; if the writer
  is killed in between, they stay, and adding the batch again adds the others.
- Ids are given in blocks that are claimed, see `identifiers`.
- Two writers that add the same content at the same moment both look again afterwards, and the image with the higher id
  goes; a writer that is killed before it looks leaves both.
- Identities are changed by writing rows anew. An image that another process removes in that moment may come back.

What the server does not promise by itself:

- Reads are strongly consistent, which the default of Milvus is not; searches may be set to less in the address.
- A change is acknowledged when it is in the server's log, which survives the death of the server's processes; it
  survives the loss of the machine as far as the log's own storage does. `settle` has own changes written to the
  storage's files, and chooses the index.
- Milvus Lite takes one writing process at a time, and leaves it to the system when its log reaches the disk.
"""
