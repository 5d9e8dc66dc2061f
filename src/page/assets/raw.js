// A resource as the server sends it, beside what is made of it.

import { announce, h } from "./dom.js";
import { t } from "./language.js";
import { address, readText } from "./server.js";

let open = null;

/** A button that shows a resource as it is. */
export function rawButton(resource, name) {
  const label = t("raw.of", { name: name || `${resource.resourceType}/${resource.id}` });
  return h("button", { type: "button", class: "raw", "aria-label": label, title: label, on: { click: () => showRaw(resource) } }, "{ }");
}

export function closeRaw() {
  open?.close();
}

/** Shows a resource: first as it is known, then as a read of it answers, character by character. */
export function showRaw(resource) {
  closeRaw();
  const place = resource.id ? `${resource.resourceType}/${resource.id}` : resource.resourceType;
  const text = h("pre", { tabindex: "0", "aria-label": place });
  text.textContent = JSON.stringify(resource, null, 2);
  if (resource.id && resource.resourceType !== "Bundle") readText(resource.resourceType, resource.id).then((sent) => { text.textContent = sent; }).catch(() => {});
  const copy = h("button", { type: "button", class: "quiet" }, t("copy"));
  copy.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(text.textContent); announce(t("copied")); copy.textContent = t("copied"); }
    catch { getSelection().selectAllChildren(text); }
  });
  copy.hidden = !navigator.clipboard;
  const dialog = h("dialog", { class: "drawer", "aria-labelledby": "raw-heading" },
    h("div", { class: "drawer-head" },
      h("h2", { id: "raw-heading" }, place),
      copy,
      h("button", { type: "button", class: "quiet", on: { click: () => dialog.close() } }, t("close"))),
    resource.id ? h("p", { class: "address" }, `GET ${address(place, [])}`) : null,
    text);
  dialog.addEventListener("close", () => { dialog.remove(); if (open === dialog) open = null; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  open = dialog;
  dialog.showModal();
}
