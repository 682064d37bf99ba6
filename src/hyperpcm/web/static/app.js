// What every page needs: a form is sent once, and what is waited for says so.
"use strict";

function busy(form, is) {
  for (const button of form.querySelectorAll("button[type=submit]")) {
    if (is) {
      button.dataset.said ??= button.textContent;
      if (button.dataset.busy) button.textContent = button.dataset.busy;
    } else if (button.dataset.said) {
      button.textContent = button.dataset.said;
    }
    button.disabled = is;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // After the browser has read the form, as a disabled button would not be part of it.
  if (form.matches("[data-once]")) setTimeout(() => busy(form, true), 0);
});
// A page that comes back from the history of the browser can be sent again.
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-once]").forEach((form) => busy(form, false)));

document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches("input[type=file][data-most]")) return;
  const told = document.getElementById(field.dataset.told);
  const [file] = field.files;
  const large = file && file.size > Number(field.dataset.most);
  told.textContent = large ? `${file.name} is larger than this server takes. Split it, or use the command line.` : "";
  field.setCustomValidity(large ? told.textContent : "");
});

// Names that fit what was typed are looked up where there are too many to come with the page.
let lookedUp;
document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches("input[data-search]") || !field.value.trim()) return;
  clearTimeout(lookedUp);
  lookedUp = setTimeout(async () => {
    const asked = field.value.trim();
    const answer = await fetch(`${field.dataset.search}?${new URLSearchParams({ search: asked, limit: "50" })}`).catch(() => null);
    if (!answer?.ok || field.value.trim() !== asked) return;
    const options = (await answer.json()).targets.map(({ name }) => Object.assign(document.createElement("option"), { value: name }));
    field.list.replaceChildren(...options);
  }, 200);
});

// A text to be copied, such as the address of a page; browsers allow it in secure places only.
if (navigator.clipboard) document.querySelectorAll("button[data-copy]").forEach((button) => (button.hidden = false));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = said), 2000);
});

// What was to follow a page and did not come is told in its place.
function missed(event) {
  const section = event.target.closest?.("section");
  const waiting = section?.querySelector("[data-waiting]");
  if (!waiting) return;
  section.querySelector("progress")?.remove();
  waiting.textContent = "This could not be told now: the server is busy or was stopped. Load the page again in a moment.";
}
document.addEventListener("htmx:response:error", missed);
document.addEventListener("htmx:error", missed);

// What a form has made has an address of its own: it is loaded again and bookmarked under that.
const made = document.querySelector("[data-address]");
if (made) history.replaceState(null, "", made.dataset.address);
