// Elements. Text becomes text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element; `on` holds its listeners. */
export function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function s(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** Tells people who do not see the page what has changed. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // A text that is the same as before is not read again unless it was away.
  setTimeout(() => { live.textContent = text; }, 60);
}

/** Calls after `wait` milliseconds without another call. */
export function debounced(wait, work) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait);
  };
}

let ids = 0;

/** An id that no other element has. */
export const unique = (name) => `${name}-${++ids}`;
