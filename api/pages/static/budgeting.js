"use strict";
// The budget curve's picture, its table and the field of money tell of one another. Without this all three still work.
(() => {
  let view = null, unit = 1;

  const showAt = () => {
    const at = document.getElementById("at");
    if (!view || !at || at.dataset.at === undefined) return;
    view.signal("at", Number(at.dataset.at) / unit).runAsync();
  };
  const rowOf = (k) => document.querySelectorAll("tr[data-money]")[k];
  const mark = (row) => {
    document.querySelectorAll("tr.near").forEach((one) => one.classList.remove("near"));
    if (row) row.classList.add("near");
  };
  const pointed = (item) => {
    const datum = item && item.datum && (item.datum.datum || item.datum);
    return datum && datum.k !== undefined ? datum : null;
  };
  const moneyOf = (datum) => {
    const link = [...document.querySelectorAll("tr[data-money]")]
      .find((row) => Math.abs(Number(row.dataset.money) / unit - datum.x) < 1e-9 * Math.max(1, datum.x));
    return link || null;
  };

  document.addEventListener("chart-drawn", (event) => {
    if (!event.target.closest("[data-curve]")) return;
    view = event.detail.view; unit = event.detail.spec.usermeta.yuan || 1;
    view.addEventListener("pointermove", (_, item) => { const datum = pointed(item); mark(datum ? moneyOf(datum) : null); });
    view.addEventListener("click", (_, item) => {
      const datum = pointed(item), row = datum && moneyOf(datum), field = document.getElementById("field-money");
      if (!row || !field) return;
      field.value = row.dataset.money; field.form.requestSubmit();
    });
    showAt();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const at = document.getElementById("at");
    showAt();
    const result = document.getElementById("result"), said = document.getElementById("announce");
    if (event.target.id === "result" && result && result.dataset.state === "done" && said) said.textContent = result.dataset.ended;
    // The field follows the table and the picture, but never what somebody is typing.
    const field = document.getElementById("field-money");
    if (at && field && document.activeElement !== field && at.dataset.at) field.value = at.dataset.at;
  });
})();
