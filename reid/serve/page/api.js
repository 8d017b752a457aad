// Calls of the server. Answers are JSON; what goes wrong is an Error whose message is for people.

const KEY = "reid-token";

export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepToken(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

// A token may come behind the # of the address, which browsers never send; it does not stay there.
export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    keepToken(given);
    history.replaceState(null, "", location.pathname);
  }
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, { query, body, type } = {}) {
  const headers = {};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (type) headers["Content-Type"] = type;
  const address = query ? `${path}?${query}` : path;
  for (let attempt = 0; ; attempt += 1) {
    let answer;
    try {
      answer = await fetch(address, { method, headers, body });
    } catch {
      throw new Refused(0, "The server does not answer.");
    }
    if (answer.ok) return answer;
    const pause = Number(answer.headers.get("Retry-After"));
    if (answer.status === 429 && attempt < 5 && pause) {
      await new Promise((done) => setTimeout(done, 1000 * pause * (1 + Math.random())));
      continue;
    }
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, sentence(told.detail ?? answer.statusText));
  }
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

const json = async (...request) => (await call(...request)).json();
const typed = (file) => (file.type.startsWith("image/") ? file.type : "application/octet-stream");

export const statistics = () => json("GET", "/gallery");
export const images = (query) => json("GET", "/images", { query });
export const timeline = (identity) => json("GET", "/identities/timeline", { query: new URLSearchParams({ identity }) });
export const searchFile = (file, query) => json("POST", "/search", { query, body: file, type: typed(file) });
export const searchImage = (id, query) =>
  json("POST", "/search", { query, body: JSON.stringify({ image: id }), type: "application/json" });
export const add = (file, query) => json("POST", "/images", { query, body: file, type: typed(file) });
export const remove = (id) => json("DELETE", `/images/${id}`);
export const change = (what) => json("PATCH", "/identities", { body: JSON.stringify(what), type: "application/json" });

// Thumbnails are fetched, not linked, since a link could not show the token. Few are fetched at once.
const waiting = [];
let fetching = 0;

export function thumbnail(id) {
  return new Promise((done, failed) => {
    waiting.push({ id, done, failed });
    next();
  });
}

function next() {
  while (fetching < 6 && waiting.length) {
    const { id, done, failed } = waiting.shift();
    fetching += 1;
    call("GET", `/images/${id}/thumbnail`)
      .then((answer) => answer.blob())
      .then((content) => done(URL.createObjectURL(content)), failed)
      .finally(() => {
        fetching -= 1;
        next();
      });
  }
}
