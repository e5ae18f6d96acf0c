// The options of the VS Code client against the real server: a session, printed as JSON.
// Argument: the program `nasdsl`. Standard input: the text of a genotype.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import protocol from "vscode-languageserver-protocol/node";
import shared from "../vscode/shared.js";

const { createProtocolConnection, StreamMessageReader, StreamMessageWriter } = protocol;
const options = shared.clientOptions({ N: 6, filters: 4032, stem: "imagenet" });
const { command, args } = shared.serverOptions(process.argv[2]);
const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const connection = createProtocolConnection(
  new StreamMessageReader(server.stdout),
  new StreamMessageWriter(server.stdin),
);
connection.listen();

const uri = "untitled:Untitled-1";
const text = readFileSync(0, "utf-8");
const textDocument = { uri };
const { capabilities } = await connection.sendRequest("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: { textDocument: { diagnostic: {} } },
  initializationOptions: options.initializationOptions,
});
await connection.sendNotification("initialized", {});
await connection.sendNotification("textDocument/didOpen", {
  textDocument: { uri, languageId: options.documentSelector[0].language, version: 1, text },
});
const ask = (method, more = {}) => connection.sendRequest(method, { textDocument, ...more });
const run = (command) =>
  connection.sendRequest("workspace/executeCommand", { command, arguments: [uri] });
const svg = await run("nasdsl.svg");
const session = {
  commands: capabilities.executeCommandProvider.commands,
  findings: (await ask("textDocument/diagnostic")).items,
  lenses: await ask("textDocument/codeLens"),
  page: shared.page(svg.svg ?? "", svg.error),
};
await connection.sendRequest("shutdown");
await connection.sendNotification("exit");
const code = await new Promise((resolve) => server.on("exit", resolve));
console.log(JSON.stringify({ ...session, code }));
