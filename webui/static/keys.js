// Keys of one letter in the inbox, on a card and on the auditor's pages. None acts while somebody types, none decides: a decision is reached by its key and
// given by Enter. The list of keys names them; where a key has nothing to reach, it does nothing.
"use strict";
(() => {
  const list = document.getElementById("keys");
  const typed = "textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit])";
  const one = (selector) => [...document.querySelectorAll(selector)].find((each) => each.offsetParent && !each.disabled);
  const rows = () => [...document.querySelectorAll("main .yx-list .yx-row, main a.yx-live, main .yx-event")].filter((row) => row.offsetParent);
  const reach = (found) => {
    if (!found) return false;
    found.scrollIntoView({ block: "nearest" });
    found.focus();
    return true;
  };
  const press = (found) => {
    if (found) found.click();
    return Boolean(found);
  };
  // of a row that is itself a link, the row; else its first link or tick
  const handle = (row) => (row && row.matches("a") ? row : row && row.querySelector("a, input[type=checkbox], summary"));
  const here = () => rows().findIndex((row) => row.contains(document.activeElement));
  const step = (by) => {
    const all = rows(),
      at = here();
    return reach(handle(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by]));
  };
  const walk = (key, by) => press(one(`[data-key="${key}"]`)) || (list.dataset.keys === "list" && step(by));

  let from = null; // the last row that was ticked, for a range
  const tick = (range) => {
    const boxes = [...document.querySelectorAll(".yx-together .yx-row input[name=task]")];
    if (!boxes.length) return press(one("[data-together-of]"));
    const row = rows()[here()],
      box = row && row.querySelector("input[name=task]");
    if (!box) return false;
    const start = range && from ? boxes.indexOf(from) : boxes.indexOf(box),
      end = boxes.indexOf(box);
    const to = range && from ? from.checked : !box.checked;
    for (const each of boxes.slice(Math.min(start, end), Math.max(start, end) + 1))
      if (each.checked !== to) each.click();
    from = box;
    return reach(box);
  };
  const places = Object.fromEntries(["t", "v", "n"].map((key) => [key, () => press(one(`[data-key="${key}"]`))]));
  const acts = {
    ...places,
    "[": () => press(one("a[rel=prev]")) || step(-1),
    "]": () => press(one("a[rel=next]")) || step(1),
    e: () => press(handle(rows()[here()])),
    p: () => reach(one("#pack .btn")),
    f: () => reach(one("[data-key=f]")),
    j: () => walk("j", 1),
    k: () => walk("k", -1),
    a: () => reach(one(".yx-bar .btn-primary") || one(".yx-bar .btn")),
    r: () => press(one("[data-key=r]")),
    d: () => press(one("[data-key=d]")),
    c: () => press(one("[data-key=c]")),
    x: (event) => tick(event.shiftKey),
    u: () => reach(one(".yx-held button")),
    "/": () => reach(one("main input[type=search]")) || press(one("[data-key=inbox]")),
    "?": () => (list.showModal(), true),
  };

  let going = 0; // until when a G waits for its I
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented || event.repeat) return;
    if (event.target.closest(typed) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const gone = Date.now() < going && key === "i";
    going = key === "g" ? Date.now() + 1500 : 0;
    const done = gone ? press(list.querySelector("[data-key=inbox]")) : acts[key] && acts[key](event);
    if (done) event.preventDefault();
  });
  for (const [selector, key] of [["[data-key=j]", "J"], ["[data-key=k]", "K"], ["[data-key=r]", "R"], ["[data-key=d]", "D"], ["[data-key=c]", "C"], [".yx-held button", "U"], ["[data-key=t]", "T"], ["[data-key=v]", "V"], ["[data-key=n]", "N"], ["[data-key=f]", "F"], ["#pack .btn", "P"], ["main input[type=search]", "/"]])
    for (const found of document.querySelectorAll(selector)) found.setAttribute("aria-keyshortcuts", key);
})();
