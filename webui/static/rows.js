// Tables in forms: rows that are added and dropped, pasted from a spreadsheet, brought in and taken out as CSV; what is calculated in
// them, and the sums of their columns.
"use strict";
const rows = (() => {
  const zh = document.documentElement.lang.startsWith("zh");
  const words = (chinese, english) => (zh ? chinese : english);
  const body = (table) => table.querySelector("tbody");
  const all = (table) => [...body(table).rows];
  const input = (cell) => cell.querySelector("[name^='f.']");
  const columns = (table) => [...table.querySelector("template[data-row]").content.querySelectorAll("[data-cell]")];
  const cells = (row) => [...row.querySelectorAll("[data-cell]")];
  const valueOf = (cell) => {
    const field = input(cell);
    return !field || (field.type === "checkbox" && !field.checked) ? "" : field.value;
  };
  const isBlank = (row) => cells(row).every((cell) => !valueOf(cell).trim());

  // the rows as a draft keeps them; those with nothing in them are none
  const written = (table) => all(table).filter((row) => !isBlank(row));
  const read = (table) =>
    written(table).map((row) =>
      Object.fromEntries(
        cells(row)
          .filter(input)
          .map((cell) => [cell.dataset.cell, valueOf(cell)]),
      ),
    );

  const show = (place, value, unit) => {
    const output = place.querySelector("output");
    if (!output) return;
    if (value === null || value === undefined) output.textContent = "—";
    else if (typeof value === "boolean") output.textContent = value ? words("是", "Yes") : words("否", "No");
    else if (typeof value === "string") output.textContent = value;
    else output.textContent = expressions.written(value.n, unit?.decimals ?? 0) + (output.dataset.after ?? "").trimEnd();
  };
  // what follows from the answers, in each row that has some
  const settle = (table, found, form) => {
    written(table).forEach((row, n) => {
      for (const cell of cells(row)) {
        const key = cell.dataset.cell;
        cell.classList.toggle("yx-not-asked", found[n].hidden.has(key));
        if (form.calculated.has(key)) show(cell, found[n].values.get(key), form.fields.get(key).unit);
      }
    });
    for (const row of all(table).filter(isBlank)) for (const cell of cells(row)) show(cell, "");
    for (const output of table.querySelectorAll("[data-sum]")) {
      const key = output.dataset.sum;
      const there = found.map((row) => row.values.get(key)).filter((v) => v instanceof expressions.Exact);
      const sum = there.reduce((a, b) => a + b.n, 0n);
      // where nothing is known there is no sum: a nought would look like one
      output.textContent = there.length ? expressions.written(sum, form.fields.get(key).unit?.decimals ?? 0) : "—";
    }
  };

  const changed = (table) => table.dispatchEvent(new Event("input", { bubbles: true }));
  const add = (table, number = null) => {
    const copy = table.querySelector("template[data-row]").content.cloneNode(true);
    const numbers = all(table).flatMap((row) => cells(row).filter(input).slice(0, 1)).map((c) => Number(input(c).name.split(".")[2]));
    const next = number ?? Math.max(-1, ...numbers) + 1;
    for (const field of copy.querySelectorAll("[name^='f.']")) field.name = field.name.replace(".N.", `.${next}.`);
    body(table).append(copy);
    return body(table).lastElementChild;
  };
  const most = (table) => Number(table.dataset.most);
  const bound = (table) => {
    table.querySelector("[data-add]").disabled = all(table).length >= most(table);
  };

  // a form gets the rows in which something was written before a page broke off
  const room = (form, names) => {
    for (const table of form.querySelectorAll("[data-kind=dynamiclist]")) {
      const start = `f.${table.dataset.field}.`;
      const wanted = new Set(names.filter((name) => name.startsWith(start)).map((name) => name.split(".")[2]));
      for (const row of all(table)) for (const cell of cells(row).filter(input)) wanted.delete(input(cell).name.split(".")[2]);
      for (const number of [...wanted].sort((a, b) => a - b)) add(table, Number(number));
      bound(table);
    }
  };

  // --- cells of a spreadsheet ---
  const parse = (text) => {
    // lines of cells; a cell in quotes may hold line ends and the mark between cells
    const mark = text.includes("\t") ? "\t" : /^[^"\n]*;[^"\n]*$/m.test(text) && !text.includes(",") ? ";" : ",";
    const lines = [[""]];
    let quoted = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i],
        line = lines.at(-1),
        at = line.length - 1;
      if (quoted) {
        if (c === '"' && text[i + 1] === '"') line[at] += text[++i];
        else if (c === '"') quoted = false;
        else line[at] += c;
      } else if (c === '"' && line[at] === "") quoted = true;
      else if (c === mark) line.push("");
      else if (c === "\n") lines.push([""]);
      else if (c !== "\r") line[at] += c;
    }
    return lines.map((line) => line.map((cell) => cell.trim())).filter((line) => line.some(Boolean));
  };
  const bare = (text) => text.normalize("NFKC").replace(/[\s*()]/g, "").toLowerCase();
  const put = (cell, said) => {
    // whether the cell took what a spreadsheet said
    const field = input(cell);
    const text = said.replace(/^'(?=[=+@-])/, "");
    if (!field) return true; // calculated: whatever a table says of it, the product works it out
    if (field.type === "checkbox") {
      field.checked = /^(是|√|✓|✔|y|yes|true|1)$/i.test(text);
      return field.checked || /^(否|×|n|no|false|0)?$/i.test(text);
    }
    if (field.tagName === "SELECT") {
      const option = [...field.options].find((o) => o.value && (o.value === text || bare(o.textContent) === bare(text)));
      field.value = option?.value ?? "";
      return Boolean(option) || !text;
    }
    const day = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text);
    field.value = cell.dataset.kind === "datetime" && day ? `${day[1]}-${day[2].padStart(2, "0")}-${day[3].padStart(2, "0")}` : text;
    return cell.dataset.kind !== "datetime" || Boolean(field.value) || !text;
  };
  const titled = (table, line) => {
    // the columns that a head names, or null if the line is no head
    const known = columns(table).map((c) => [c.dataset.cell, c.dataset.label.replace(/ \(.*\)$/, "")]);
    const found = line.map((title) => known.findIndex(([key, label]) => [bare(key), bare(label)].includes(bare(title))));
    return found.filter((at) => at >= 0).length >= Math.min(2, known.length) ? found : null;
  };
  const bring = (table, lines) => {
    // a whole file: what stands above its head, such as a title, is no row
    const above = lines.slice(0, 10).findIndex((line) => titled(table, line));
    take(table, lines.slice(Math.max(above, 0)), firstFree(table), 0);
  };
  const take = (table, lines, from, first) => {
    // puts lines into the rows from `from` on; what was not taken is told, and nothing else is lost
    const head = titled(table, lines[0] ?? []);
    const places = head ?? (lines[0] ?? []).map((_, n) => n + first);
    const wrong = [];
    const lost = [];
    let at = from;
    for (const [n, line] of (head ? lines.slice(1) : lines).entries()) {
      if (at >= most(table)) {
        lost.push(n + 1);
        continue;
      }
      const row = all(table)[at] ?? add(table);
      at += 1;
      line.forEach((said, place) => {
        const cell = cells(row)[places[place]];
        if (cell && !put(cell, said)) wrong.push(words(`第 ${at} 行“${cell.dataset.label}”：${said}`, `row ${at}, ${cell.dataset.label}: ${said}`));
      });
    }
    const told = [];
    if (lost.length) told.push(words(`最多 ${most(table)} 行，后面 ${lost.length} 行没有放入。`, `At most ${most(table)} rows: ${lost.length} were left out.`));
    if (wrong.length) told.push(words(`没有看懂，请自己选：${wrong.slice(0, 8).join("；")}`, `Not understood, please choose: ${wrong.slice(0, 8).join("; ")}`));
    tell(table, told.join(" "));
    bound(table);
    changed(table);
  };
  const tell = (table, text) => {
    let line = table.querySelector(".yx-notice");
    if (!line) {
      line = document.createElement("div");
      line.className = "alert alert-warning yx-notice";
      line.setAttribute("role", "alert");
      table.querySelector(".yx-row-acts").before(line);
    }
    line.textContent = text;
    line.hidden = !text;
  };
  // the server opens a workbook and gives its cells, or says why not
  const opened = async (url, file) => {
    const sent = new FormData();
    sent.set("file", file);
    const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf]").content, "X-Requested-With": "yixing" };
    const reply = await fetch(url, { method: "POST", body: sent, headers }).catch(() => null);
    const said = reply && (await reply.json().catch(() => null));
    if (!reply || !said) return { why: words("没有连上服务器，请稍后再试。", "The server was not reached; please try again.") };
    const lines = (said.lines ?? []).filter((line) => line.some(Boolean));
    if (reply.ok) return lines.length ? { lines } : { why: words("文件里没有内容。", "There is nothing in the file.") };
    return { why: said.errors?.file?.[0] ?? said.detail ?? said.title };
  };
  const firstFree = (table) => {
    const blank = all(table).findLastIndex((row) => !isBlank(row)) + 1;
    return blank;
  };
  const out = (table) => {
    const head = columns(table).map((c) => c.dataset.label);
    const shown = (cell) => {
      const field = input(cell);
      if (!field) return cell.querySelector("output").textContent;
      if (field.type === "checkbox") return field.checked ? words("是", "Yes") : words("否", "No");
      return field.tagName === "SELECT" ? (field.value ? field.selectedOptions[0].textContent.trim() : "") : field.value;
    };
    const safe = (text) => (/^[=+@-]/.test(text) && !/^[+-]?[0-9.,]+$/.test(text) ? `'${text}` : text); // no formula runs in a spreadsheet
    const lines = [head, ...written(table).map((row) => cells(row).map((cell) => safe(shown(cell))))];
    return "\ufeff" + lines.map((line) => line.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join("\r\n");
  };

  for (const table of document.querySelectorAll("[data-kind=dynamiclist]")) {
    bound(table);
    table.addEventListener("click", (event) => {
      const drop = event.target.closest("[data-drop]");
      if (drop) {
        drop.closest("tr").remove();
        if (!all(table).length) add(table);
        table.querySelector("[data-add]").focus();
      } else if (event.target.closest("[data-add]")) cells(add(table)).filter(input).slice(0, 1).forEach((cell) => input(cell).focus());
      else if (event.target.closest("[data-export]")) {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([out(table)], { type: "text/csv" }));
        link.download = event.target.closest("[data-export]").dataset.export;
        link.click();
        URL.revokeObjectURL(link.href);
        return;
      } else return;
      bound(table);
      changed(table);
    });
    table.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const cell = event.target.closest("[data-cell]");
      const several = text.includes("\t") || (/\n./.test(text.trim()) && event.target.tagName !== "TEXTAREA");
      if (!cell || !several) return;
      event.preventDefault();
      const row = cell.closest("tr");
      take(table, parse(text.includes("\t") ? text : text.replace(/^.*$/gm, '$&\t')), all(table).indexOf(row), cells(row).indexOf(cell));
    });
    table.querySelector("[data-import]").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (!file) return;
      if (file.size > 200_000) return tell(table, words("文件太大，最多 200 KB。", "The file is too large: 200 KB at most."));
      const workbook = /\.xlsx?$/i.test(file.name) ? event.target.dataset.lines : "";
      if (workbook) {
        const { lines, why } = await opened(workbook, file);
        return why ? tell(table, why) : bring(table, lines);
      }
      const bytes = await file.arrayBuffer();
      let text = new TextDecoder("utf-8").decode(bytes);
      if (text.includes("\ufffd")) text = new TextDecoder("gb18030").decode(bytes); // as Excel saves CSV in China
      const lines = parse(text.replace(/^\ufeff/, ""));
      if (!lines.length) return tell(table, words("文件里没有内容。", "There is nothing in the file."));
      return bring(table, lines);
    });
  }
  return { read, columns, show, settle, room };
})();
