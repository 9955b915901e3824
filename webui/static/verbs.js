// The decision in reach: the choices of a form's outcome become buttons in its bar. Choosing one hands the form in when nothing else is
// needed, else it opens the fields that it needs. Without this script the choices stand in the form, with one button.
"use strict";
(() => {
  const zh = document.documentElement.lang.startsWith("zh");
  const { answers, hidden } = window.yixing;
  const empty = (value) => value === "" || value === undefined || (Array.isArray(value) && !value.length);

  // the text of a paper that would be issued, when somebody looks at it
  const leaving = new AbortController(); // whoever hands in waits for no text any more
  document.addEventListener("submit", (event) => event.defaultPrevented || leaving.abort());
  for (const place of document.querySelectorAll("details[data-text]")) {
    const load = async () => {
      if (!place.open) return;
      const asked = { headers: { "X-Requested-With": "yixing" }, signal: leaving.signal },
        said = await fetch(place.dataset.text, asked)
          .then((reply) => (reply.ok ? reply.text() : place.dataset.later))
          .catch(() => null); // the request may end half way too, by leaving
      if (said !== null) place.querySelector(".yx-paper-text").textContent = said;
    };
    place.addEventListener("toggle", load);
    load();
  }

  for (const form of document.querySelectorAll("form:has([data-outcomes])")) {
    const asked = form.querySelector("[data-outcomes]"),
      key = asked.dataset.field,
      radios = [...asked.querySelectorAll("input[type=radio]")],
      bar = document.querySelector(`[data-of="${form.id}"]`),
      plain = bar.querySelector("[type=submit]"),
      needed = document.createElement("p");
    needed.className = "yx-needs";
    needed.setAttribute("role", "status");

    // the fields that must be filled in and are not, once this choice is made
    const missing = (choice) => {
      const given = { ...answers(form), [key]: choice },
        gone = hidden(form, given);
      return [...form.querySelectorAll("[data-must]")].filter((field) => {
        const name = field.dataset.field;
        return name !== key && !gone.has(name) && empty(given[name]);
      });
    };
    const choose = (radio) => {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const label = (radio) => radio.closest("label").querySelector("b").textContent.trim();

    const verbs = radios.map((radio, n) => {
      const verb = document.createElement("button"),
        next = radio.closest("label").querySelector("small");
      verb.type = "button"; // Enter in a field hands in nothing that nobody chose
      verb.className = "btn";
      verb.dataset.verb = radio.value;
      verb.addEventListener("click", () => {
        choose(radio);
        const first = missing(radio.value)[0];
        if (!first) {
          plain.disabled = false;
          form.requestSubmit(plain);
          return;
        }
        needed.textContent = (zh ? "请先填写：" : "Still to fill in: ") + names(missing(radio.value));
        const field = first.querySelector("input:not([type=hidden]), textarea, select");
        first.scrollIntoView({ block: "center" });
        if (field) field.focus({ preventScroll: true });
      });
      return { radio, verb, next: next ? next.textContent.trim() : "", first: n === 0 };
    });
    const names = (fields) =>
      fields
        .map((field) => field.querySelector(".form-label, .form-check-label").firstChild.textContent.trim())
        .join(zh ? "、" : ", ");
    const show = () => {
      const chosen = verbs.find((each) => each.radio.checked);
      for (const each of verbs) {
        const red = chosen ? each === chosen : each.first;
        each.verb.classList.toggle("btn-primary", red);
        each.verb.setAttribute("aria-pressed", String(each === chosen));
        each.verb.textContent = label(each.radio) + (missing(each.radio.value).length ? "…" : "");
      }
      if (chosen && missing(chosen.radio.value).length) return;
      needed.textContent = chosen && chosen.next ? `${label(chosen.radio)} → ${chosen.next}` : "";
    };

    asked.hidden = true;
    plain.hidden = true;
    plain.disabled = true;
    bar.prepend(needed, ...verbs.map((each) => each.verb));
    for (const kind of ["input", "change"]) form.addEventListener(kind, show);
    show();
  }
})();
