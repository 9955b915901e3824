// Seals a vote in this browser, so that the server never sees it, and looks up a receipt without telling anybody.
// The envelope is libsodium's crypto_box_seal; what is inside is told in engine/ballots/envelopes.py.
import { blake2b } from "./vendor/noble-hashes/blake2.js";
import { sha256 } from "./vendor/noble-hashes/sha2.js";

const { box, randomBytes } = globalThis.nacl;
const zh = document.documentElement.lang.startsWith("zh");
const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const toBase64 = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));

export const seal = (poll, choices, nonce, publicKey, size) => {
  const text = new TextEncoder().encode(JSON.stringify({ poll, choices, nonce: hex(nonce) }));
  if (text.length > size) throw new Error("the choices do not fit");
  const inside = new Uint8Array(size).fill(32); // filled up with spaces: all envelopes have one size
  inside.set(text);
  const own = box.keyPair();
  const both = new Uint8Array(64);
  both.set(own.publicKey);
  both.set(publicKey, 32);
  const sealed = box(inside, blake2b(both, { dkLen: box.nonceLength }), publicKey, own.secretKey);
  const envelope = new Uint8Array(32 + sealed.length);
  envelope.set(own.publicKey);
  envelope.set(sealed, 32);
  return envelope;
};

const part = (place, name) => place.querySelector(`[data-part=${name}]`);

// --- voting: choose, confirm, seal, send; the same envelope is sent again when the network failed ---
for (const place of document.querySelectorAll("[data-ballot]")) {
  const { poll, key, size, least, most, url } = place.dataset;
  const inputs = [...place.querySelectorAll("input[data-choice]")];
  const write = part(place, "write");
  const picked = () => inputs.filter((i) => i.checked);
  const next = part(place, "next"),
    send = part(place, "send"),
    fault = part(place, "fault"),
    left = part(place, "left");
  let envelope = null,
    code = "";
  const show = (name) => {
    for (const one of ["choose", "confirm", "done"]) part(place, one).hidden = one !== name;
  };
  const tell = (text) => {
    fault.textContent = text;
    fault.hidden = !text;
  };
  const count = () => {
    const n = picked().length;
    next.disabled = n < Number(least) || n > Number(most);
    for (const input of inputs) input.disabled = input.type === "checkbox" && !input.checked && n >= Number(most);
    if (write) part(place, "add").disabled = n >= Number(most);
    if (left) left.textContent = zh ? `已选 ${n} 人，最多 ${most} 人` : `${n} chosen, ${most} at most`;
  };
  for (const input of inputs) {
    input.checked = false;
    input.addEventListener("change", count);
  }
  // Who is no candidate: the whole list is in the page, so that nobody learns for whom one looks.
  const add = () => {
    const typed = part(place, "written"),
      wanted = typed.value.trim(),
      found = [...place.querySelectorAll("#eligible option")].find((o) => o.value === wanted);
    const twice = found && inputs.some((i) => i.value === found.dataset.id);
    part(place, "unknown").hidden = Boolean(found) && !twice;
    if (!found || twice) return;
    const label = document.createElement("label"),
      input = document.createElement("input"),
      name = document.createElement("b");
    label.className = "yx-choice";
    Object.assign(input, { type: "checkbox", value: found.dataset.id, checked: true, autocomplete: "off" });
    input.dataset.choice = "";
    input.dataset.label = name.textContent = zh ? `${wanted}（另选）` : `${wanted} (written in)`;
    input.addEventListener("change", count);
    label.append(input, name);
    place.querySelector("fieldset").append(label);
    inputs.push(input);
    typed.value = "";
    count();
  };
  if (write) {
    part(place, "add").addEventListener("click", add);
    part(place, "written").addEventListener("keydown", (e) => {
      if (e.key !== "Enter") return;
      e.preventDefault();
      if (!part(place, "add").disabled) add();
    });
  }
  next.addEventListener("click", () => {
    const names = picked().map((i) => i.dataset.label);
    part(place, "chosen").textContent =
      names.join(zh ? "、" : ", ") || (zh ? "不选任何人（弃权）" : "Nobody (abstain)");
    tell("");
    show("confirm");
    send.focus();
  });
  part(place, "back").addEventListener("click", () => {
    envelope = null;
    tell("");
    show("choose");
  });
  send.addEventListener("click", async () => {
    send.disabled = part(place, "back").disabled = true;
    try {
      if (!envelope) {
        const nonce = randomBytes(16);
        envelope = seal(
          poll,
          picked().map((i) => i.value),
          nonce,
          fromBase64(key),
          Number(size),
        );
        code = hex(sha256(nonce));
      }
      const token = document.querySelector("meta[name=csrf]").content;
      const reply = await fetch(url, {
        method: "POST",
        body: JSON.stringify({ envelope: toBase64(envelope) }),
        headers: { "X-CSRFToken": token, "X-Requested-With": "yixing", "Content-Type": "application/json" },
      });
      const said = await reply.json();
      if (!reply.ok) {
        tell(said.detail || said.title);
        part(place, "back").disabled = false;
        return;
      }
      const receipt = hex(sha256(envelope));
      if (said.receipt !== receipt) {
        tell(
          zh
            ? "服务器返回的回执不符，请立即告知监票人。"
            : "The server's receipt is not that of your envelope: tell the tellers at once.",
        );
        return;
      }
      tell("");
      for (const input of inputs) input.checked = false;
      part(place, "choose").remove();
      part(place, "receipt").textContent = receipt;
      part(place, "code").textContent = code;
      part(place, "confirm").hidden = true;
      part(place, "done").hidden = false;
      part(place, "done").querySelector("h2").focus();
      addEventListener("beforeunload", warn);
    } catch (why) {
      tell(
        why instanceof TypeError
          ? zh
            ? "网络中断，没有收到回复。请再按一次“封好并投出”，重发的是同一个信封。"
            : "No answer from the network. Press again: the same envelope is sent."
          : String(why),
      );
    } finally {
      send.disabled = false;
    }
  });
  const warn = (e) => e.preventDefault();
  const kept = () => removeEventListener("beforeunload", warn);
  part(place, "copy").addEventListener("click", async (e) => {
    const receiptLine = `${zh ? "回执" : "Receipt"}: ${part(place, "receipt").textContent}\n`;
    const codeLine = `${zh ? "核对码" : "Check code"}: ${part(place, "code").textContent}\n`;
    const text = receiptLine + codeLine;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    e.target.textContent = zh ? "已复制" : "Copied";
    kept();
  });
  part(place, "print").addEventListener("click", () => {
    kept();
    print();
  });
  count();
  show("choose");
  place.hidden = false;
  for (const note of document.querySelectorAll("[data-needs-script]")) note.hidden = true;
}

