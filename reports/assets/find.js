"use strict";
/* The list of all scored pictures: filtered, sorted, its choice kept in the address. Null on pages without one. */
const Find = (() => {
  const data = PageData?.find;
  if (!data) return null;
  const $ = (id) => document.getElementById(id);
  const form = $("find-form"), field = (name) => form.elements.namedItem(name);
  const { masks, methods, metrics, datasets, kinds } = data;
  const PAGE = 40;
  const MINUS = "\u2212";

  /* -- numbers: whole ones of two or four bytes, unpacked when they are first asked for ---------------- */

  function unpack({ bytes, digits, data: text }) {
    const raw = atob(text), buffer = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) buffer[i] = raw.charCodeAt(i);
    const whole = bytes === 2 ? new Int16Array(buffer.buffer) : new Int32Array(buffer.buffer);
    const nothing = bytes === 2 ? -32768 : -2147483648, factor = 10 ** digits;
    return Float64Array.from(whole, (v) => (v === nothing ? NaN : v / factor));
  }
  const unpacked = new Map();
  const once = (key, what) => {
    if (!unpacked.has(key)) unpacked.set(key, unpack(what));
    return unpacked.get(key);
  };
  const areas = (d) => once(`area ${d}`, datasets[d].areas);
  const values = (d, metric, method) => once(`${d} ${metric} ${method}`, datasets[d].scores[metric][method]);

  /* Of a metric with a target, its distance decides. Higher is better. */
  const good = (m, v) => (m.direction === "higher" ? v : m.direction === "lower" ? -v : -Math.abs(v - m.target));

  /* All pictures with a hole that was drawn: data set, place in its arrays, row of the page or -1. */
  const items = [];
  const kept = new Map(data.kept.map(([d, picture, mask, row]) => [`${d} ${picture * masks.length + mask}`, row]));
  datasets.forEach((set, d) => {
    const area = areas(d);
    for (let m = 0; m < masks.length; m++) {
      for (let p = 0; p < set.ids.length; p++) {
        const at = p * masks.length + m;
        if (!Number.isNaN(area[at])) items.push({ d, p, m, at, row: kept.get(`${d} ${at}`) ?? -1 });
      }
    }
  });

  /* -- the choice ------------------------------------------------------------------------------------ */

  const DEFAULTS = { score: metrics[0].name, data: "", mask: "", from: "", to: "", id: "", fails: "", not: "", limit: "", sort: "", order: "", hide: "" };
  let choice = { ...DEFAULTS };
  let found = [], drawn = 0;

  const metricAt = () => Math.max(0, metrics.findIndex((m) => m.name === choice.score));
  const methodAt = (label) => methods.findIndex((m) => m.label === label);
  const hidden = () => new Set(choice.hide ? choice.hide.split("|") : []);
  const shown = () => { const off = hidden(); return methods.map((m, k) => k).filter((k) => !off.has(methods[k].label)); };
  const several = new Set(methods.map((m) => m.kind)).size > 1;
  const groupOf = (name) => shown().filter((k) => name === "all" || methods[k].kind === name);

  /* A value that few fills are worse than: what failing is until someone says otherwise. */
  function usualLimit() {
    const k = metricAt(), metric = metrics[k];
    const of = [methodAt(choice.fails), methodAt(choice.not)].filter((n) => n >= 0);
    const all = [];
    for (const item of items) for (const n of of) { const v = values(item.d, k, n)[item.at]; if (!Number.isNaN(v)) all.push(good(metric, v)); }
    if (!all.length) return "";
    const sorted = Float64Array.from(all).sort();
    const value = sorted[Math.floor(sorted.length * 0.05)];
    return String(Number((metric.direction === "higher" ? value : -value).toFixed(Math.max(0, metric.digits - 1))));
  }

  /* Two different methods are set against each other. */
  const both = () => methodAt(choice.fails) >= 0 && methodAt(choice.not) >= 0 && choice.fails !== choice.not;
  const isDifference = (sort = choice.sort) => both() && (!sort || sort === "lead");

  /* What an item is sorted by; large is good, or for differences and disputes much. NaN comes last. */
  function keyOf(sort = choice.sort) {
    const k = metricAt(), metric = metrics[k];
    const at = (item, n) => good(metric, values(item.d, k, n)[item.at]);
    if (isDifference(sort)) {
      const a = methodAt(choice.fails), b = methodAt(choice.not);
      /* No score at all is worse than any. */
      return (item) => { const x = at(item, a), y = at(item, b); return Number.isNaN(x) && !Number.isNaN(y) ? Infinity : y - x; };
    }
    const [kind, name] = sort.split(/:(.*)/s);
    if (kind === "method" && methodAt(name) >= 0) { const n = methodAt(name); return (item) => at(item, n); }
    if (kind === "mean" || kind === "spread") {
      const of = groupOf(name);
      return (item) => {
        let sum = 0, squares = 0, count = 0;
        for (const n of of) { const v = at(item, n); if (!Number.isNaN(v)) { sum += v; squares += v * v; count++; } }
        if (!count) return NaN;
        return kind === "mean" ? sum / count : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
      };
    }
    if (!sort && choice.fails && methodAt(choice.fails) >= 0) { const n = methodAt(choice.fails); return (item) => at(item, n); }
    return null;
  }
  const much = () => isDifference() || choice.sort.startsWith("spread:");

  function search() {
    const k = metricAt(), metric = metrics[k];
    const a = methodAt(choice.fails), b = methodAt(choice.not);
    const d = datasets.findIndex((s) => s.name === choice.data), m = masks.indexOf(choice.mask);
    const from = choice.from === "" ? -1 : choice.from / 100, to = choice.to === "" ? 2 : choice.to / 100;
    const text = choice.id.trim().toLowerCase();
    const limit = choice.limit === "" ? NaN : metric.direction === "higher" ? Number(choice.limit) : -Number(choice.limit);
    const fails = (item, n) => { const v = good(metric, values(item.d, k, n)[item.at]); return Number.isNaN(v) || v < limit; };
    let list = items.filter((item) => {
      if ((d >= 0 && item.d !== d) || (m >= 0 && item.m !== m)) return false;
      const area = areas(item.d)[item.at];
      if (area < from || area > to) return false;
      if (text && !datasets[item.d].ids[item.p].toLowerCase().includes(text)) return false;
      return (a < 0 || fails(item, a)) && (b < 0 || !fails(item, b));
    });
    const key = keyOf();
    if (key) {
      const sign = (much() ? -1 : 1) * (choice.order === "best" ? -1 : 1);
      const keyed = list.map((item) => [key(item), item]);
      keyed.sort(([x], [y]) => (Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : x === y ? 0 : sign * (x - y)));
      list = keyed.map(([, item]) => item);
    } else if (choice.order === "best") list.reverse();
    return list;
  }

  /* -- drawing --------------------------------------------------------------------------------------- */

  const make = (tag, text, css) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (css) e.className = css; return e; };
  const printed = (v, digits) => (Number.isNaN(v) ? "–" : v.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", MINUS));
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  /* The two that are set against each other first. */
  const columns = () => {
    const first = [methodAt(choice.fails), methodAt(choice.not)].filter((n) => n >= 0);
    return [...new Set([...first, ...shown()])];
  };

  function head(order) {
    const line = make("tr"), titles = ["picture", "truth", ...order.map((n) => methods[n].label)];
    if (both()) titles.splice(4, 0, `lead of ${choice.not}`);
    for (const title of titles) {
      const th = make("th");
      th.scope = "col";
      title.split("_").forEach((part, i, all) => th.append(part + (i < all.length - 1 ? "_" : ""), ...(i < all.length - 1 ? [make("wbr")] : [])));
      line.append(th);
    }
    $("find-table").tHead.replaceChildren(line);
    $("find-table").classList.toggle("few", order.length < 4);
  }

  function rowOf(item, order) {
    const k = metricAt(), metric = metrics[k], unit = metric.unit ? ` ${metric.unit}` : "";
    const line = make("tr"), name = make("th");
    name.scope = "row";
    const area = areas(item.d)[item.at];
    name.append(make("span", datasets[item.d].ids[item.p], "name"), make("span", `${datasets[item.d].title}, ${masks[item.m]}`, "sub"), make("span", `hole ${(area * 100).toFixed(0)} %`, "sub"));
    line.append(name);
    const row = item.row >= 0 ? Viewer.rows[item.row] : null;
    const truth = make("td");
    if (row) {
      const a = make("a", undefined, `cell s${row.index} px`);
      a.href = `#${row.anchor}`;
      a.setAttribute("aria-label", `Large view of ${row.id}`);
      truth.append(a);
    } else truth.append(make("span", "no picture kept", "sub"));
    line.append(truth);
    const scores = order.map((n) => values(item.d, k, n)[item.at]);
    const there = scores.map((v) => good(metric, v)).filter((v) => !Number.isNaN(v));
    const best = Math.max(...there), apart = best > Math.min(...there);
    order.forEach((n, i) => {
      const td = make("td"), cell = row?.cells.find((c) => c.label === methods[n].label);
      const source = cell && document.getElementById(cell.anchor)?.querySelector("img");
      if (source) {
        const a = make("a", undefined, `cell m${row.index} px`), image = make("img");
        a.href = `#${cell.anchor}`;
        image.src = source.src;
        image.alt = `${cell.label} fills ${row.id}`;
        image.width = row.width;
        image.height = row.height;
        a.append(image);
        td.append(a);
      }
      td.append(make("span", Number.isNaN(scores[i]) ? "not scored" : printed(scores[i], metric.digits) + unit, "score"));
      if (apart && good(metric, scores[i]) === best) td.className = "winner";
      line.append(td);
    });
    if (both()) {
      const [a, b] = order, gap = good(metric, values(item.d, k, b)[item.at]) - good(metric, values(item.d, k, a)[item.at]);
      line.insertBefore(make("td", Number.isNaN(gap) ? "–" : (gap > 0 ? "+" : "") + printed(gap, metric.digits) + unit, "lead"), line.cells[4] ?? null);
    }
    return line;
  }

  function more() {
    const order = columns(), body = $("find-table").tBodies[0];
    body.append(...found.slice(drawn, drawn + PAGE).map((item) => rowOf(item, order)));
    drawn = Math.min(found.length, drawn + PAGE);
    $("find-more").hidden = drawn >= found.length;
    $("find-more").textContent = `Show ${Math.min(PAGE, found.length - drawn)} more`;
  }

  function words() {
    const metric = metrics[metricAt()];
    const asked = methodAt(choice.fails) >= 0 || methodAt(choice.not) >= 0;
    field("limit").disabled = !asked;
    $("find-failing").textContent = `failing is ${metric.heading} ${metric.direction === "higher" ? "below" : metric.direction === "lower" ? "above" : `farther than this from ${metric.target}:`}`;
    $("find-unit").textContent = metric.unit;
    const lead = [...field("sort").options].find((o) => o.value === "lead");
    lead.disabled = !both();
    lead.textContent = both() ? `lead of ${choice.not} over ${choice.fails}` : "difference of the two methods above";
    field("sort").value = choice.sort || (isDifference() ? "lead" : choice.fails ? `method:${choice.fails}` : "");
    const [first, last] = field("order").options;
    const plain = !keyOf();
    first.textContent = plain ? "first to last" : much() ? "largest first" : "worst first";
    last.textContent = plain ? "last to first" : much() ? "smallest first" : "best first";
    const off = hidden();
    $("find-shown").textContent = off.size ? `${methods.length - off.size} of ${methods.length}` : `all ${methods.length}`;
    for (const box of $("find-methods").querySelectorAll("input")) box.checked = !off.has(box.value);
    for (const cell of document.querySelectorAll("[data-method]")) cell.hidden = off.has(cell.dataset.method);
    const pictures = found.filter((item) => item.row >= 0).length;
    const all = datasets.reduce((sum, set) => sum + set.ids.length, 0);
    $("find-count").textContent = `${grouped(found.length)} of ${grouped(items.length)} ${all < items.length ? `holes, in ${grouped(all)} pictures` : "pictures"}`;
    $("find-note").textContent = !found.length
      ? (asked ? "None: another limit, or fewer conditions, may find some." : "None: fewer conditions may find some.")
      : pictures === found.length ? ""
        : !pictures ? "The run kept their scores, but none of their pictures."
        : `The run kept the pictures of ${grouped(pictures)} of them, and of the others the scores.`;
  }

  /* How to see a picture that was not kept: the command that paints its fills again. */
  function paint() {
    const item = found.find((i) => i.row < 0), order = columns().map((n) => methods[n].label);
    const label = item && order.find((name) => Viewer.commands[name]?.[masks[item.m]]);
    $("find-paint").hidden = !label;
    if (!label) return;
    $("find-file").textContent = `${Viewer.painted[label]}/${masks[item.m]}/`;
    Command.put($("find-command"), Viewer.commands[label][masks[item.m]]);
  }

  function refresh() {
    found = search();
    drawn = 0;
    $("find-table").tBodies[0].replaceChildren();
    head(columns());
    more();
    words();
    paint();
  }

  function fill() {
    for (const name of Object.keys(DEFAULTS)) { const e = field(name); if (e && name !== "sort") e.value = choice[name]; }
  }

  /* -- the address ----------------------------------------------------------------------------------- */

  /* What differs from the page as it opens, as [name, value]. A limit that nobody set is found again. */
  let ownLimit = false;
  const params = () => Object.entries(choice).filter(([name, value]) => value !== DEFAULTS[name] && (name !== "limit" || ownLimit));

  function apply(query) {
    choice = { ...DEFAULTS };
    for (const name of Object.keys(DEFAULTS)) if (query.has(name)) choice[name] = query.get(name);
    if (!metrics.some((m) => m.name === choice.score)) choice.score = DEFAULTS.score;
    ownLimit = choice.limit !== "";
    if (!ownLimit) choice.limit = usualLimit();
    fill();
    refresh();
  }

  let waiting = 0;
  function changed(e) {
    const name = e.target.name;
    if (!name) return;
    if (name === "method") {
      choice.hide = [...$("find-methods").querySelectorAll("input")].filter((box) => !box.checked).map((box) => box.value).join("|");
    } else choice[name] = e.target.value;
    if (name === "limit") ownLimit = choice.limit !== "";
    if (["score", "fails", "not"].includes(name)) {
      if (name === "score") ownLimit = false;
      if (!ownLimit) { choice.limit = usualLimit(); field("limit").value = choice.limit; }
      if (choice.sort === "lead" && !both()) choice.sort = "";
    }
    clearTimeout(waiting);
    $("find").setAttribute("aria-busy", "true");
    waiting = setTimeout(() => {
      refresh();
      Viewer.address();
      $("find").removeAttribute("aria-busy");
    }, e.type === "input" ? 120 : 0);
  }

  const option = (select, value, text) => select?.append(new Option(text, value));
  metrics.forEach((m) => option(field("score"), m.name, `${m.heading} ${m.arrow}`));
  datasets.forEach((s) => option(field("data"), s.name, s.title));
  masks.forEach((m) => option(field("mask"), m, m));
  for (const name of ["fails", "not"]) methods.forEach((m) => option(field(name), m.label, m.label));
  const groups = [["all", "all methods"], ...(several ? Object.entries(kinds).filter(([kind]) => methods.some((m) => m.kind === kind)) : [])];
  option(field("sort"), "", "order of the run");
  for (const [kind, title] of groups) option(field("sort"), `mean:${kind}`, `mean score of ${title}`);
  for (const [kind, title] of groups) option(field("sort"), `spread:${kind}`, `how much ${title} differ`);
  option(field("sort"), "lead", "");
  methods.forEach((m) => option(field("sort"), `method:${m.label}`, `score of ${m.label}`));
  for (const m of methods) {
    const label = make("label"), box = make("input");
    box.type = "checkbox";
    box.name = "method";
    box.value = m.label;
    label.append(box, ` ${m.label}`);
    $("find-methods").append(label);
  }
  form.addEventListener("input", changed);
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", (e) => { e.preventDefault(); apply(new URLSearchParams()); Viewer.address(); });
  $("find-disputed").addEventListener("click", () => { choice.sort = "spread:all"; choice.order = ""; fill(); refresh(); Viewer.address(); });
  $("find-more").addEventListener("click", more);

  /* Rows of the page in the order of the list. disputed: those on which the methods differ most first. */
  const walk = () => found.filter((item) => item.row >= 0).map((item) => item.row);
  function disputed() {
    const key = keyOf("spread:all");
    const list = found.filter((item) => item.row >= 0).map((item) => [key(item), item.row]);
    return list.filter(([v]) => !Number.isNaN(v)).sort(([x], [y]) => y - x).map(([, row]) => row);
  }
  document.getElementById("find").hidden = false;
  return { params, apply, walk, disputed, hidden };
})();
