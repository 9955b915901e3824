// Without a network: a decision on a card is queued on this device and sent once, by its key, when there is a network again; what the
// server answers stands at the top of the page until its person has read it. Votes are never queued.
"use strict";
(() => {
  const page = document.body.dataset,
    place = document.querySelector("[data-queue]");
  if ("serviceWorker" in navigator) navigator.serviceWorker.register(page.worker).catch(() => {});
  if (!place) return;
  const words = place.dataset,
    QUEUE = `yixing:queue:${page.me}:`;
  const token = document.querySelector("meta[name=csrf]").content;
  const read = (name) => {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  };
  const all = () =>
    Object.keys(localStorage)
      .filter((name) => name.startsWith(QUEUE))
      .map((name) => [name, read(name)])
      .filter(([, entry]) => entry)
      .sort(([, a], [, b]) => a.at - b.at);
  const keep = (name, entry) => localStorage.setItem(name, JSON.stringify(entry));

  // --- what stands at the top of the page ---
  const made = (kind, text, more = {}) => Object.assign(document.createElement(kind), { textContent: text, ...more });
  const show = () => {
    const entries = all();
    place.hidden = !entries.length;
    place.replaceChildren(
      ...entries.map(([name, entry]) => {
        const line = made("div", "", { className: `alert alert-${{ done: "success", not: "warning" }[entry.state] || "info"}` });
        line.setAttribute("role", entry.state === "not" ? "alert" : "status");
        line.dataset.state = entry.state;
        const said = { waits: words.waits, ended: words.ended, done: words.done, not: `${words.not}: ${entry.why || ""}` }[entry.state];
        const drop = made("button", entry.state === "waits" || entry.state === "ended" ? words.cancel : words.seen, { type: "button", className: "btn btn-sm" });
        drop.onclick = () => {
          localStorage.removeItem(name);
          show();
        };
        line.append(made("b", entry.about), " ", made("span", said), " ");
        if (entry.state === "not") line.append(made("a", words.open, { href: entry.card, className: "alert-link" }), " ");
        line.append(drop);
        return line;
      }),
    );
  };

  // --- sending: one page of this device at a time, each decision until the server has answered it ---
  const send = async ([name, entry]) => {
    const body = new FormData();
    for (const [field, value] of entry.fields) body.append(field, value);
    body.set("csrf_token", token);
    body.set("key", entry.key);
    body.set("as_of", entry.asOf);
    const reply = await fetch(entry.url, { method: "POST", body, headers: { "X-CSRFToken": token, "X-Requested-With": "yixing" } });
    if (!read(name)) return; // withdrawn meanwhile
    if (reply.status === 401) keep(name, { ...entry, state: "ended" });
    else if (reply.ok) keep(name, { ...entry, state: "done" });
    else if (reply.status < 500) {
      const told = await reply.json().catch(() => ({}));
      keep(name, { ...entry, state: "not", why: told.detail || told.title || reply.status });
    }
  };
  const flush = async () => {
    if (!navigator.onLine || !all().some(([, entry]) => entry.state === "waits" || entry.state === "ended")) return;
    const work = async () => {
      for (const each of all().filter(([, entry]) => entry.state === "waits" || entry.state === "ended")) {
        try {
          await send(each);
        } catch {
          break; // no network after all: the next time
        }
      }
      show();
    };
    await (navigator.locks ? navigator.locks.request("yixing:queue", work) : work());
  };

  // --- what is handed in without a network ---
  const refuse = (form, text) => {
    let line = form.querySelector(":scope > .yx-unsent");
    if (!line) form.prepend((line = made("div", "", { className: "alert alert-warning yx-unsent" })));
    line.setAttribute("role", "alert");
    line.textContent = text;
    line.scrollIntoView({ block: "center" });
  };
  addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (navigator.onLine || form.method !== "post") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!("queued" in form.dataset)) {
        refuse(form, location.pathname.startsWith("/polls/") ? words.unvoted : words.unsent);
        return;
      }
      const fields = [...new FormData(form)].filter(([name, value]) => (name.startsWith("f.") || name === "saw") && typeof value === "string");
      keep(`${QUEUE}${form.dataset.queued}`, {
        state: "waits",
        key: `queued-${[...crypto.getRandomValues(new Uint8Array(12))].map((n) => n.toString(16).padStart(2, "0")).join("")}`,
        at: Date.now(),
        url: form.dataset.queued,
        card: location.pathname,
        about: form.dataset.about,
        asOf: form.dataset.asOf,
        fields,
      });
      show();
      refuse(form, words.kept);
      place.scrollIntoView({ block: "start" });
    },
    true,
  );
  addEventListener("online", flush);
  show();
  flush();
})();
