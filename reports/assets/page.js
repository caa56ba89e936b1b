"use strict";
/* Commands that are too long for a line are broken between words, never after a dash. */
const Command = {
  put(pre, text) {
    pre.replaceChildren(...text.split(/(\s+)/).map((part) => {
      if (!part.trim()) return part;
      const word = document.createElement("span");
      word.textContent = part;
      return word;
    }));
  },
};

/* The page without its large view: theme, sorting, copying, the section in sight, reloading while a run goes on. */
(() => {
  const root = document.documentElement;

  const themes = document.querySelector(".theme");
  if (themes) {
    themes.hidden = false;
    const set = (name) => {
      if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
      for (const b of themes.children) b.setAttribute("aria-pressed", String(b.dataset.theme === name));
      try { localStorage.setItem("theme", name); } catch { /* storage may be closed to files */ }
    };
    let kept = "auto";
    try { kept = localStorage.getItem("theme") || "auto"; } catch { /* as above */ }
    if (["light", "dark"].includes(kept)) set(kept);
    themes.addEventListener("click", (e) => { const b = e.target.closest("button"); if (b) set(b.dataset.theme); });
  }

  const valueOf = (cell) => {
    const raw = cell.dataset.value ?? cell.textContent.trim();
    const number = Number(raw);
    return raw === "" || raw === "–" || Number.isNaN(number) ? raw : number;
  };
  const missing = (v) => v === "" || v === "–";
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    const home = new Map([...table.tBodies].flatMap((body) => [...body.rows].map((row) => [row, body])));
    const grouped = [...home.keys()].filter((row) => row.classList.contains("group"));
    let together = false, column = 0, order = "";
    const sort = () => {
      const rows = [...home.keys()].filter((row) => !grouped.includes(row));
      const sign = order === "ascending" ? 1 : -1;
      const keyed = rows.map((row) => [valueOf(row.cells[column]), row]);
      if (order) keyed.sort(([a], [b]) => (missing(a) || missing(b) ? missing(a) - missing(b) : sign * compare(a, b)));
      for (const row of grouped) row.hidden = together;
      for (const [, row] of keyed) (together ? table.tBodies[0] : home.get(row)).append(row);
    };
    heads.forEach((head, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const upIsGood = head.textContent.includes("↑");
        const first = number === 0 || !upIsGood ? "ascending" : "descending";
        const now = head.getAttribute("aria-sort");
        order = !now ? first : now === "ascending" ? "descending" : "ascending";
        for (const h of heads) h.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        column = number;
        sort();
      });
    });
    if (grouped.length > 1) {
      const label = document.createElement("label"), box = document.createElement("input");
      box.type = "checkbox";
      label.className = "group-sort";
      label.append(box, " Sort over all methods");
      box.addEventListener("change", () => {
        together = box.checked;
        if (together && !order && heads.length > 1) heads[1].querySelector("button").click(); else sort();
      });
      table.closest("figure").querySelector("figcaption").prepend(label);
    }
  }

  document.addEventListener("click", async (e) => {
    const button = e.target.closest("button.copy");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  for (const b of document.querySelectorAll("button.copy")) b.hidden = false;
  for (const pre of document.querySelectorAll(".code pre")) Command.put(pre, pre.textContent);

  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const seen = new Set();
  const mark = () => {
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, a] of links) if (id === first) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) seen.add(entry.target.id); else seen.delete(entry.target.id);
    mark();
  }, { rootMargin: "-15% 0px -60% 0px" });
  for (const id of links.keys()) { const s = document.getElementById(id); if (s) watcher.observe(s); }

  const every = Number(document.body.dataset.reload);
  if (every) {
    setInterval(() => { if (!document.querySelector("dialog[open]")) location.reload(); }, every * 1000);
  }
})();

/* What the list and the large view are drawn from; null on pages without pictures. */
const PageData = JSON.parse(document.getElementById("viewer-data")?.textContent ?? "null");
