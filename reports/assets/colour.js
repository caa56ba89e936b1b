"use strict";
/* Colour difference: CIEDE2000 (Sharma, Wu & Dalal 2005) of sRGB levels under D65, and its colour scale. */
const Colour = (() => {
  const linear = new Float64Array(256);
  for (let i = 0; i < 256; i++) {
    const c = i / 255;
    linear[i] = c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }
  const f = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389 / 27 + 16) / 116);

  function lab(r, g, b) {
    const R = linear[r], G = linear[g], B = linear[b];
    const x = f((0.412453 * R + 0.35758 * G + 0.180423 * B) / 0.95047);
    const y = f(0.212671 * R + 0.71516 * G + 0.072169 * B);
    const z = f((0.019334 * R + 0.119193 * G + 0.950227 * B) / 1.08883);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  }

  const rad = Math.PI / 180;
  function difference([L1, a1, b1], [L2, a2, b2]) {
    const C = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
    const C7 = C ** 7;
    const G = 0.5 * (1 - Math.sqrt(C7 / (C7 + 25 ** 7)));
    const p1 = a1 * (1 + G), p2 = a2 * (1 + G);
    const c1 = Math.hypot(p1, b1), c2 = Math.hypot(p2, b2);
    const angle = (b, a) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
    const h1 = angle(b1, p1), h2 = angle(b2, p2);
    const dL = L2 - L1, dC = c2 - c1;
    let dh = 0;
    if (c1 * c2 !== 0) { dh = h2 - h1; if (dh > 180) dh -= 360; else if (dh < -180) dh += 360; }
    const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad);
    const L = (L1 + L2) / 2, c = (c1 + c2) / 2;
    let h = h1 + h2;
    if (c1 * c2 !== 0) { if (Math.abs(h1 - h2) <= 180) h /= 2; else h = h < 360 ? (h + 360) / 2 : (h - 360) / 2; }
    const T = 1 - 0.17 * Math.cos((h - 30) * rad) + 0.24 * Math.cos(2 * h * rad)
      + 0.32 * Math.cos((3 * h + 6) * rad) - 0.2 * Math.cos((4 * h - 63) * rad);
    const c7 = c ** 7;
    const SL = 1 + (0.015 * (L - 50) ** 2) / Math.sqrt(20 + (L - 50) ** 2);
    const SC = 1 + 0.045 * c, SH = 1 + 0.015 * c * T;
    const RT = -Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * rad) * 2 * Math.sqrt(c7 / (c7 + 25 ** 7));
    return Math.sqrt((dL / SL) ** 2 + (dC / SC) ** 2 + (dH / SH) ** 2 + RT * (dC / SC) * (dH / SH));
  }

  /* Dark to light in one direction, so that it also reads in grey: black, violet, red-orange, yellow, white. */
  const stops = [[0, 8, 8, 16], [0.25, 86, 24, 110], [0.5, 199, 52, 82], [0.75, 248, 148, 64], [1, 252, 246, 190]];
  const TOP = 30;
  function shade(value) {
    const t = Math.min(1, Math.max(0, value / TOP));
    const k = Math.max(1, stops.findIndex((s) => s[0] >= t));
    const [t0, ...a] = stops[k - 1], [t1, ...b] = stops[k];
    const w = (t - t0) / (t1 - t0);
    return a.map((v, i) => Math.round(v + (b[i] - v) * w));
  }
  return { lab, difference, shade, TOP };
})();
