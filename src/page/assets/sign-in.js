// Signing in.

import { announce, h } from "./dom.js";
import { explain } from "./problem.js";
import { t } from "./language.js";
import { signIn } from "./server.js";

export function signInView({ note, signedIn }) {
  const problem = h("p", { class: "problem", id: "problem", role: "alert" });
  const login = h("input", { id: "login", name: "login", type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const button = h("button", { type: "submit", class: "strong" }, t("signIn"));
  problem.hidden = true;

  async function submit(event) {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    button.textContent = t("signingIn");
    announce(t("signingIn"));
    try {
      signedIn(await signIn(login.value.trim(), password.value));
    } catch (error) {
      password.value = "";
      problem.textContent = explain(error);
      problem.hidden = false;
      password.setAttribute("aria-describedby", "problem");
      button.disabled = false;
      button.textContent = t("signIn");
      password.focus();
    }
  }

  return h("section", { class: "sign-in", "aria-labelledby": "heading" },
    h("h1", { id: "heading" }, t("signIn.heading")),
    note ? h("p", { class: "notice" }, note) : h("p", { class: "soft" }, t("signIn.lead")),
    h("form", { on: { submit } },
      h("label", { for: "login" }, t("login")), login,
      h("label", { for: "password" }, t("password")), password,
      problem, button));
}
