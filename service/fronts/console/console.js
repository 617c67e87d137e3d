// Comfort for browsers with scripts; every page works without. It stores no data, and sends nothing that forms do not send.
"use strict";

// numbers that update while the page is visible
const numbers = document.getElementById("numbers");
const live = document.getElementById("live");

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch("/console/numbers", { cache: "no-store", redirect: "manual" });
    if (response.type === "opaqueredirect") {
      location.reload(); // the session has ended
      return;
    }
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const focused = numbers.contains(document.activeElement) && document.activeElement.getAttribute("href");
    numbers.replaceChildren(...fresh.body.childNodes);
    if (focused) numbers.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    say("");
  } catch {
    say("The numbers do not come any more: these are the last ones.");
  }
}

function say(text) {
  if (live.textContent !== text) live.textContent = text;
  live.hidden = !text;
}

if (numbers) setInterval(refresh, Number(numbers.dataset.every) * 1000);

// copy buttons
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Not allowed";
    }
    setTimeout(() => { label.textContent = "Copy"; }, 2000);
  });
}

// words that are added to a field by a click
for (const button of document.querySelectorAll("[data-add]")) {
  button.hidden = false;
  button.nextElementSibling.hidden = true;
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.add);
    const words = field.value.split(/\s+/).filter(Boolean);
    const at = words.indexOf(button.dataset.word);
    if (at < 0) words.push(button.dataset.word);
    else words.splice(at, 1);
    field.value = words.join(" ");
  });
}

// rows of a list, filtered while the operator types; Enter searches on the server
const filter = document.querySelector("[data-filter]");
const rows = filter && document.getElementById(filter.dataset.filter);
if (rows) {
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of rows.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// focus on the element to read first
document.getElementById("faults")?.focus();
document.getElementById("conflict")?.focus();
document.getElementById("found")?.focus();
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
