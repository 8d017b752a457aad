// The page: a query, filters, and what was found.

import * as api from "/page/api.js";
import { Adding } from "/page/adding.js";
import { byId, clock, count, make, nameOf, per100, tile } from "/page/parts.js";
import { Selection } from "/page/selection.js";
import { showTimeline } from "/page/timeline.js";

let view = "search";
let query = null; // { file } or { image }
let writable = false;
let latest = 0; // answers that come late are dropped

function tell(text, kind = "") {
  byId("told").textContent = text;
  byId("told").className = kind;
}

function trouble(error) {
  tell(error.message, "trouble");
  if (error.status === 401) byId("token").showModal();
}

function filters() {
  const wanted = new URLSearchParams();
  const numbers = (id, name) => {
    for (const part of byId(id).value.split(/[\s,]+/).filter(Boolean)) wanted.append(name, part);
  };
  numbers("camera", "camera");
  numbers("not-camera", "not_camera");
  for (const name of ["since", "until", "identity"]) {
    const value = byId(name).value.trim();
    if (value) wanted.set(name, value);
  }
  return wanted;
}

async function load(work) {
  const mine = (latest += 1);
  byId("results").setAttribute("aria-busy", "true");
  tell("Searching …");
  try {
    const found = await work();
    if (mine === latest) return found;
  } catch (error) {
    if (mine === latest) {
      byId("list").replaceChildren();
      trouble(error);
    }
  } finally {
    if (mine === latest) byId("results").removeAttribute("aria-busy");
  }
  return null;
}

async function search(note = "") {
  if (!query) {
    tell("Give a crop to search for, or browse the gallery and pick an image.");
    return;
  }
  const wanted = filters();
  wanted.set("k", byId("count").value);
  wanted.set("by", "identity");
  if (byId("rerank").checked) wanted.set("rerank", "true");
  const asked = query;
  const answer = await load(() => (asked.file ? api.searchFile(asked.file, wanted) : api.searchImage(asked.image.id, wanted)));
  if (answer) showAnswer(answer, note);
}

function showAnswer(answer, note) {
  const notes = note ? [note] : [];
  if (!answer.hits.length) notes.push(nothing(answer.itself ? "The gallery has no other image." : "The gallery is empty."));
  else if (answer.unknown) notes.push(`Unknown: no score reaches ${answer.threshold.toFixed(3)}. What comes nearest:`);
  else notes.push(`Most like it: ${nameOf(answer.identity)}.`);
  if (answer.itself && query.file) notes.push("The very same file is in the gallery, and left out.");
  tell(notes.join(" "), answer.unknown ? "unknown" : "");
  byId("list").className = "";
  byId("list").replaceChildren(...answer.hits.map(hit));
}

function hit(found) {
  const title = make("h3", { textContent: nameOf(found.identity), className: found.identity === null ? "unnamed" : "" });
  const number = (name, value) => make("span", { className: "number" }, `${name} `, make("b", { textContent: value }));
  const head = make(
    "div",
    { className: "hit-head" },
    make("span", { className: "rank", textContent: `${found.rank}.` }),
    title,
    make(
      "div",
      { className: "numbers" },
      number("score", found.score.toFixed(3)),
      found.probability === null ? null : number("same?", per100(found.probability)),
    ),
  );
  if (found.identity !== null) head.append(timelineButton(found.identity));
  const row = make(
    "div",
    { className: "tiles-row" },
    ...found.images.map((image) =>
      tile(image, {
        search: searchFrom,
        selection: writable ? selection : null,
        caption: [image.camera === null ? "" : `camera ${image.camera}`, image.score.toFixed(3)],
      }),
    ),
  );
  return make("li", { className: "hit" }, head, row);
}

function timelineButton(identity) {
  const button = make("button", { type: "button", className: "quiet", textContent: "Timeline" });
  button.setAttribute("aria-label", `Timeline of ${identity}`);
  button.addEventListener("click", () => showTimeline(identity, searchFrom).catch(trouble));
  return button;
}

async function browse(note = "") {
  const wanted = filters();
  wanted.set("limit", "100");
  const found = await load(() => api.images(wanted));
  if (!found) return;
  tell(`${note} ${seen(found)}`.trim());
  byId("list").className = "tiles";
  byId("list").replaceChildren(
    ...found.images.map((image) =>
      make(
        "li",
        {},
        tile(image, {
          search: searchFrom,
          selection: writable ? selection : null,
          caption: [nameOf(image.identity), image.camera === null ? clock(image.time) : `camera ${image.camera}`],
        }),
      ),
    ),
  );
}

