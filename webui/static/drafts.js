// What is being written is not lost: drafts save themselves, what was not handed in is kept by this tab, uploads say why they fail.
"use strict";
(() => {
  const page = document.body.dataset; // me: whose page; unsent: a page that took nothing; login: where to log in again
  const token = document.querySelector("meta[name=csrf]").content;
  const zh = document.documentElement.lang.startsWith("zh");
  const words = (chinese, english) => (zh ? chinese : english);
  const ENDED = words(
    "登录已失效，草稿没有保存。您填写的内容留在这个标签页里，重新登录后会回到这里。",
    "Your login has ended and the draft is not saved. What you wrote stays in this tab and comes back after you log in.",
  );
  const send = (url, body, more = {}) =>
    fetch(url, { method: "POST", body, ...more, headers: { "X-CSRFToken": token, "X-Requested-With": "yixing", ...more.headers } });
  const told = async (reply) => {
    // what an answer that is no success says, whoever wrote it
    if (reply.status === 401) return words("登录已失效，请重新登录。", "Your login has ended; please log in again.");
    try {
      const said = await reply.json();
      return said.detail || said.title;
    } catch {
      return words(`服务器没有接受（${reply.status}）。`, `The server did not take it (${reply.status}).`);
    }
  };
  const notice = (place, text, kind = "danger") => {
    let line = place.querySelector(":scope > .yx-notice");
    if (!line) {
      line = document.createElement("div");
      place.prepend(line);
    }
    line.className = `alert alert-${kind} yx-notice`;
    line.setAttribute("role", kind === "danger" ? "alert" : "status");
    line.textContent = text;
    line.hidden = !text;
    return line;
  };
  const link = (line, text, address) => {
    const made = document.createElement("a");
    made.href = address;
    made.className = "alert-link ms-2";
    made.textContent = text;
    line.append(made);
  };

  // --- what this tab keeps: per person and form the fields, and whether they were handed in ---
  const KEPT = "yixing:kept:";
  const kept = {
    name: (form) => `${KEPT}${page.me}:${location.pathname}:${form.dataset.draft || form.getAttribute("action") || ""}`,
    all: () => Object.keys(sessionStorage).filter((name) => name.startsWith(KEPT)),
    read: (name) => {
      try {
        return JSON.parse(sessionStorage.getItem(name));
      } catch {
        return null;
      }
    },
    write: (name, record) => {
      try {
        sessionStorage.setItem(name, JSON.stringify(record));
      } catch {
        // full or forbidden: the draft on the server is what there is
      }
    },
    drop: (name) => sessionStorage.removeItem(name),
  };
  const KINDS = "textarea, select, input:not([type=hidden]):not([type=password]):not([type=file]):not([type=search])";
  const written = (form) =>
    [...form.querySelectorAll(KINDS)]
      .filter((field) => field.name)
      .map((field) => ({
        name: field.name,
        value: field.value,
        ...(["checkbox", "radio"].includes(field.type) ? { checked: field.checked } : {}),
      }));
  const put = (form, fields) => {
    // gives whether anything was changed
    let changed = false;
    rows.room(form, fields.map((field) => field.name ?? ""));
    for (const field of form.querySelectorAll(KINDS)) {
      const choice = ["checkbox", "radio"].includes(field.type);
      const found = fields.find((f) => f.name === field.name && (!choice || f.value === field.value));
      if (!found || (choice ? field.checked === found.checked : field.value === found.value)) continue;
      if (choice) field.checked = found.checked;
      else field.value = found.value;
      changed = true;
    }
    if (changed) form.dispatchEvent(new Event("input", { bubbles: true }));
    return changed;
  };
  const keep = (form, state) => kept.write(kept.name(form), { state, fields: written(form) });
  for (const name of kept.all()) {
    // of another person, or handed in and taken
    const record = kept.read(name);
    const anothers = page.me && !name.startsWith(`${KEPT}${page.me}:`);
    if (!record || anothers) kept.drop(name);
    else if ("unsent" in page && record.state === "sent") kept.write(name, { ...record, state: "unsent" });
    else if (record.state === "sent" && !("unsent" in page) && !cameBack()) kept.drop(name);
  }
  function cameBack() {
    const [way] = performance.getEntriesByType("navigation");
    return way && (way.type === "reload" || way.type === "back_forward");
  }
  for (const form of document.querySelectorAll("form[action$='/logout']"))
    form.addEventListener("submit", () => kept.all().forEach(kept.drop));

  // --- drafts save themselves, one after another, each on top of the one this page knows ---
  const answers = window.yixing.answers;
  const drafted = (form) => {
    const sign = form.querySelector(".yx-saved");
    const say = (text) => {
      if (sign) sign.textContent = text;
    };
    let waiting = null,
      saving = false,
      halted = false;
    const overtaken = async (reply) => {
      halted = true;
      say(words("草稿未能保存", "Draft not saved"));
      const line = notice(form, `${await told(reply)} `, "warning");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm btn-outline-secondary ms-2";
      button.textContent = words("以这里写的为准", "Keep what I wrote here");
      button.onclick = () => {
        halted = false;
        line.remove();
        save("any");
      };
      const other = document.createElement("button");
      other.type = "button";
      other.className = "btn btn-sm btn-outline-secondary ms-2";
      other.textContent = words("改用那边的草稿", "Take the other draft");
      other.onclick = () => {
        kept.drop(kept.name(form));
        location.reload();
      };
      line.append(button, other);
    };
    const judge = async (reply) => {
      if (reply.ok) {
        form.dataset.revision = (await reply.json()).revision;
        kept.drop(kept.name(form));
        if (waiting === null) say(words("草稿已保存", "Draft saved"));
      } else if (reply.status === 401) {
        say(words("草稿未能保存", "Draft not saved"));
        link(notice(form, ENDED), words("重新登录", "Log in again"), page.login);
      } else if (reply.status === 409) {
        await overtaken(reply);
      } else {
        say(`${words("草稿未能保存", "Draft not saved")}: ${await told(reply)}`);
      }
    };
    const save = async (revision = form.dataset.revision) => {
      waiting = null;
      if (halted) return;
      if (saving) {
        waiting = setTimeout(save, 500);
        return;
      }
      saving = true;
      try {
        await judge(
          await send(`/drafts/${form.dataset.draft}?revision=${revision}`, JSON.stringify(answers(form)), {
            headers: { "Content-Type": "application/json" },
            keepalive: document.visibilityState === "hidden",
          }),
        );
      } catch {
        say(words("网络中断，草稿未保存", "Offline, draft not saved"));
      }
      saving = false;
    };
    form.addEventListener("input", () => {
      keep(form, "typing");
      say(words("有改动尚未保存", "Changes not saved yet"));
      clearTimeout(waiting);
      waiting = setTimeout(save, 1500);
    });
    form.addEventListener("submit", () => {
      clearTimeout(waiting);
      halted = true;
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "hidden" || waiting === null) return;
      clearTimeout(waiting);
      save();
    });
  };

  for (const form of document.querySelectorAll("main form[method=post]")) {
    if (!form.querySelector("textarea, input[type=text], [data-field]") || form.querySelector("[type=password]")) continue;
    const record = kept.read(kept.name(form));
    if ("draft" in form.dataset) drafted(form);
    const lost = record && (record.state !== "typing" || "draft" in form.dataset);
    if (lost && put(form, record.fields))
      notice(form, words("已恢复您上次填写而没有交出的内容，请核对后再提交。", "What you wrote and did not hand in is back; look it over before you submit."), "info");
    form.addEventListener("submit", () => {
      keep(form, "sent");
      if (!("draft" in form.dataset)) return;
      for (const button of form.querySelectorAll("button[type=submit]"))
        setTimeout(() => {
          button.disabled = true;
        }, 0);
    });
  }

  // --- uploads: each file goes at once, the form keeps its id ---
  for (const box of document.querySelectorAll(".yx-files")) {
    const input = box.querySelector("input[type=file]"),
      list = box.querySelector("ul");
    const show = (name, hidden) => {
      const line = document.createElement("li"),
        drop = document.createElement("button");
      line.textContent = name;
      drop.type = "button";
      drop.className = "btn btn-sm btn-ghost-secondary";
      drop.textContent = "×";
      drop.setAttribute("aria-label", words("移除", "Remove"));
      drop.onclick = () => {
        hidden.remove();
        line.remove();
        box.dispatchEvent(new Event("input", { bubbles: true }));
      };
      line.append(drop);
      list.append(line);
    };
    const take = (file, id) => {
      if (!("multiple" in box.dataset)) {
        box.querySelectorAll("input[type=hidden]").forEach((h) => h.remove());
        list.textContent = "";
      }
      const hidden = document.createElement("input");
      hidden.type = "hidden";
      hidden.name = box.dataset.name;
      hidden.value = id;
      box.append(hidden);
      show(file.name, hidden);
      box.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const upload = async (file) => {
      const body = new FormData();
      body.append("file", file);
      const form = box.closest("form"); // what it is about: files of a confidential matter are sealed
      body.append("about", (form && (form.dataset.draft || form.getAttribute("action"))) || location.pathname);
      try {
        const reply = await send(box.dataset.upload, body);
        if (!reply.ok) return await told(reply);
        take(file, (await reply.json()).id);
        return "";
      } catch {
        return words("网络中断。", "The connection broke.");
      }
    };
    for (const hidden of box.querySelectorAll("input[type=hidden]"))
      show(words("已上传的附件", "Uploaded file"), hidden);
    input.addEventListener("change", async () => {
      const failed = [];
      for (const file of input.files) {
        const why = await upload(file);
        if (why) failed.push(`${file.name}: ${why}`);
      }
      input.value = "";
      notice(box, failed.length ? `${words("没有上传成功", "Not uploaded")} — ${failed.join(" ")}` : "");
    });
  }
})();
