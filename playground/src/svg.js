// Drawings: from the text of an SVG to elements, and to files.

const NAMESPACE = "http://www.w3.org/2000/svg";
const ELEMENTS = new Set(["svg", "title", "g", "rect", "path", "polygon", "text"]);
const ATTRIBUTES = new Set(
  `width height viewBox role aria-label fill stroke stroke-width stroke-dasharray font-family
   font-size text-anchor d points x y rx data-box data-tail data-head`.split(/\s+/),
);

/** The drawing as elements of this page: known elements and attributes, and text. */
export function drawn(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  return copied(parsed.documentElement);
}

function copied(from) {
  const made = document.createElementNS(NAMESPACE, from.localName);
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
  }
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) made.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE && ELEMENTS.has(child.localName)) {
      made.append(copied(child));
    }
  }
  return made;
}

/** The drawing as a PNG, twice as large. */
export async function png(text) {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    // Not `decode()`, which waits for a frame: a page that nobody looks at draws none.
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("this browser cannot draw it"));
      image.src = url;
    });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width * 2, image.height * 2];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}
