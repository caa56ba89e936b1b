/* The editor: a picture, a hole painted over it, undo, zoom. Gradio gives element, trigger, props, watch, upload. */
const $ = (id) => element.querySelector("#" + id);
const canvas = $("ed-canvas"), board = canvas.parentElement, context = canvas.getContext("2d");
const hole = document.createElement("canvas"), ink = hole.getContext("2d", { willReadFrequently: true });
const INK = "#e0218a", KEPT = 40;
const state = { picture: null, serial: -1, tool: "paint", size: 24, zoom: 1, x: 0, y: 0, brush: null, keys: false, down: false, sized: false };
let undo = [], redo = [], loading = 0;

/* -- what the server shows ------------------------------------------------------------------------- */

const image = (uri) => new Promise((done, fail) => {
  const one = new Image();
  one.onload = () => done(one);
  one.onerror = () => fail(new Error(uri));
  one.src = new URL(uri, document.baseURI);
});

async function show() {
  const value = props.value;
  if (!value || value.serial === state.serial) return;
  const turn = ++loading;
  const [picture, mask] = await Promise.all([image(value.picture), value.hole ? image(value.hole) : null]);
  if (turn !== loading) return;
  const same = state.picture && picture.width === hole.width && picture.height === hole.height && !value.fresh;
  state.picture = picture;
  state.serial = value.serial;
  if (same) keep();
  else {
    undo = []; redo = [];
    hole.width = picture.width; hole.height = picture.height;
    state.zoom = 1; state.x = state.y = 0; state.brush = null;
    if (!state.sized) resize(Math.max(4, Math.round(Math.max(picture.width, picture.height) / 12)));
  }
  ink.clearRect(0, 0, hole.width, hole.height);
  if (mask) lay(mask);
  /* A panorama is given room above and below: a least height would make a phone's page as wide as its shape wants. */
  board.style.aspectRatio = Math.min(picture.width / picture.height, 2.5);
  canvas.setAttribute("aria-label", `${value.name}, to paint on`);
  element.querySelector(".editor").dataset.serial = value.serial;
  draw();
}

/* White of a mask becomes ink. */
function lay(mask) {
  ink.drawImage(mask, 0, 0);
  const data = ink.getImageData(0, 0, hole.width, hole.height), p = data.data;
  for (let i = 0; i < p.length; i += 4) {
    p[i + 3] = p[i] > 127 ? 255 : 0;
    p[i] = 0xe0; p[i + 1] = 0x21; p[i + 2] = 0x8a;
  }
  ink.putImageData(data, 0, 0);
}

/* -- drawing --------------------------------------------------------------------------------------- */

const view = () => {
  const box = board.getBoundingClientRect();
  const fit = Math.min(box.width / hole.width, box.height / hole.height);
  const s = fit * state.zoom;
  return { box, s, left: box.width / 2 - (hole.width / 2 + state.x) * s, top: box.height / 2 - (hole.height / 2 + state.y) * s };
};

function draw() {
  if (!state.picture) return;
  const v = view(), ratio = devicePixelRatio || 1;
  canvas.width = Math.round(v.box.width * ratio);
  canvas.height = Math.round(v.box.height * ratio);
  const c = context;
  c.setTransform(ratio * v.s, 0, 0, ratio * v.s, ratio * v.left, ratio * v.top);
  c.imageSmoothingEnabled = v.s < 3;
  c.imageSmoothingQuality = "high";
  c.drawImage(state.picture, 0, 0);
  c.globalAlpha = 0.62;
  c.drawImage(hole, 0, 0);
  c.globalAlpha = 1;
  const at = state.brush;
  if (at && state.tool !== "move") {
    for (const [colour, width] of [["rgb(0 0 0 / .8)", 3], ["#fff", 1.4]]) {
      c.beginPath();
      c.arc(at.x, at.y, state.size / 2, 0, 7);
      c.strokeStyle = colour;
      c.lineWidth = width / v.s;
      if (state.tool === "erase") c.setLineDash([6 / v.s, 4 / v.s]);
      c.stroke();
    }
    c.setLineDash([]);
  }
}

/* -- the hole -------------------------------------------------------------------------------------- */

