// Progress of a job as the server tells it; when the job ends, the page is asked for anew.
"use strict";

const job = document.querySelector("[data-events]");

function show(state) {
  const bar = document.getElementById("progress");
  const done = Number(state.done), total = Number(state.total);
  if (total > 0) {
    bar.max = total;
    bar.value = Math.min(done, total);
  } else {
    bar.removeAttribute("value");
  }
  const number = new Intl.NumberFormat("en-US");
  const counted = total > 0 ? `${number.format(done)} of ${number.format(total)}` : done > 0 ? number.format(done) : "";
  document.getElementById("counts").textContent = counted;
  document.getElementById("stage").textContent = state.stage || state.message || "";
}

function ended(state) {
  return ["done", "failed", "cancelled"].includes(state.status);
}

if (job) {
  const source = new EventSource(job.dataset.events);
  const told = (event) => {
    const state = JSON.parse(event.data);
    show(state);
    if (ended(state) || state.status !== job.dataset.status) {
      source.close();
      location.reload();
    }
  };
  source.onmessage = told;
  for (const kind of ["progress", "state", "end", "job"]) source.addEventListener(kind, told);
  source.onerror = () => {
    document.getElementById("stage").textContent =
      "The connection to the server is interrupted. The job goes on; this page asks again.";
  };
}
