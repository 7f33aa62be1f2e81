"use strict";
// What pages do beyond links and forms. Without this script everything still works, less quickly.

const announce = (text) => { const box = document.getElementById("announce"); if (box) box.textContent = text; };

// Faults take the focus, so that they are read out and the keyboard is where the work is.
const attend = (root) => {
  const wrong = root.querySelector("[data-focus]");
  if (wrong) { wrong.focus(); wrong.scrollIntoView({ block: "center" }); }
  root.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = false;
    button.onclick = async () => {
      await navigator.clipboard.writeText(button.dataset.copy || location.href);
      announce(button.dataset.copied || "✓");
      const was = button.textContent; button.textContent = button.dataset.copied || "✓";
      setTimeout(() => { button.textContent = was; }, 1500);
    };
  });
  root.querySelectorAll("[data-print]").forEach((button) => { button.hidden = false; button.onclick = () => window.print(); });
  root.querySelectorAll("input[type=range][data-shows]").forEach((slider) => {
    const shown = document.getElementById(slider.dataset.shows);
    const tell = () => { if (shown) shown.textContent = Number(slider.value).toLocaleString(document.documentElement.lang) + (slider.dataset.unit || ""); };
    slider.addEventListener("input", tell); tell();
  });
  root.querySelectorAll("[data-expires]").forEach(tick);
  root.querySelectorAll("[data-chart]").forEach((figure) => sight.observe(figure));
};

// A moment that comes nearer: <span data-expires="2026-11-22T08:00:00Z" data-over="已过期"></span>
const tick = (element) => {
  const left = Math.floor((new Date(element.dataset.expires) - Date.now()) / 1000);
  if (left <= 0) { element.textContent = element.dataset.over || "0:00"; element.classList.add("bad"); return; }
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  element.textContent = (h ? h + ":" + String(m).padStart(2, "0") : m) + ":" + String(s).padStart(2, "0");
  element.classList.toggle("warn", left < 300);
  setTimeout(() => { if (element.isConnected) tick(element); }, 1000);
};

// Charts: Vega is fetched when the first one comes into sight.
let vega;
const withVega = (address) => vega ||= new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = address; script.onload = () => resolve(window.vegaEmbed); script.onerror = reject;
  document.head.append(script);
});
// A picture in the page's colours and letters, as wide as there is room: the colours that pictures share are tokens.
const INKS = { "#222222": "--ink", "#595959": "--muted", "#E3E3E3": "--line", white: "--card" };
const dressed = (spec, canvas) => {
  const look = getComputedStyle(document.documentElement);
  const inked = JSON.parse(JSON.stringify(spec), (key, value) => INKS[value] && key !== "text" ? look.getPropertyValue(INKS[value]).trim() : value);
  const room = Math.max(canvas.clientWidth - 8, (spec.usermeta || {}).leastWidth || 300);
  if (inked.vconcat) inked.vconcat.forEach((panel) => { panel.width = room - 96; });
  else inked.width = room;
  const config = inked.config || {};
  inked.config = { ...config, font: look.fontFamily, legend: { ...config.legend, columns: Math.max(1, Math.floor(room / 120)) } };
  return inked;
};
const specs = new Map();
const render = async (figure) => {
  const embed = await withVega(figure.dataset.vega), canvas = figure.querySelector(".canvas");
  const spec = dressed(specs.get(figure), canvas);
  const made = await embed(canvas, spec, { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true } });
  if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
  figure.dataset.drawn = "yes";
  figure.dispatchEvent(new CustomEvent("chart-drawn", { bubbles: true, detail: { view: made.view, spec } }));
};
const draw = async (figure) => {
  const [, answer] = await Promise.all([withVega(figure.dataset.vega), fetch(figure.dataset.chart)]);
  if (!answer.ok) return;
  specs.set(figure, await answer.json());
  await render(figure);
};
const redraw = () => specs.forEach((_, figure) => figure.isConnected ? render(figure) : specs.delete(figure));
let resized, wideWas = window.innerWidth;
addEventListener("resize", () => { if (window.innerWidth !== wideWas) { wideWas = window.innerWidth; clearTimeout(resized); resized = setTimeout(redraw, 250); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
const sight = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (entry.isIntersecting) { sight.unobserve(entry.target); draw(entry.target); }
}), { rootMargin: "200px" });

// The menu closes with Escape and when one looks elsewhere.
document.addEventListener("keydown", (event) => {
  const menu = document.getElementById("menu");
  if (event.key === "Escape" && menu && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
});
document.addEventListener("click", (event) => {
  const menu = document.getElementById("menu");
  if (menu && menu.open && !menu.contains(event.target)) menu.open = false;
});
document.addEventListener("htmx:afterSettle", (event) => attend(event.target));
document.addEventListener("DOMContentLoaded", () => {
  attend(document);
  const room = document.documentElement.lang === "en" ? 104 : 64;
  const wide = matchMedia(`(min-width: ${room}rem)`), menu = document.getElementById("menu");
  const open = () => { if (menu) menu.open = wide.matches; };
  wide.addEventListener("change", open); open();
  // A note is told once: the address forgets it.
  const here = new URL(location.href);
  if (here.searchParams.has("note") || here.searchParams.has("lang")) {
    here.searchParams.delete("note"); here.searchParams.delete("lang");
    history.replaceState(history.state, "", here);
  }
});
