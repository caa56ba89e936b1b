"use strict";
/* The large view: two pictures of a row, compared by slider, flip or side by side, zoomed and panned together. */
const Viewer = (() => {
  const data = PageData;
  if (!data) return null;
  const $ = (id) => document.getElementById(id);
  const dialog = $("viewer"), stage = $("v-stage");
  const canvases = { a: $("v-canvas-a"), b: $("v-canvas-b") };
  const rows = data.rows;
  const place = new Map();
  rows.forEach((row, r) => {
    place.set(row.anchor, [r, "masked"]);
    row.cells.forEach((cell) => place.set(cell.anchor, [r, cell.label]));
  });
  const finder = typeof Find === "undefined" ? null : Find;
  const TRUTH = data.truth, MASKED = "masked";
  const hidden = () => finder?.hidden() ?? new Set();
  const isFill = (name) => name !== TRUTH && name !== MASKED;
  const state = { row: 0, a: TRUTH, b: MASKED, mode: "slider", layer: "filled", outline: true, error: false,
    cut: 0.5, flipped: false, zoom: 1, x: 0, y: 0, pointer: null };
  const pictures = new Map();
  let opener = null, drawing = 0;

  /* -- pictures ------------------------------------------------------------------------------------ */

  const load = (uri) => new Promise((done, fail) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = fail;
    image.src = uri;
  });
  const truthUri = (row) => {
    const cell = document.querySelector(`.s${row.index}`);
    return getComputedStyle(cell).backgroundImage.replace(/^url\(["']?/, "").replace(/["']?\)$/, "");
  };
  const inCell = (anchor) => document.getElementById(anchor)?.querySelector("img")?.src;
  const maskedUri = (row) => document.getElementById(row.anchor)?.querySelector("span.cell img")?.src;

  function layerUri(row, name, layer) {
    if (name === TRUTH) return null;
    if (name === MASKED) return maskedUri(row);
    const cell = row.cells.find((c) => c.label === name);
    return (layer === "raw" && cell?.raw) || (layer === "corrected" && cell?.corrected) || (cell && inCell(cell.anchor));
  }

  /* A picture: its canvas and its pixels, the layer laid over the truth. */
  async function picture(row, name, layer) {
    const key = `${row.anchor} ${layer} ${name}`;
    if (!pictures.has(key)) {
      if (pictures.size > 60) pictures.clear();
      pictures.set(key, (async () => {
        const canvas = document.createElement("canvas");
        canvas.width = row.width;
        canvas.height = row.height;
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(await load(truthUri(row)), 0, 0);
        const uri = layerUri(row, name, layer);
        if (uri) context.drawImage(await load(uri), 0, 0);
        const cell = row.cells.find((c) => c.label === name);
        if (layer === "raw" && cell?.raw && inCell(cell.anchor)) context.drawImage(await load(inCell(cell.anchor)), 0, 0);
        return { canvas, pixels: context.getImageData(0, 0, row.width, row.height).data };
      })());
    }
    return pictures.get(key);
  }

  async function errorOf(row, name, layer) {
    const key = `${row.anchor} error ${layer} ${name}`;
    if (!pictures.has(key)) {
      pictures.set(key, (async () => {
        const [own, truth] = await Promise.all([picture(row, name, layer), picture(row, TRUTH, "filled")]);
        const canvas = document.createElement("canvas");
        canvas.width = row.width;
        canvas.height = row.height;
        const context = canvas.getContext("2d");
        const out = context.createImageData(row.width, row.height);
        const values = new Float32Array(row.width * row.height);
        for (let i = 0, p = 0; i < values.length; i++, p += 4) {
          const p1 = truth.pixels, p2 = own.pixels;
          if (p1[p] !== p2[p] || p1[p + 1] !== p2[p + 1] || p1[p + 2] !== p2[p + 2]) {
            values[i] = Colour.difference(Colour.lab(p1[p], p1[p + 1], p1[p + 2]), Colour.lab(p2[p], p2[p + 1], p2[p + 2]));
          }
          const [r, g, b] = Colour.shade(values[i]);
          out.data.set([r, g, b, 255], p);
        }
        context.putImageData(out, 0, 0);
        return { canvas, values, pixels: own.pixels };
      })());
    }
    return pictures.get(key);
  }

  /* -- drawing ------------------------------------------------------------------------------------- */

  const row = () => rows[state.row];
  const panes = () => (state.mode === "side" ? ["a", "b"] : ["a"]);

  function fitted(canvas) {
    const box = canvas.parentElement.getBoundingClientRect();
    const margin = 12;
    let scale = Math.min((box.width - margin) / row().width, (box.height - margin) / row().height);
    if (scale > 1) scale = Math.floor(scale * 4) / 4;
    return { box, scale: Math.max(scale, 0.05) };
  }

  function view(canvas) {
    const { box, scale } = fitted(canvas);
    const s = scale * state.zoom;
    return { s, left: box.width / 2 - (row().width / 2 + state.x) * s, top: box.height / 2 - (row().height / 2 + state.y) * s, box };
  }

  async function draw() {
    const turn = ++drawing;
    const r = row();
    dialog.setAttribute("aria-busy", "true");
    const get = (what, name, layer) => (state.error && isFill(name) ? errorOf : picture)(what, name, layer);
    const [a, b] = await Promise.all([get(r, state.a, state.layer), get(r, state.b, state.layer)]).catch(() => []);
    if (turn !== drawing) return;
    dialog.removeAttribute("aria-busy");
    if (!a || !dialog.open) return;
    const shown = { a, b };
    $("v-pane-b").hidden = state.mode !== "side";
    for (const key of panes()) {
      const canvas = canvases[key], ratio = devicePixelRatio || 1;
      const v = view(canvas);
      canvas.width = Math.round(v.box.width * ratio);
      canvas.height = Math.round(v.box.height * ratio);
      const c = canvas.getContext("2d");
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      c.imageSmoothingEnabled = v.s < 1;
      c.imageSmoothingQuality = "high";
      const paint = (what) => c.drawImage(what.canvas, v.left, v.top, r.width * v.s, r.height * v.s);
      if (state.mode === "slider") {
        const cut = v.left + state.cut * r.width * v.s;
        paint(b);
        c.save();
        c.beginPath();
        c.rect(0, 0, cut, v.box.height);
        c.clip();
        paint(a);
        c.restore();
        outline(c, v);
        divider(c, cut, v);
      } else {
        paint(state.mode === "flip" ? (state.flipped ? a : b) : shown[key]);
        outline(c, v);
      }
      if (v.s >= 44) numbers(c, v, state.mode === "side" ? shown[key] : state.mode === "flip" ? (state.flipped ? a : b) : b);
    }
    tags();
    readout(shown);
  }

  function outline(c, v) {
    if (!state.outline || !row().outline) return;
    c.save();
    c.translate(v.left, v.top);
    c.scale(v.s, v.s);
    const path = new Path2D(row().outline);
    for (const [colour, width] of [["rgb(0 0 0 / .7)", 3], ["#ffffff", 1.25]]) {
      c.strokeStyle = colour;
      c.lineWidth = width / v.s;
      c.stroke(path);
    }
    c.restore();
  }

  function divider(c, x, v) {
    c.save();
    c.strokeStyle = "rgb(0 0 0 / .55)"; c.lineWidth = 3;
    c.beginPath(); c.moveTo(x, 0); c.lineTo(x, v.box.height); c.stroke();
    c.strokeStyle = "#fff"; c.lineWidth = 1.5; c.stroke();
    c.fillStyle = "#fff"; c.strokeStyle = "rgb(0 0 0 / .55)";
    c.beginPath(); c.arc(x, v.box.height / 2, 9, 0, 7); c.fill(); c.stroke();
    c.restore();
  }

  /* Far in, every pixel shows its three levels. */
  function numbers(c, v, what) {
    const r = row();
    c.save();
    c.font = `${Math.min(14, v.s / 4.6)}px ui-monospace, monospace`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    const x0 = Math.max(0, Math.floor(-v.left / v.s)), x1 = Math.min(r.width - 1, Math.floor((v.box.width - v.left) / v.s));
    const y0 = Math.max(0, Math.floor(-v.top / v.s)), y1 = Math.min(r.height - 1, Math.floor((v.box.height - v.top) / v.s));
    for (let y = y0; y <= y1; y++) for (let x = x0; x <= x1; x++) {
      const p = (y * r.width + x) * 4, level = what.pixels.slice(p, p + 3);
      const lines = state.error && what.values ? [what.values[p / 4].toFixed(1)] : [...level];
      const luma = state.error && what.values ? what.values[p / 4] * 7 : 0.3 * level[0] + 0.6 * level[1] + 0.1 * level[2];
      c.fillStyle = luma > 120 ? "#000" : "#fff";
      lines.forEach((text, k) => c.fillText(text, v.left + (x + 0.5) * v.s, v.top + (y + 0.5 + (k - (lines.length - 1) / 2) * 0.27) * v.s));
    }
    c.restore();
  }

  function tags() {
    const a = $("v-tag-a"), b = $("v-tag-b");
    const words = (name) => name + (state.error && isFill(name) ? `, ΔE00 to the ${data.truth === "truth" ? "truth" : "picture before"}` : layerWord(name));
    a.textContent = state.mode === "flip" ? (state.flipped ? words(state.a) : words(state.b)) : words(state.a);
    b.textContent = words(state.b);
    b.classList.toggle("right", state.mode !== "side");
    (state.mode === "side" ? $("v-pane-b") : canvases.a.parentElement).append(b);
    b.hidden = state.mode === "flip";
    canvases.a.setAttribute("aria-label", state.mode === "slider" ? `${words(state.a)} on the left, ${words(state.b)} on the right` : a.textContent);
    canvases.b.setAttribute("aria-label", words(state.b));
  }
  const layerWord = (name) => {
    const cell = row().cells.find((c) => c.label === name);
    if (!cell || state.layer === "filled") return "";
    return cell[state.layer] ? `, ${state.layer}` : ", filled";
  };

  function readout(shown) {
    const p = state.pointer, out = $("v-pixel");
    if (!p) { out.textContent = "Point at a pixel to read its values."; return; }
    const v = view(canvases[p.pane]), r = row();
    const x = Math.floor((p.x - v.left) / v.s), y = Math.floor((p.y - v.top) / v.s);
    if (x < 0 || y < 0 || x >= r.width || y >= r.height) { out.textContent = "Outside the picture."; return; }
    const at = (y * r.width + x) * 4;
    const rgb = (what) => [...what.pixels.slice(at, at + 3)].map((n) => String(n).padStart(3)).join(" ");
    const [a, b] = [shown.a, shown.b].map((what) => Colour.lab(what.pixels[at], what.pixels[at + 1], what.pixels[at + 2]));
    out.textContent = `x ${x} y ${y}   A ${rgb(shown.a)}   B ${rgb(shown.b)}   ΔE00 ${Colour.difference(a, b).toFixed(1)}`;
  }

  /* -- controls ------------------------------------------------------------------------------------ */

  function controls() {
    const r = row();
    const list = walk(), at = list.indexOf(state.row);
    const position = filtered() && at >= 0 ? ` · ${at + 1} of ${list.length} in the list` : "";
    const area = `hole ${(r.area * 100).toFixed(0)} %`;
    $("viewer-title").textContent = data.alone ? `${r.id} · ${area}` : `${r.id} · ${r.dataset}, ${r.mask}, ${area} · chosen: ${r.why}${position}`;
    $("v-disputed").hidden = $("v-disputed-key").hidden = !finder;
    $("v-prev").hidden = $("v-next").hidden = $("v-walk-keys").hidden = Boolean(data.alone);
    for (const [key, select] of [["a", $("v-a")], ["b", $("v-b")]]) {
      const off = hidden();
      const names = [TRUTH, MASKED, ...r.cells.map((c) => c.label).filter((label) => !off.has(label) || label === state[key])];
      if (!names.includes(state[key])) state[key] = key === "a" ? TRUTH : MASKED;
      select.replaceChildren(...names.map((n) => new Option(n, n, false, n === state[key])));
    }
    for (const b of dialog.querySelectorAll("[data-mode]")) b.setAttribute("aria-pressed", String(b.dataset.mode === state.mode));
    const cells = r.cells.filter((c) => c.label === state.a || c.label === state.b);
    for (const b of dialog.querySelectorAll("[data-layer]")) {
      const kind = b.dataset.layer;
      b.setAttribute("aria-pressed", String(kind === state.layer));
      b.disabled = kind !== "filled" && kind !== state.layer && !cells.some((c) => c[kind]);
    }
    $("v-outline").setAttribute("aria-pressed", String(state.outline));
    $("v-error").setAttribute("aria-pressed", String(state.error));
    $("v-legend").hidden = !state.error;
    $("v-slide").parentElement.hidden = state.mode !== "slider";
    $("v-slide").value = String(Math.round(state.cut * 1000));
    $("v-slide-label").textContent = state.a;
    $("v-slide-b").textContent = state.b;
    info(r);
  }

  function info(r) {
    const sides = [state.a, state.b].map((n) => r.cells.find((c) => c.label === n)).filter(Boolean);
    const unique = [...new Set(sides)];
    const table = $("v-scores");
    table.replaceChildren();
    if (unique.length) {
      const head = table.createTHead().insertRow();
      const put = (line, text, kind = "td", scope = "") => { const c = document.createElement(kind); c.textContent = text; if (scope) c.scope = scope; line.append(c); };
      put(head, "score", "th", "col");
      for (const c of unique) put(head, c.label, "th", "col");
      const body = table.createTBody();
      for (const name of Object.keys(unique[0].scores)) {
        const line = body.insertRow();
        put(line, name, "th", "row");
        for (const c of unique) put(line, c.scores[name] ?? "–");
      }
    }
    const cell = r.cells.find((c) => c.label === state.b);
    const command = cell && data.commands[cell.label]?.[r.mask];
    Command.put($("v-command"), command || "");
    $("v-command").parentElement.hidden = !command;
    $("v-command").parentElement.previousElementSibling.hidden = !command;
    const parts = [];
    if (command) parts.push(`It goes to ${data.painted[cell.label]}/${r.mask}/${r.id}.png.`);
    if (r.reduced) parts.push(finder ? "Shown reduced; bench report --full-resolution DIR puts the originals beside this page." : "Shown reduced.");
    else if (!r.exact) parts.push("Pictures in this file are compressed: pixel values are close, not exact.");
    if (cell && state.layer === "raw" && cell.raw && r.exact) parts.push("Raw output outside the hole is compressed: its levels are close, not exact.");
    if (cell && state.layer === "raw" && !cell.raw) parts.push(`${cell.label} paints the hole only: its raw output is its fill.`);
    if (cell && state.layer === "corrected" && !cell.corrected) parts.push(`${cell.label} shows no colour error on known pixels to correct by.`);
    $("v-note").textContent = parts.join(" ");
    const links = $("v-originals");
    links.replaceChildren();
    const files = { truth: r.original, ...(cell?.originals ?? {}) };
    for (const [name, href] of Object.entries(files)) if (href) {
      const a = document.createElement("a");
      a.href = href;
      a.textContent = `${name}, full resolution`;
      links.append(a, " ");
    }
  }

  function refresh() { controls(); draw(); }
  function show() { address(); refresh(); }

  /* -- the address: what is shown and what the list was narrowed to, as far as it is not as the page opens -- */

  const query = (pairs) => { const text = new URLSearchParams(pairs).toString(); return text && `?${text}`; };
  function address() {
    const found = finder ? finder.params() : [];
    let hash = found.length ? `#find${query(found)}` : "";
    if (dialog.open) {
      const r = row(), cell = r.cells.find((c) => c.label === state.b);
      const own = [["a", state.a, TRUTH], ["b", cell ? "" : state.b, cell ? "" : MASKED], ["mode", state.mode, "slider"], ["layer", state.layer, "filled"], ["delta", String(state.error), "false"]];
      hash = `#${cell ? cell.anchor : r.anchor}${query([...own.filter(([, is, plain]) => is !== plain).map(([name, is]) => [name, is]), ...found])}`;
    } else if (!hash && !/^#(cell\/|find\?)/.test(location.hash)) return;
    if (location.hash !== hash) history.replaceState(null, "", hash || location.pathname + location.search);
  }

  function open(r, name, from) {
    state.row = r;
    state.b = name;
    state.zoom = 1; state.x = state.y = 0;
    state.pointer = null;
    if (!dialog.open) {
      opener = from || document.activeElement;
      state.cut = 0.5; state.flipped = false; state.error = false; state.layer = "filled";
      if (state.a === state.b) state.a = TRUTH;
      dialog.showModal();
      stage.focus();
    }
  }

  const known = (anchor) => {
    if (place.has(anchor)) return place.get(anchor);
    try { return place.get(decodeURI(anchor)); } catch { return undefined; /* not one of ours */ }
  };

  function follow() {
    const [anchor, text] = location.hash.slice(1).split(/\?(.*)/s);
    const asked = new URLSearchParams(text ?? "");
    const found = known(anchor);
    /* A link of the page to a section changes nothing in the list. */
    if (finder && (!started || text !== undefined)) finder.apply(asked);
    started = true;
    if (found) {
      open(found[0], asked.get("b") === TRUTH ? TRUTH : found[1]);
      state.a = asked.get("a") ?? TRUTH;
      state.mode = ["flip", "side"].includes(asked.get("mode")) ? asked.get("mode") : "slider";
      state.layer = ["raw", "corrected"].includes(asked.get("layer")) ? asked.get("layer") : "filled";
      state.error = asked.get("delta") === "true";
      show();
    } else {
      if (dialog.open) dialog.close();
      if (anchor === "find" && text !== undefined) $("find")?.scrollIntoView();
    }
    $("v-absent").hidden = Boolean(found) || !anchor.startsWith("cell/");
  }
  let started = false;

  /* The rows that the arrow keys go through: those of the list, where it was narrowed or sorted. */
  const filtered = () => Boolean(finder) && finder.params().some(([name]) => name !== "hide");
  const walk = () => (filtered() ? finder.walk() : rows.map((_, k) => k));

  function go(to) {
    state.row = to;
    if (isFill(state.b) && !row().cells.some((c) => c.label === state.b)) state.b = row().cells[0]?.label ?? MASKED;
    state.zoom = 1; state.x = state.y = 0;
    show();
  }

  function step(rowsDown, right) {
    if (rowsDown) {
      const list = walk(), at = list.indexOf(state.row);
      if (list.length) go(list[at < 0 ? 0 : (at + rowsDown + list.length) % list.length]);
      return;
    }
    const off = hidden();
    const names = row().cells.map((c) => c.label).filter((label) => !off.has(label));
    if (!names.length) return;
    const at = names.indexOf(state.b);
    state.b = names[at < 0 ? (right > 0 ? 0 : names.length - 1) : (at + right + names.length) % names.length];
    show();
  }

  /* From the picture on which the methods differ most to those on which they differ less. */
  function nextDisputed() {
    const list = finder ? finder.disputed() : [];
    if (list.length) go(list[(list.indexOf(state.row) + 1) % list.length]);
  }

  function zoom(factor, at) {
    const before = state.zoom;
    const top = Math.max(8, 90 / fitted(canvases.a).scale);
    state.zoom = Math.min(top, Math.max(1, state.zoom * factor));
    if (at) {
      const v = view(canvases[at.pane]);
      const shift = (1 / (v.s / state.zoom)) * (1 / before - 1 / state.zoom);
      state.x += (at.x - v.box.width / 2) * shift;
      state.y += (at.y - v.box.height / 2) * shift;
    }
    keepInside();
    draw();
  }

  function keepInside() {
    const room = (side) => (side / 2) * (1 - 1 / state.zoom) + (state.zoom > 1 ? side * 0.1 : 0);
    const r = row();
    state.x = Math.max(-room(r.width), Math.min(room(r.width), state.x));
    state.y = Math.max(-room(r.height), Math.min(room(r.height), state.y));
  }

  const mode = (name) => { state.mode = name; show(); };
  const flip = () => {
    if (state.mode !== "flip") { state.mode = "flip"; state.flipped = true; } else state.flipped = !state.flipped;
    show();
  };
  const layer = (name) => { state.layer = state.layer === name ? "filled" : name; show(); };

  const keys = {
    ArrowLeft: () => step(0, -1), ArrowRight: () => step(0, 1), ArrowUp: () => step(-1, 0), ArrowDown: () => step(1, 0),
    f: flip, s: () => mode("slider"), d: () => mode("side"),
    o: () => { state.outline = !state.outline; refresh(); },
    e: () => { state.error = !state.error; show(); },
    n: nextDisputed, r: () => layer("raw"), c: () => layer("corrected"),
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5),
    0: () => { state.zoom = 1; state.x = state.y = 0; draw(); },
  };

  document.addEventListener("keydown", (e) => {
    if (!dialog.open || e.ctrlKey || e.metaKey || e.altKey) return;
    /* A list keeps its arrows; a letter would only jump to a name in it. */
    if (e.target.tagName === "SELECT" && e.key.length !== 1) return;
    const slider = e.target === $("v-slide");
    if (e.shiftKey && e.key.startsWith("Arrow")) {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (slider) { state.cut = Math.max(0, Math.min(1, state.cut + (way[0] - way[1]) * 0.02)); controls(); }
      else { state.x += way[0] * row().width * 0.08 / state.zoom; state.y += way[1] * row().height * 0.08 / state.zoom; keepInside(); }
      e.preventDefault();
      draw();
      return;
    }
    const act = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (act) { e.preventDefault(); act(); }
  });

  $("v-prev").addEventListener("click", () => step(-1, 0));
  $("v-next").addEventListener("click", () => step(1, 0));
  $("v-left").addEventListener("click", () => step(0, -1));
  $("v-right").addEventListener("click", () => step(0, 1));
  $("v-disputed").addEventListener("click", nextDisputed);
  $("v-close").addEventListener("click", () => dialog.close());
  $("v-outline").addEventListener("click", keys.o);
  $("v-error").addEventListener("click", keys.e);
  $("v-in").addEventListener("click", keys["+"]);
  $("v-out").addEventListener("click", keys["-"]);
  $("v-fit").addEventListener("click", keys[0]);
  for (const key of ["a", "b"]) {
    const select = $(`v-${key}`);
    let pointed = false;
    select.addEventListener("pointerdown", () => { pointed = true; });
    select.addEventListener("keydown", () => { pointed = false; });
    select.addEventListener("change", () => {
      state[key] = select.value;
      show();
      /* Chosen with the mouse, the arrows go on through pictures; with the keyboard, through the list. */
      if (pointed) stage.focus();
    });
  }
  $("v-slide").addEventListener("input", (e) => { state.cut = e.target.value / 1000; draw(); });
  for (const b of dialog.querySelectorAll("[data-mode]")) b.addEventListener("click", () => (b.dataset.mode === "flip" ? flip() : mode(b.dataset.mode)));
  for (const b of dialog.querySelectorAll("[data-layer]")) b.addEventListener("click", () => { state.layer = b.dataset.layer; show(); });

  /* -- pointer: drag the divider, else pan; wheel and pinch zoom ------------------------------------- */

  const fingers = new Map();
  let drag = null, spread = 0;
  const at = (e) => {
    const pane = state.mode === "side" && canvases.b.parentElement.contains(e.target) ? "b" : "a";
    const box = canvases[pane].parentElement.getBoundingClientRect();
    return { pane, x: e.clientX - box.left, y: e.clientY - box.top };
  };
  const cutAt = (p) => { const v = view(canvases.a); return Math.max(0, Math.min(1, (p.x - v.left) / (row().width * v.s))); };
  stage.addEventListener("pointerdown", (e) => {
    const p = at(e);
    fingers.set(e.pointerId, p);
    stage.setPointerCapture(e.pointerId);
    const v = view(canvases.a);
    const near = Math.abs(p.x - (v.left + state.cut * row().width * v.s)) < 22;
    drag = state.mode === "slider" && (near || state.zoom === 1) ? "cut" : "pan";
    if (drag === "cut") { state.cut = cutAt(p); controls(); draw(); }
  });
  stage.addEventListener("pointermove", (e) => {
    const p = fingers.has(e.pointerId) ? { ...at(e), pane: fingers.get(e.pointerId).pane } : at(e);
    const before = fingers.get(e.pointerId);
    state.pointer = p;
    if (before) {
      fingers.set(e.pointerId, p);
      if (fingers.size === 2) {
        const [f, g] = [...fingers.values()];
        const now = Math.hypot(f.x - g.x, f.y - g.y);
        if (spread) zoom(now / spread, { pane: f.pane, x: (f.x + g.x) / 2, y: (f.y + g.y) / 2 });
        spread = now;
      } else if (drag === "cut") { state.cut = cutAt(p); $("v-slide").value = String(Math.round(state.cut * 1000)); }
      else { const s = view(canvases[p.pane]).s; state.x -= (p.x - before.x) / s; state.y -= (p.y - before.y) / s; keepInside(); }
    }
    draw();
  });
  const lift = (e) => { fingers.delete(e.pointerId); spread = 0; if (!fingers.size) drag = null; };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("pointerleave", () => { state.pointer = null; draw(); });
  stage.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(-e.deltaY * 0.0016), at(e)); }, { passive: false });
  stage.addEventListener("dblclick", () => keys[0]());
  new ResizeObserver(() => { if (dialog.open) draw(); }).observe(stage);

  /* -- legend, addresses ---------------------------------------------------------------------------- */

  const scale = $("v-scale").getContext("2d");
  for (let x = 0; x < 220; x++) {
    scale.fillStyle = `rgb(${Colour.shade((x / 219) * Colour.TOP).join(" ")})`;
    scale.fillRect(x, 0, 1, 12);
  }
  dialog.addEventListener("close", () => {
    address();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
  });
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a.cell");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    const found = known(link.hash.slice(1));
    if (!found) return;
    open(...found, link);
    show();
  });
  addEventListener("hashchange", follow);
  return { rows, commands: data.commands, painted: data.painted, address, follow };
})();
Viewer?.follow();