const nothing = (all) => (filters().toString() ? "The gallery has no image that the filters leave." : all);

function seen(found) {
  if (found.images.length) return `${found.more ? "The first " : ""}${count(found.images.length, "image")}. Pick one to search from it.`;
  return nothing("The gallery is empty.");
}

function searchFrom(image) {
  query = { image };
  showView("search");
  showQuery(`image ${image.id}: ${nameOf(image.identity)}`, api.thumbnail(image.id));
  search();
  byId("results").scrollIntoView({ block: "nearest" });
}

function searchFor(file) {
  query = { file };
  showView("search");
  showQuery(file.name || "pasted picture", Promise.resolve(URL.createObjectURL(file)));
  search();
  byId("results").scrollIntoView({ block: "nearest" });
}

function showQuery(name, address) {
  byId("query-name").textContent = name;
  const picture = byId("query-picture");
  address.then(
    (place) => {
      if (picture.src) URL.revokeObjectURL(picture.src);
      picture.src = place;
      picture.alt = `Query: ${name}`;
    },
    () => {
      picture.hidden = true;
    },
  );
}

function showView(name) {
  view = name;
  for (const one of ["search", "browse", "add"]) byId(`show-${one}`).setAttribute("aria-pressed", String(one === name));
  byId("query-panel").hidden = name !== "search";
  byId("add-panel").hidden = name !== "add";
  byId("filter-panel").hidden = name === "add";
  byId("results-title").textContent = { search: "Results", browse: "Images", add: "Adding" }[name];
}

const refresh = (note) => ({ search, browse })[view]?.(note);

async function showStatistics() {
  const held = await api.statistics();
  writable = held.writable && Boolean(api.token());
  adding.limit = held.upload_bytes;
  byId("show-add").hidden = !writable;
  byId("key").hidden = !held.writable && !api.token();
  byId("key").textContent = api.token() ? "Token set" : "Token";
  const parts = { images: held.images, identities: held.identities, unlabelled: held.unlabelled, cameras: held.cameras };
  byId("statistics").replaceChildren(
    ...Object.entries(parts).map(([name, value]) =>
      make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value.toLocaleString("en") })),
    ),
  );
}

function take(files) {
  if (view === "add") adding.choose(files);
  else searchFor(files[0]);
}

// Files may be dropped anywhere: beside the frame for them, the browser would leave the page to show them.
function acceptDrops() {
  const frames = [byId("drop"), byId("add-drop")];
  const mark = (on) => frames.forEach((frame) => frame.classList.toggle("over", on));
  const carries = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false));
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(false);
    const files = [...event.dataTransfer.files];
    if (files.length) take(files);
  });
}

const selection = new Selection(async (told) => {
  await showStatistics();
  await refresh(told);
}, trouble);
const adding = new Adding(showStatistics);

function listen() {
  byId("query-file").addEventListener("change", (event) => {
    if (event.target.files.length) searchFor(event.target.files[0]);
    event.target.value = "";
  });
  byId("query-picture").addEventListener("load", (event) => (event.target.hidden = false));
  byId("query-picture").addEventListener("error", (event) => (event.target.hidden = true)); // no picture, or none browsers show
  acceptDrops();
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((one) => one.type.startsWith("image/"));
    if (files.length) take(files);
  });
  byId("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  byId("filters").addEventListener("reset", () => setTimeout(refresh));
  byId("show-search").addEventListener("click", () => {
    showView("search");
    byId("list").replaceChildren();
    search();
  });
  byId("show-browse").addEventListener("click", () => {
    showView("browse");
    browse();
  });
  byId("show-add").addEventListener("click", () => {
    showView("add");
    byId("list").replaceChildren();
    tell("An image whose content is there already is left as it is.");
  });
  for (const button of document.querySelectorAll("dialog .close")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  byId("key").addEventListener("click", () => byId("token").showModal());
  byId("token-form").addEventListener("submit", () => {
    api.keepToken(byId("token-value").value.trim());
    byId("token-value").value = "";
    start();
  });
}

async function start() {
  try {
    await showStatistics();
    await refresh();
  } catch (error) {
    trouble(error);
  }
}

byId("filter-panel").open = matchMedia("(min-width: 761px)").matches; // on a phone, results come first
api.takeTokenFromAddress();
listen();
start();