const alpha = () => {
  const p = ink.getImageData(0, 0, hole.width, hole.height).data, a = new Uint8Array(p.length / 4);
  for (let i = 0; i < a.length; i++) a[i] = p[4 * i + 3];
  return a;
};
function keep() { undo.push(alpha()); if (undo.length > KEPT) undo.shift(); redo = []; }
function put(a) {
  const data = ink.createImageData(hole.width, hole.height), p = data.data;
  for (let i = 0; i < a.length; i++) { p[4 * i] = 0xe0; p[4 * i + 1] = 0x21; p[4 * i + 2] = 0x8a; p[4 * i + 3] = a[i]; }
  ink.putImageData(data, 0, 0);
}
function send() {
  const empty = alpha().every((a) => a < 128);
  document.getElementById("results")?.classList.add("busy");
  trigger("stroke", { serial: state.serial, hole: empty ? null : hole.toDataURL("image/png") });
}
function back(from, to) {
  if (!from.length) return;
  to.push(alpha());
  put(from.pop());
  draw();
  send();
}
function stroke(from, to) {
  ink.globalCompositeOperation = state.tool === "erase" ? "destination-out" : "source-over";
  ink.fillStyle = ink.strokeStyle = INK;
  ink.lineWidth = state.size;
  ink.lineCap = "round";
  ink.beginPath();
  ink.arc(to.x, to.y, state.size / 2, 0, 7);
  ink.fill();
  ink.beginPath();
  ink.moveTo(from.x, from.y);
  ink.lineTo(to.x, to.y);
  ink.stroke();
  ink.globalCompositeOperation = "source-over";
}
const act = {
  undo: () => back(undo, redo),
  redo: () => back(redo, undo),
  clear: () => { keep(); ink.clearRect(0, 0, hole.width, hole.height); draw(); send(); },
  in: () => zoom(1.5), out: () => zoom(1 / 1.5),
  fit: () => { state.zoom = 1; state.x = state.y = 0; draw(); },
};

function resize(size) {
  state.size = Math.max(1, Math.min(160, Math.round(size)));
  $("ed-size").value = String(state.size);
  $("ed-px").textContent = `${state.size} px`;
  draw();
}
function scale(factor, more) { state.sized = true; resize(state.size * factor + more); }
function take(tool) {
  state.tool = tool;
  for (const b of element.querySelectorAll("[data-tool]")) b.setAttribute("aria-pressed", String(b.dataset.tool === tool));
  canvas.dataset.tool = tool;
  draw();
}
function zoom(factor, at) {
  const v = view(), before = state.zoom;
  state.zoom = Math.max(1, Math.min(24, state.zoom * factor));
  if (at) {
    const shift = (1 / (v.s / before)) * (1 / before - 1 / state.zoom);
    state.x += (at.px - v.box.width / 2) * shift;
    state.y += (at.py - v.box.height / 2) * shift;
  }
  inside();
  draw();
}
function inside() {
  const room = (side) => (side / 2) * (1 - 1 / state.zoom);
  state.x = Math.max(-room(hole.width), Math.min(room(hole.width), state.x));
  state.y = Math.max(-room(hole.height), Math.min(room(hole.height), state.y));
}

/* -- pointer: one paints, two zoom and move -------------------------------------------------------- */

const fingers = new Map();
let spread = null;
const place = (e) => {
  const v = view(), px = e.clientX - v.box.left, py = e.clientY - v.box.top;
  return { px, py, x: (px - v.left) / v.s, y: (py - v.top) / v.s };
};
canvas.addEventListener("pointerdown", (e) => {
  if (!state.picture || e.button > 1) return;
  const at = place(e);
  fingers.set(e.pointerId, at);
  canvas.setPointerCapture(e.pointerId);
  state.keys = false;
  if (fingers.size === 2) {
    if (state.down) { put(undo.pop()); state.down = false; }
  } else if (state.tool !== "move" && e.button === 0) {
    keep();
    state.down = true;
    state.brush = at;
    stroke(at, at);
  }
  draw();
});
canvas.addEventListener("pointermove", (e) => {
  const at = place(e), before = fingers.get(e.pointerId);
  if (before) fingers.set(e.pointerId, at);
  if (fingers.size === 2 && before) {
    const [f, g] = [...fingers.values()];
    const now = { d: Math.hypot(f.px - g.px, f.py - g.py), px: (f.px + g.px) / 2, py: (f.py + g.py) / 2 };
    if (spread) {
      const s = view().s;
      state.x -= (now.px - spread.px) / s;
      state.y -= (now.py - spread.py) / s;
      zoom(now.d / spread.d, now);
    }
    spread = now;
  } else if (state.down) stroke(state.brush, at);
  else if (before) {
    const s = view().s;
    state.x -= (at.px - before.px) / s;
    state.y -= (at.py - before.py) / s;
    inside();
  }
  state.brush = at;
  draw();
});
const lift = (e) => {
  fingers.delete(e.pointerId);
  spread = null;
  if (state.down) { state.down = false; send(); }
};
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
canvas.addEventListener("pointerleave", () => { if (!state.down && !state.keys) { state.brush = null; draw(); } });
canvas.addEventListener("wheel", (e) => {
  if (!e.ctrlKey && !e.metaKey) return;
  e.preventDefault();
  zoom(Math.exp(-e.deltaY * 0.004), place(e));
}, { passive: false });

