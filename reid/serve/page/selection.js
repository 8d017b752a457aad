// What is selected, and what can be done with it: label, merge, remove.

import * as api from "/page/api.js";
import { byId, count, make } from "/page/parts.js";

export class Selection {
  constructor(changed, trouble) {
    this.images = new Map();
    this.changed = changed;
    this.trouble = trouble;
    byId("selection").addEventListener("submit", (event) => {
      event.preventDefault();
      this.rename(event.submitter?.value ?? "label");
    });
    byId("remove").addEventListener("click", () => this.ask());
    byId("unselect").addEventListener("click", () => this.clear());
    byId("sure").addEventListener("close", () => byId("sure").returnValue === "yes" && this.remove());
  }

  has(image) {
    return this.images.has(image.id);
  }

  set(image, on) {
    if (on) this.images.set(image.id, image);
    else this.images.delete(image.id);
    this.show();
  }

  setAll(images, on) {
    for (const image of images) {
      if (on) this.images.set(image.id, image);
      else this.images.delete(image.id);
    }
    this.show();
  }

  clear() {
    this.images.clear();
    this.show();
    for (const box of document.querySelectorAll("#list input[type=checkbox]")) box.checked = false;
    byId("results").focus();
  }

  names() {
    return [...new Set([...this.images.values()].map((image) => image.identity).filter((name) => name !== null))];
  }

  show() {
    const names = this.names();
    byId("selection").hidden = !this.images.size;
    byId("selected").textContent = `${count(this.images.size, "image")} selected, of ${
      names.length === 1 ? "1 identity" : `${names.length} identities`
    }`;
    byId("merge").disabled = names.length < 2;
    byId("merge").title = names.length < 2 ? "Select images of two identities or more" : `Say that ${names.join(" and ")} are one`;
    byId("names").replaceChildren(...names.map((name) => make("option", { value: name })));
  }

  async rename(how) {
    const identity = byId("name").value.trim();
    const what = how === "merge" ? { merge: this.names() } : { ids: [...this.images.keys()] };
    await this.done(async () => {
      const { changed } = await api.change({ ...what, identity });
      return `${count(changed, "image")} ${changed === 1 ? "is" : "are"} now ${identity}.`;
    });
  }

  ask() {
    byId("sure-text").textContent = `${count(this.images.size, "image")} will no longer be found. This cannot be undone.`;
    byId("sure").returnValue = "no";
    byId("sure").showModal();
  }

  async remove() {
    await this.done(async () => {
      for (const id of this.images.keys()) {
        await api.remove(id);
        this.images.delete(id);
      }
      return "Removed.";
    });
  }

  async done(work) {
    try {
      const told = await work();
      byId("name").value = "";
      this.images.clear();
      this.show();
      await this.changed(told);
    } catch (error) {
      this.show();
      this.trouble(error);
    }
  }
}
