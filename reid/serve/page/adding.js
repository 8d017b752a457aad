// Adding images, two at a time, with progress; one that fails is named, and the others go on.

import * as api from "/page/api.js";
import { byId, count, make } from "/page/parts.js";

const AT_ONCE = 2;

export class Adding {
  constructor(finished) {
    this.finished = finished;
    this.files = [];
    this.limit = Infinity;
    byId("add-files").addEventListener("change", (event) => this.choose([...event.target.files]));
    byId("add-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
  }

  choose(files) {
    this.files = files;
    byId("add-chosen").textContent = files.length === 1 ? files[0].name : `${count(files.length, "file")} chosen`;
    byId("add-progress").hidden = true;
  }

  query() {
    const query = new URLSearchParams();
    for (const [id, name] of [["add-identity", "identity"], ["add-camera", "camera"], ["add-time", "time"]]) {
      const value = byId(id).value.trim();
      if (value) query.set(name, value);
    }
    return query;
  }

  async start() {
    if (!this.files.length) {
      byId("add-chosen").textContent = "Choose files first.";
      return;
    }
    const files = this.files.slice();
    const done = { added: 0, known: 0, failed: 0 };
    byId("add-progress").hidden = false;
    byId("add-problems").replaceChildren();
    byId("add-bar").max = files.length;
    byId("add-start").disabled = true;
    this.tell(done, files.length);
    const query = this.query();
    const queue = files.slice();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.work(queue, query, done, files.length)));
    byId("add-start").disabled = false;
    await this.finished();
  }

  async work(queue, query, done, total) {
    for (let file = queue.shift(); file; file = queue.shift()) {
      try {
        if (file.size > this.limit) throw new Error("It is too large.");
        const { added } = await api.add(file, query);
        done[added ? "added" : "known"] += 1;
      } catch (error) {
        done.failed += 1;
        if (done.failed <= 20) byId("add-problems").append(make("li", { textContent: `${file.name}: ${error.message}` }));
      }
      this.tell(done, total);
    }
  }

  tell(done, total) {
    const dealt = done.added + done.known + done.failed;
    byId("add-bar").value = dealt;
    byId("add-told").textContent =
      `${dealt} of ${total}: ${done.added} added, ${done.known} there already, ${done.failed} could not be added`;
  }
}
