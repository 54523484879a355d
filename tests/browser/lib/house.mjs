// A server with a database, a mailbox and a relying party of its own.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.CHANCERY_BINARY;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Tries until there is something, for ten seconds. */
export async function eventually(what, find) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await find();
    if (found) return found;
    await pause(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true) || socket.destroy());
    socket.on("error", () => resolve(false));
  });
}

export class House {
  /** Starts one. `data` is a declarative file with RP in place of the relying party's origin. */
  static async open({ settings = "", data, files = {} }) {
    const house = new House();
    house.folder = mkdtempSync(join(tmpdir(), "chancery-browser."));
    const port = await freePort();
    house.issuer = `http://localhost:${port}`;
    await house.#openRelyingParty();
    for (const [name, content] of Object.entries(files)) writeFileSync(join(house.folder, name), content);
    const config = join(house.folder, "chancery.toml");
    writeFileSync(config, house.#config(port, settings));
    const file = join(house.folder, "data.toml");
    writeFileSync(file, data.replaceAll("RP", house.client));
    const applied = spawnSync(binary, ["--config", config, "apply", file], { encoding: "utf8" });
    if (applied.status !== 0) throw new Error(`apply: ${applied.stderr}`);
    house.log = "";
    house.server = spawn(binary, ["--config", config, "serve"], { stdio: ["ignore", "pipe", "pipe"] });
    // However the tests end, the server does not stay behind.
    process.on("exit", () => house.server.kill("SIGKILL"));
    for (const stream of [house.server.stdout, house.server.stderr]) {
      stream.on("data", (text) => (house.log += text));
    }
    await eventually("the server", () => answers(port));
    return house;
  }

  #config(port, settings) {
    return `
[server]
issuer = "${this.issuer}"
listen = "127.0.0.1:${port}"
[database]
url = "sqlite:${this.folder}/test.db"
[keys]
master_key_file = "${this.folder}/master.key"
[mail]
folder = "${this.folder}/mail"
[accounts]
registration = "open"
[rate_limits]
sign_in_per_address = "10000/1m"
register_per_address = "10000/1m"
mail_per_address = "10000/1m"
[log]
level = "warn"
${settings.replaceAll("FOLDER", this.folder)}`;
  }

  /** A page that shows what came back, as an app would be sent it. */
  async #openRelyingParty() {
    this.relyingParty = createServer((request, answer) => {
      answer.setHeader("content-type", "text/html; charset=utf-8");
      answer.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>App</title><h1>The app</h1></html>');
    });
    await new Promise((resolve) => this.relyingParty.listen(0, "127.0.0.1", resolve));
    this.client = `http://127.0.0.1:${this.relyingParty.address().port}`;
  }

  /** The address of a good authorization request, with changes; null takes a parameter out. */
  authorize(changes = {}) {
    const parameters = {
      client_id: "web",
      redirect_uri: `${this.client}/cb`,
      response_type: "code",
      scope: "openid profile email",
      state: "the state",
      nonce: "the-nonce",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
      ...changes,
    };
    for (const name of Object.keys(parameters)) if (parameters[name] === null) delete parameters[name];
    return `${this.issuer}/authorize?${new URLSearchParams(parameters)}`;
  }

  /** The newest mail to an address whose text holds a link to `path`; gives the link. */
  mailedLink(address, path) {
    return eventually(`a mail to ${address} with ${path}`, () => {
      const links = this.mails()
        .filter((mail) => mail.headers.toLowerCase().includes(`to: ${address.toLowerCase()}`))
        .flatMap((mail) => mail.text.match(/https?:\/\/\S+/g) ?? [])
        .filter((link) => link.startsWith(`${this.issuer}${path}`));
      return links.at(-1);
    });
  }

  mails() {
    const folder = join(this.folder, "mail");
    const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.name.endsWith(".eml"));
    return names
      .map((entry) => entry.name)
      .sort()
      .map((name) => parseMail(readFileSync(join(folder, name), "utf8")));
  }

  async close() {
    this.relyingParty.close();
    const ended = new Promise((resolve) => this.server.on("exit", resolve));
    this.server.kill("SIGTERM");
    await Promise.race([ended, pause(3000).then(() => this.server.kill("SIGKILL"))]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function parseMail(source) {
  const [headers, ...rest] = source.split("\r\n\r\n");
  const folded = headers.replaceAll(/\r\n[ \t]+/g, " ");
  const boundary = /boundary="([^"]+)"/.exec(folded)?.[1];
  const parts = rest.join("\r\n\r\n").split(`--${boundary}`);
  const plain = parts.find((part) => /content-type: text\/plain/i.test(part)) ?? "";
  const [head, ...body] = plain.trimStart().split("\r\n\r\n");
  return { headers: folded, text: decode(head, body.join("\r\n\r\n")) };
}

function decode(head, body) {
  if (/base64/i.test(head)) return Buffer.from(body, "base64").toString("utf8");
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body
    .replaceAll(/=\r\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
