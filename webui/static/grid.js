// The table of a process: choosing by row, range and keyboard, and what the bar can do with it.
"use strict";
(() => {
  const form = document.querySelector("[data-grid]");
  document.querySelector("[data-narrow]")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
  if (!form) return;
  const rows = [...form.querySelectorAll("tbody tr")],
    all = form.querySelector("[data-all]"),
    sign = form.querySelector(".yx-saved");
  const tick = (row) => row.querySelector("[name=matter]");
  let from = 0; // where a range begins

  const tell = () => {
    const chosen = rows.filter((row) => tick(row).checked);
    all.checked = chosen.length === rows.length;
    all.indeterminate = chosen.length > 0 && !all.checked;
    sign.textContent = form.dataset.count.replace("{n}", chosen.length);
    for (const button of form.querySelectorAll("[data-needs]")) {
      const kind = button.dataset.kind;
      const n = kind ? chosen.filter((row) => row.dataset.kinds.split(" ").includes(kind)).length : chosen.length;
      button.disabled = n === 0;
      if (kind) button.querySelector("b").textContent = n;
    }
  };
  const range = (to, checked) => {
    const [first, last] = from < to ? [from, to] : [to, from];
    for (const row of rows.slice(first, last + 1)) tick(row).checked = checked;
  };
  const stand = (at) => {
    for (const row of rows) row.tabIndex = -1;
    rows[at].tabIndex = 0;
    rows[at].focus();
    rows[at].scrollIntoView({ block: "nearest" });
  };

  rows.forEach((row, at) => {
    row.tabIndex = at ? -1 : 0;
    row.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      const box = tick(row);
      if (event.target !== box) box.checked = !box.checked;
      if (event.shiftKey) range(at, box.checked);
      from = at;
      tell();
    });
  });
  all.addEventListener("change", () => {
    for (const row of rows) tick(row).checked = all.checked;
    tell();
  });
  form.addEventListener("keydown", (event) => {
    const at = rows.indexOf(event.target.closest("tbody tr"));
    if (at < 0 || event.altKey) return;
    const key = event.key.toLowerCase(),
      to = { arrowdown: at + 1, arrowup: at - 1, home: 0, end: rows.length - 1 }[key];
    if (event.ctrlKey || event.metaKey) {
      if (key !== "a") return;
      for (const row of rows) tick(row).checked = true;
    } else if (to !== undefined && rows[to]) {
      stand(to);
      if (event.shiftKey) range(to, true);
      else from = to;
    } else if (key === " " && event.target.tagName === "TR") {
      tick(rows[at]).checked = !tick(rows[at]).checked;
      from = at;
    } else if (key === "e" || (key === "enter" && event.target.tagName === "TR")) {
      rows[at].querySelector(".yx-col-title a").click();
    } else return;
    event.preventDefault();
    tell();
  });
  addEventListener("pageshow", tell);
  tell();
})();
