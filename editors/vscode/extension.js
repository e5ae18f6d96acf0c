// The VS Code client: starts `nasdsl lsp`, and shows what its commands return.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { page, scheme, serverOptions, clientOptions } = require("./shared");

let client;

async function activate(context) {
  const texts = new Map();
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? "",
    }),
    vscode.commands.registerCommand("nasdsl.preview", () => preview(context)),
    vscode.commands.registerCommand("nasdsl.restart", () => restart(context, texts)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("nasdsl.path")) restart(context, texts);
    }),
  );
  await start(context, texts);
}

async function deactivate() {
  // A client that did not start has nothing to stop, and refuses to.
  await client?.stop().catch(() => {});
  client = undefined;
}

async function restart(context, texts) {
  await deactivate();
  await start(context, texts);
}

async function start(context, texts) {
  const settings = vscode.workspace.getConfiguration("nasdsl");
  const middleware = {
    executeCommand: async (command, args, next) => show(context, texts, command, args, await next(command, args)),
  };
  client = new LanguageClient(
    "nasdsl",
    "nasdsl",
    serverOptions(settings.get("path")),
    clientOptions(settings.get("network"), middleware),
  );
  try {
    await client.start();
  } catch (error) {
    const said = `${settings.get("path")} lsp does not start: ${error.message}. Install nasdsl with the extra lsp, or set nasdsl.path.`;
    vscode.window.showErrorMessage(said);
  }
}

// What a command of the server has returned.
async function show(context, texts, command, args, result) {
  if (result?.error) vscode.window.showWarningMessage(result.error);
  else if (command === "nasdsl.render") await preview(context, vscode.Uri.parse(args[0]));
  else if (result?.text) vscode.window.showInformationMessage(result.text);
  else if (result?.markdown) {
    const uri = vscode.Uri.parse(`${scheme}:/${args[0]}.md`);
    texts.set(uri.toString(), result.markdown);
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  }
  return result;
}

// A panel beside the text that is drawn again when the text changes.
async function preview(context, uri = vscode.window.activeTextEditor?.document.uri) {
  if (uri === undefined) return;
  const panel = vscode.window.createWebviewPanel("nasdsl", "Cells", { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, {});
  let timer;
  let last = "";
  const draw = async () => {
    const arguments_ = [client.code2ProtocolConverter.asUri(uri)];
    const found = await client.sendRequest("workspace/executeCommand", { command: "nasdsl.svg", arguments: arguments_ });
    last = found.svg ?? last;
    panel.webview.html = page(last, found.error);
  };
  const followed = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document.languageId !== "cell") return;
    clearTimeout(timer);
    timer = setTimeout(draw, 150);
  });
  panel.onDidDispose(() => {
    clearTimeout(timer);
    followed.dispose();
  });
  context.subscriptions.push(panel);
  await draw();
}

module.exports = { activate, deactivate };
