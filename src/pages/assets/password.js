// Puts a button beside each password that shows what was typed. Without scripts the field works as it is.
"use strict";
const words = document.currentScript.dataset;
for (const input of document.querySelectorAll("input[type=password]")) {
  const frame = document.createElement("div");
  const button = document.createElement("button");
  const focused = document.activeElement === input;
  const name = input.labels[0].textContent.trim();
  const label = () => {
    button.textContent = input.type === "password" ? words.show : words.hide;
    button.setAttribute("aria-label", button.textContent + ": " + name);
  };
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    label();
    input.focus();
  });
  // A password must not be kept by the browser as an ordinary text.
  input.form.addEventListener("submit", () => {
    input.type = "password";
    label();
  });
  frame.className = "password";
  input.replaceWith(frame);
  frame.append(input, button);
  if (focused) input.focus();
  label();
}
