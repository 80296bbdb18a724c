// Small things that every part of the page uses.

export const byId = (id) => document.getElementById(id);

// Makes an element: make("button", { type: "button", class: "small" }, "Copy", child, ...).
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export const press = (element, on) => element.setAttribute("aria-pressed", String(on));
export const pressed = (element) => element.getAttribute("aria-pressed") === "true";
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
export const rounded = (value, digits) => Number(value.toFixed(digits));
export const time = (seconds) => `${seconds.toFixed(2)} s`;

const colours = new Map();
export const forgetColours = () => colours.clear();

// Returns a colour of the page's style.
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}