// --- checking: what is typed is looked for in the lists of this page and goes nowhere ---
for (const place of document.querySelectorAll("[data-check]")) {
  const input = place.querySelector("input"),
    answer = part(place, "answer");
  const lines = new Map([...document.querySelectorAll("[data-line]")].map((l) => [l.dataset.line, l]));
  input.addEventListener("input", () => {
    const digits = input.value.toLowerCase().replace(/[^0-9a-f]/g, ""); // what stands before it ("回执: ") may be pasted too
    const typed = digits.length < 64 ? "" : digits.slice(-64);
    for (const line of lines.values()) line.classList.remove("yx-found");
    const found = lines.get(typed);
    answer.className = `alert ${!typed ? "alert-info" : found ? "alert-success" : "alert-danger"}`;
    answer.textContent = !typed
      ? zh
        ? "请粘贴完整的 64 位回执或核对码。"
        : "Paste all 64 digits of a receipt or a check code."
      : !found
        ? zh
          ? "没有找到。请核对是否粘贴完整；若确实没有，请告知监票人。"
          : "Not found. See that all of it was pasted; if so, tell the tellers."
        : found.dataset.kind === "receipt"
          ? zh
            ? "您的信封在公布的回执中。"
            : "Your envelope is on the board."
          : zh
            ? `您的选票在票箱中，记为：${found.dataset.choice}`
            : `Your ballot is in the urn, as: ${found.dataset.choice}`;
    if (found) {
      found.closest("details").open = true;
      found.classList.add("yx-found");
    }
  });
  place.hidden = false;
}
