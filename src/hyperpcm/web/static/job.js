// Progress of a job as the server tells it; when the job ends, the page is asked for anew.
"use strict";

const section = document.querySelector("[data-events]");
const SAID = { waiting: "Waiting for its turn", running: "Running" };

function show(job) {
  const bar = document.getElementById("progress");
  const number = new Intl.NumberFormat("en-US");
  document.getElementById("running").textContent = SAID[job.state] ?? "";
  if (job.total) {
    bar.max = job.total;
    bar.value = Math.min(job.done, job.total);
    document.getElementById("counts").textContent = `${number.format(job.done)} of ${number.format(job.total)}`;
  } else {
    bar.removeAttribute("value");
  }
  document.getElementById("stage").textContent = job.state === "running" && !job.total ? "Getting ready …" : "";
}

function follow() {
  const source = new EventSource(section.dataset.events);
  source.addEventListener("progress", (event) => show(JSON.parse(event.data)));
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
  source.onerror = () => {
    document.getElementById("stage").textContent =
      "The connection to the server is interrupted; the job goes on. Trying again …";
    // A refusal, such as of too many followers, ends the stream for good: ask anew after a while.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
}

if (section) follow();
