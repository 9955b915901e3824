// What a person writes often, beside each long text: tap one to write it, keep the text that stands there, forget one.
"use strict";
(() => {
  const areas = [...document.querySelectorAll("form.yx-work textarea")];
  if (!areas.length) return;
  const zh = document.documentElement.lang.startsWith("zh");
  const words = (chinese, english) => (zh ? chinese : english);
  const token = document.querySelector("meta[name=csrf]").content;
  const asked = (path, body) =>
    fetch(path, {
      method: body ? "POST" : "GET",
      body,
      cache: "no-store",
      headers: { "X-CSRFToken": token, "X-Requested-With": "yixing" },
    });
  const button = (text, act, name) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-sm";
    made.textContent = text;
    if (name) made.setAttribute("aria-label", name);
    made.onclick = act;
    return made;
  };
  for (const area of areas) {
    const fold = document.createElement("details"),
      head = document.createElement("summary"),
      list = document.createElement("div");
    fold.className = "yx-phrases";
    head.textContent = words("常用语", "Phrases");
    list.className = "yx-phrase-list";
    fold.append(head, list);
    area.after(fold);
    const write = (text) => {
      area.value = area.value.trim() ? `${area.value.trim()}${text}` : text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      fold.open = false;
    };
    const change = async (what, text) => show(await asked(`/phrases/${what}`, new URLSearchParams({ text })));
    const show = async (reply) => {
      const found = await reply.json();
      if (!reply.ok) {
        list.prepend(found.detail || found.title);
        return;
      }
      list.replaceChildren(
        ...found.map((text) => {
          const line = document.createElement("span");
          line.append(
            button(text, () => write(text)),
            button("×", () => change("drop", text), `${words("删除", "Forget")} ${text}`),
          );
          return line;
        }),
        button(words("把上面写的存为常用语", "Keep what is written above"), () => change("keep", area.value)),
      );
    };
    fold.addEventListener("toggle", async () => {
      if (fold.open) show(await asked("/phrases"));
    });
  }
})();
