// What the client needs and a test without an editor can read: options, and the page of a picture.
const scheme = "nasdsl-explanation";

const serverOptions = (path) => ({ command: path || "nasdsl", args: ["lsp"] });

const clientOptions = (network, middleware = {}) => ({
  documentSelector: [{ language: "cell" }],
  initializationOptions: { shows: true, network: network ?? {} },
  synchronize: { configurationSection: "nasdsl" },
  middleware,
});

// Nothing on the page runs, and nothing is loaded from elsewhere.
const page = (svg, error = "") => `<!DOCTYPE html>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>body { background: white; color: black } svg { max-width: 100%; height: auto }</style>
<p>${escaped(error)}</p>
${svg}`;

const escaped = (text) =>
  text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

module.exports = { scheme, serverOptions, clientOptions, page };
