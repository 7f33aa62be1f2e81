"use strict";
// Moving a slider ticks the box that makes it count; a link to the lines of a way opens them.
document.addEventListener("input", (event) => {
  const box = event.target.dataset && document.getElementById(event.target.dataset.ticks || "");
  if (box) box.checked = true;
}, true);
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href^="#why-"]');
  const there = link && document.getElementById(link.getAttribute("href").slice(1));
  if (there) there.open = true;
});