/* -- keyboard -------------------------------------------------------------------------------------- */

canvas.addEventListener("focus", () => {
  if (state.picture && !state.brush && canvas.matches(":focus-visible")) {
    state.keys = true;
    state.brush = { x: hole.width / 2, y: hole.height / 2 };
    draw();
  }
});
canvas.addEventListener("blur", () => { if (state.down && state.keys) { state.down = false; send(); } });
canvas.addEventListener("keydown", (e) => {
  if (!state.picture || e.altKey) return;
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  if (e.ctrlKey || e.metaKey) {
    const what = key === "z" ? (e.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : "";
    if (what) { e.preventDefault(); act[what](); }
    return;
  }
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (way) {
    const step = e.shiftKey ? 1 : Math.max(1, state.size / 4);
    const from = state.brush || { x: hole.width / 2, y: hole.height / 2 };
    const clamp = (n, side) => Math.max(0, Math.min(side, n));
    const to = { x: clamp(from.x + way[0] * step, hole.width), y: clamp(from.y + way[1] * step, hole.height) };
    state.keys = true;
    if (state.down) stroke(from, to);
    state.brush = to;
    draw();
  } else if (key === " " || key === "Enter") {
    if (state.down) { state.down = false; send(); }
    else if (state.brush && state.tool !== "move") { keep(); state.down = state.keys = true; stroke(state.brush, state.brush); draw(); }
  } else {
    const tools = { b: "paint", e: "erase", m: "move" };
    const other = { "[": () => scale(0.8, -0.5), "]": () => scale(1.25, 0.5), "+": act.in, "=": act.in, "-": act.out, 0: act.fit };
    if (tools[key]) take(tools[key]);
    else if (other[key]) other[key]();
    else return;
  }
  e.preventDefault();
});

/* -- buttons, files -------------------------------------------------------------------------------- */

element.addEventListener("click", (e) => {
  const b = e.target.closest("button");
  if (!b) return;
  if (b.dataset.tool) take(b.dataset.tool);
  else if (b.dataset.do) act[b.dataset.do]();
  else if (b.dataset.sample) trigger("sample", { name: b.dataset.sample });
  else if (b.dataset.mask) {
    document.getElementById("results")?.classList.add("busy");
    trigger("mask", { name: b.dataset.mask });
  }
});
$("ed-size").addEventListener("input", (e) => { state.sized = true; resize(Number(e.target.value)); });

async function hand(file, as) {
  if (!file) return;
  try {
    const { path } = await upload(file);
    trigger(as, { path, name: file.name });
  } catch {
    trigger("refused", { name: file.name });
  }
}
for (const [id, as] of [["ed-file", "picture"], ["ed-hole", "holefile"]]) {
  $(id).addEventListener("change", (e) => { hand(e.target.files[0], as); e.target.value = ""; });
}
const aside = (e) => /^(INPUT|TEXTAREA)$/.test(e.target.tagName) && e.target.type !== "range" && e.target.type !== "file";
document.addEventListener("paste", (e) => { if (!aside(e) && e.clipboardData?.files.length) { e.preventDefault(); hand(e.clipboardData.files[0], "picture"); } });
document.addEventListener("dragover", (e) => e.preventDefault());
document.addEventListener("drop", (e) => { e.preventDefault(); hand(e.dataTransfer?.files[0], "picture"); });

new ResizeObserver(draw).observe(board);
watch("value", show);
show();
