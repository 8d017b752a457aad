// Small parts of the page. Text only ever becomes text nodes, so names from outside stay names.

import { thumbnail } from "/page/api.js";

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function clock(time) {
  if (time === null) return "";
  if (Math.abs(time) < 1e8) return String(time); // a frame number
  return new Date(1000 * time).toISOString().replace("T", " ").slice(0, 19);
}

export const nameOf = (identity) => identity ?? "no identity";
export const per100 = (share) => `${Math.round(100 * share)} %`;
export const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

export function describe(image) {
  const parts = [`image ${image.id}`];
  if (image.camera !== null) parts.push(`camera ${image.camera}`);
  if (image.time !== null) parts.push(clock(image.time));
  return parts.join(", ");
}

// A thumbnail that is a button, with a box to select it where changes are possible.
export function tile(image, { search, selection, caption }) {
  const picture = make("img", { alt: "", loading: "lazy" });
  thumbnail(image.id).then(
    (address) => {
      picture.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
      picture.src = address;
    },
    () => picture.replaceWith(make("span", { textContent: "no picture" })),
  );
  const button = make("button", { type: "button", title: "Search from this image" }, picture);
  button.setAttribute("aria-label", `Search from ${describe(image)}, ${nameOf(image.identity)}`);
  button.addEventListener("click", () => search(image));
  const figure = make("figure", {}, button);
  if (selection) {
    const box = make("input", { type: "checkbox", checked: selection.has(image) });
    box.setAttribute("aria-label", `Select ${describe(image)}`);
    box.addEventListener("change", () => selection.set(image, box.checked));
    figure.append(make("label", { className: "pick" }, box));
  }
  figure.append(make("figcaption", {}, ...caption.map((text) => make("span", { textContent: text, title: text }))));
  return figure;
}
