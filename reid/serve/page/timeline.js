// Where else did it appear: one lane a camera, a mark an image.

import * as api from "/page/api.js";
import { byId, clock, count, make, tile } from "/page/parts.js";

export async function showTimeline(identity, search) {
  const found = await api.timeline(identity);
  const dialog = byId("timeline");
  const total = `${found.more ? "more than " : ""}${count(found.images.length, "image")}`;
  byId("timeline-title").textContent = `${identity}: ${total}, ${count(found.cameras.length, "camera")}`;
  const times = found.images.map((image) => image.time).filter((time) => time !== null);
  byId("lanes").replaceChildren(...(times.length ? lanes(found, Math.min(...times), Math.max(...times)) : untimed(found)));
  byId("sightings").replaceChildren(
    ...found.images.slice(0, 100).map((image) =>
      tile(image, {
        search: (one) => {
          dialog.close();
          search(one);
        },
        selection: null,
        caption: [image.camera === null ? "" : `camera ${image.camera}`, clock(image.time)],
      }),
    ),
  );
  dialog.showModal();
}

const camera = (number) => (number === null ? "no camera" : `camera ${number}`);

function lanes(found, first, last) {
  const rows = found.cameras.map((seen) => {
    const marks = found.images
      .filter((image) => image.camera === seen.camera && image.time !== null)
      .map((image) => {
        const mark = make("i", { title: `${clock(image.time)}, image ${image.id}` });
        mark.style.left = `${last > first ? 2 + (96 * (image.time - first)) / (last - first) : 50}%`;
        return mark;
      });
    const track = make("div", { className: "track", role: "img" }, ...marks);
    const span = seen.first === null ? "at unknown times" : `from ${clock(seen.first)} to ${clock(seen.last)}`;
    track.setAttribute("aria-label", `${count(seen.images, "image")}, ${span}`);
    return make("div", { className: "lane" }, make("span", { textContent: `${camera(seen.camera)} (${seen.images})` }), track);
  });
  const ends = [...new Set([first, last])].map((time) => make("span", { textContent: clock(time) }));
  return [...rows, make("div", { className: "scale" }, ...ends)];
}

function untimed(found) {
  return found.cameras.map((seen) => make("p", { textContent: `${camera(seen.camera)}: ${count(seen.images, "image")}, at unknown times` }));
}
