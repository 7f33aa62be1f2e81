"use strict";
// Verified and estimated emissions ask for different things: the fields of the other kind are put away and not sent.
const status = () => document.querySelector("input[data-status]:checked");
const arrange = () => {
  const chosen = status() && status().value;
  document.querySelectorAll("[data-only]").forEach((part) => {
    const away = part.dataset.only !== chosen;
    part.hidden = away;
    part.querySelectorAll("input").forEach((field) => { field.disabled = away; });
  });
};
document.querySelectorAll("input[data-status]").forEach((field) => field.addEventListener("change", arrange));
arrange();
