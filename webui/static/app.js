// What a page does by itself: hide fields, count characters, draw diagrams, look for duplicates.
"use strict";
(() => {
  const zh = document.documentElement.lang.startsWith("zh");

  // --- a page that is not at the address of the product ---
  for (const warning of document.querySelectorAll("[data-address]"))
    warning.hidden = location.origin === new URL(warning.dataset.address).origin;

  // --- how long an act may still be taken back; then the offer goes ---
  for (const offer of document.querySelectorAll("[data-seconds]")) {
    const left = offer.querySelector("[data-left]"),
      until = Date.now() + 1000 * offer.dataset.seconds;
    const beat = setInterval(() => {
      const n = Math.ceil((until - Date.now()) / 1000);
      left.textContent = left.textContent.replace(/\d+/, Math.max(0, n));
      if (n <= 0) {
        clearInterval(beat);
        offer.remove();
      }
    }, 250);
  }

  // --- the numbers beside the places of the rail; a phone, which has no rail, asks for none ---
  const nav = document.querySelector("[data-counts]");
  if (nav && matchMedia("(min-width: 1200px)").matches)
    fetch(nav.dataset.counts, { headers: { "X-Requested-With": "yixing" }, cache: "no-store" })
      .then((reply) => (reply.ok && !reply.redirected ? reply.json() : {}))
      .then((numbers) => {
        for (const place of nav.querySelectorAll("[data-count]"))
          place.textContent = numbers[place.dataset.count] || "";
      })
      .catch(() => {}); // a number less, nothing else

  // --- menus shut when something else is touched, or by Escape ---
  const menus = document.querySelectorAll(".yx-me, .yx-more");
  addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    for (const menu of menus)
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
  });

  // --- without a network: said at once, taken back when it is there again ---
  const offline = document.querySelector("[data-offline]");
  const connected = () => {
    offline.hidden = navigator.onLine;
  };
  if (offline) {
    for (const kind of ["online", "offline"]) addEventListener(kind, connected);
    connected();
  }

  // --- answers of a form as an object, the shape that drafts keep ---
  const answers = (form) => {
    const found = {};
    for (const field of form.querySelectorAll("[data-field]")) {
      if (field.dataset.kind === "dynamiclist") {
        found[field.dataset.field] = rows.read(field);
        continue;
      }
      const inputs = [...field.querySelectorAll("[name^='f.']")];
      if (!inputs.length) continue;
      const many =
        (inputs[0].type === "checkbox" && field.querySelector("fieldset")) || field.querySelector(".yx-files");
      const picked = inputs.filter((i) => !["checkbox", "radio"].includes(i.type) || i.checked).map((i) => i.value);
      found[field.dataset.field] = many ? picked : (picked[0] ?? "");
    }
    return found;
  };

  // --- what follows from the answers: fields that they hide, what is calculated; see expressions.js ---
  const plain = ({ kind, unit }, answer) => {
    // as engine/forms/values.py reads it; what is no answer of its kind is missing
    if (kind === "checkbox") return answer === "true";
    if (kind === "checklist" || kind === "filepicker") return answer ?? [];
    if (answer === undefined) return null;
    if (kind === "number") {
      if (unit && (unit.money || unit.decimals || unit.unit)) return expressions.amount(answer, unit);
      const digits = answer.trim().normalize("NFKC");
      return /^[+-]?[0-9]{1,20}$/.test(digits) ? BigInt(digits.replace("+", "")) : null;
    }
    return answer.trim().normalize("NFC") || null;
  };
  const read = (element, name) => (name in element.dataset ? JSON.parse(element.dataset[name]) : null);
  const shape = (elements, key) => {
    // what a form, or a row of a table, says of its fields
    const form = { hide: new Map(), calculated: new Map(), tables: new Map(), fields: new Map() };
    for (const each of elements) {
      const name = each.dataset[key];
      form.fields.set(name, { kind: each.dataset.kind, unit: read(each, "unit") });
      if ("hide" in each.dataset) form.hide.set(name, read(each, "hide"));
      if ("calculated" in each.dataset) form.calculated.set(name, read(each, "calculated"));
      if (each.dataset.kind === "dynamiclist") form.tables.set(name, shape(rows.columns(each), "cell"));
    }
    return form;
  };
  const shapes = new WeakMap();
  const shapeOf = (form) => {
    if (!shapes.has(form)) shapes.set(form, shape(form.querySelectorAll("[data-field]"), "field"));
    return shapes.get(form);
  };
  const meant = (form, given) =>
    new Map(
      [...form.fields].map(([key, field]) => [
        key,
        form.tables.has(key) ? (given[key] ?? []).map((row) => meant(form.tables.get(key), row)) : plain(field, given[key]),
      ]),
    );
  const settle = (form, given) => expressions.settle(shapeOf(form), meant(shapeOf(form), given));
  const hidden = (form, given) => settle(form, given).hidden; // the keys of the fields that these answers hide
  window.yixing = { answers, hidden };
  for (const form of document.querySelectorAll("form:has([data-hide], [data-calculated], [data-kind=dynamiclist])")) {
    const groups = [...form.querySelectorAll("[data-group]")];
    const apply = () => {
      const found = settle(form, answers(form)),
        of = shapeOf(form);
      for (const field of form.querySelectorAll("[data-field]")) {
        const key = field.dataset.field;
        field.hidden = found.hidden.has(key);
        if (of.calculated.has(key)) rows.show(field, found.values.get(key), of.fields.get(key).unit);
        if (of.tables.has(key)) rows.settle(field, found.rows.get(key) ?? [], of.tables.get(key));
      }
      for (const group of groups) {
        // a heading goes with the fields below it, which are hidden by the same condition
        group.hidden = group.nextElementSibling?.hidden && group.nextElementSibling.matches("[data-field]");
      }
    };
    for (const kind of ["input", "change"]) form.addEventListener(kind, apply); // at once: nothing may move under a click
    apply();
  }

  // --- how many characters are left ---
  for (const area of document.querySelectorAll("textarea[data-max], textarea[data-min]")) {
    const count = document.createElement("div");
    count.className = "yx-count-left";
    area.after(count);
    const tell = () => {
      const n = [...area.value.trim()].length;
      const bounds = [area.dataset.min && `≥ ${area.dataset.min}`, area.dataset.max && `≤ ${area.dataset.max}`].filter(
        Boolean,
      );
      count.textContent = `${n} ${zh ? "字" : "characters"} (${bounds.join(", ")})`;
    };
    area.addEventListener("input", tell);
    tell();
  }

  // --- long lists of names: type a part of one ---
  const narrowed = (list, many, show) => {
    if (many <= 12) return;
    const input = document.createElement("input");
    input.type = "search";
    input.className = "form-control mb-2";
    input.autocomplete = "off";
    input.placeholder = (zh ? "共 {n} 项，可输入几个字查找" : "{n} in all: type to find").replace("{n}", many);
    input.setAttribute("aria-label", input.placeholder);
    input.addEventListener("input", (event) => {
      event.stopPropagation();
      show(input.value.trim().toLowerCase());
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    list.before(input);
  };
  // what is chosen among the ticks of a list before shows these only
  for (const field of document.querySelectorAll("[data-among]")) {
    const whole = field.closest("form").querySelector(`[data-field="${field.dataset.among}"]`);
    const labels = [...field.querySelectorAll("label")];
    const apply = () => {
      const ticked = new Set([...whole.querySelectorAll("input:checked")].map((input) => input.value));
      for (const label of labels) {
        const input = label.querySelector("input");
        label.hidden = !ticked.has(input.value);
        if (label.hidden) input.checked = false;
      }
    };
    whole.addEventListener("change", apply);
    apply();
  }
  for (const list of document.querySelectorAll(".yx-field:not([data-among]) .yx-many")) {
    const labels = [...list.querySelectorAll("label")];
    narrowed(list, labels.length, (words) => {
      for (const label of labels)
        label.hidden = !label.querySelector("input").checked && !label.textContent.toLowerCase().includes(words);
    });
  }
  for (const list of document.querySelectorAll(".yx-field select")) {
    const options = [...list.options];
    narrowed(list, options.length - 1, (words) => {
      const chosen = list.value;
      list.replaceChildren(
        ...options.filter((o) => !o.value || o.value === chosen || o.textContent.toLowerCase().includes(words)),
      );
      list.value = chosen;
    });
  }

  // --- copy what stands in a field ---
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand("copy");
      }
      button.textContent = button.dataset.done;
    });
  }

  // --- possible duplicates while the title is typed ---
  for (const box of document.querySelectorAll("[data-alike]")) {
    const input = document.getElementById(box.dataset.on);
    if (!input) continue;
    let waiting = null;
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const reply = await fetch(`${box.dataset.alike}?title=${encodeURIComponent(input.value)}`, {
          headers: { "X-Requested-With": "yixing" },
        });
        if (reply.ok) box.innerHTML = await reply.text();
      }, 400);
    });
  }

  // --- what is counted back from a day, while the form is filled ---
  for (const box of document.querySelectorAll("[data-plan]")) {
    const form = box.closest("form");
    let waiting = null;
    let asked = 0;
    const ask = async () => {
      const mine = ++asked; // an answer that comes after a later question's is none
      const sent = { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "yixing" } };
      const reply = await fetch(box.dataset.plan, sent);
      const text = await reply.text();
      if (reply.ok && mine === asked) box.innerHTML = text;
    };
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, 400);
    });
  }

  // --- diagrams ---
  const controls = (place, canvas, wheel, home) => {
    const bar = document.createElement("div"),
      body = document.body;
    bar.className = "yx-zoom";
    const sign = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
    const button = (path, name, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.innerHTML = sign(path);
      made.title = name;
      made.setAttribute("aria-label", name);
      made.onclick = act;
      bar.append(made);
      return made;
    };
    const spread = (open) => {
      place.classList.toggle("yx-spread", open);
      body.classList.toggle("yx-still", open);
      wheel.toggle(open); // in the page the wheel scrolls the page
      large.innerHTML = sign(open ? "M6 6l12 12M18 6 6 18" : "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5");
      canvas.resized();
      home();
    };
    button("M12 5v14M5 12h14", zh ? "放大" : "Zoom in", () => wheel.stepZoom(1));
    button("M5 12h14", zh ? "缩小" : "Zoom out", () => wheel.stepZoom(-1));
    button("M3 7h18v10H3z", zh ? "全图" : "Whole diagram", () => canvas.zoom("fit-viewport", "auto"));
    button(
      "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v3M12 18v3M3 12h3M18 12h3",
      zh ? "当前位置" : "Where it stands",
      home,
    );
    const large = button("M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", zh ? "满屏，再按返回" : "Full screen and back", () =>
      spread(!place.classList.contains("yx-spread")),
    );
    document.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && place.classList.contains("yx-spread")) spread(false);
    });
    let last = null; // a finger moves the diagram: sideways in the page, everywhere on the full screen
    place.addEventListener("pointerdown", (e) => {
      if (e.pointerType === "touch" && e.isPrimary) last = e;
    });
    place.addEventListener("pointermove", (e) => {
      if (last && e.isPrimary) {
        canvas.scroll({ dx: e.clientX - last.clientX, dy: e.clientY - last.clientY });
        last = e;
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      place.addEventListener(end, () => {
        last = null;
      });
    wheel.toggle(false);
    place.append(bar);
  };
  for (const place of document.querySelectorAll("[data-diagram]")) {
    (async () => {
      const viewer = new BpmnJS({ container: place });
      const xml = await (await fetch(place.dataset.diagram)).text();
      await viewer.importXML(xml);
      const canvas = viewer.get("canvas"),
        shapes = viewer.get("elementRegistry");
      const mark = (ids, name) => {
        for (const id of JSON.parse(ids || "[]")) if (shapes.get(id)) canvas.addMarker(id, name);
      };
      mark(place.dataset.passed, "passed");
      mark(place.dataset.live, "live");
      for (const [id, level, late, count, words] of JSON.parse(place.dataset.heat || "[]")) {
        if (!shapes.get(id)) continue;
        const sign = document.createElement("span");
        sign.className = late ? "yx-heat late" : "yx-heat";
        [sign.textContent, sign.title] = [count, words];
        canvas.addMarker(id, `heat-${level}`);
        // read even where the whole diagram is small
        viewer.get("overlays").add(id, { position: { top: -10, left: -10 }, html: sign, scale: { min: 1 } });
      }
      const listed = (ids) =>
        JSON.parse(ids || "[]")
          .map((id) => shapes.get(id))
          .filter(Boolean);
      const live = listed(place.dataset.live),
        here = live.find((e) => e.type === "bpmn:UserTask") || live[0] || listed(place.dataset.passed).pop();
      const home = () => {
        // the whole of it when it can be read, else the place where things stand
        if (canvas.zoom("fit-viewport", "auto") >= 0.5 || !here) return;
        const width = place.clientWidth / 0.75,
          height = place.clientHeight / 0.75;
        canvas.viewbox({
          x: here.x + here.width / 2 - width / 2,
          y: here.y + here.height / 2 - height / 2,
          width,
          height,
        });
      };
      home();
      controls(place, canvas, viewer.get("zoomScroll"), home);
      place.dataset.ready = "1";
    })().catch((fault) => {
      place.textContent = String(fault);
    });
  }

  // --- a list that is filtered while one types ---
  for (const box of document.querySelectorAll("[data-filter]")) {
    const items = [...document.querySelectorAll(box.dataset.filter)],
      count = document.querySelector("[data-filter-count]");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const item of items) item.hidden = !words.every((w) => item.dataset.text.includes(w));
      for (const group of document.querySelectorAll("[data-filter-group]"))
        group.hidden = !group.querySelector("li:not([hidden])");
      if (count) count.textContent = items.filter((i) => !i.hidden).length;
    });
  }
})();
