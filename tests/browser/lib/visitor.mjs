// A person with a browser. Each page they see is looked over: accessibility, layout, console, content policy.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { axeSource, work } from "./packages.mjs";

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
export const pictures = join(work, "pictures");

export class Visitor {
  static async arrive(browser, report, { size = "desktop", scheme = "light", scripts = true, locale = "en-US" } = {}) {
    const visitor = new Visitor();
    visitor.name = [size, scheme, scripts ? "" : "noscript", locale.startsWith("en") ? "" : locale].filter(Boolean).join("-");
    visitor.report = report;
    visitor.scripts = scripts;
    visitor.language = locale.split("-")[0];
    visitor.context = await browser.newContext({
      viewport: SIZES[size],
      colorScheme: scheme,
      javaScriptEnabled: scripts,
      isMobile: size === "phone",
      hasTouch: size === "phone",
      locale,
      reducedMotion: "reduce",
    });
    visitor.page = await visitor.context.newPage();
    visitor.page.setDefaultTimeout(8000);
    visitor.complaints = [];
    visitor.#attend();
    mkdirSync(pictures, { recursive: true });
    return visitor;
  }

  #attend() {
    const { page, complaints } = this;
    page.on("console", (message) => {
      // The browser also reports each page that is a refusal; those are looked at for themselves.
      const refusal = message.text().startsWith("Failed to load resource") && message.location().url === page.url();
      if (["error", "warning"].includes(message.type()) && !refusal) complaints.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("requestfailed", (request) => {
      // Downloads and what a page still loads when it is left end so.
      const reason = request.failure()?.errorText;
      if (reason !== "net::ERR_ABORTED") complaints.push(`request: ${request.url()} ${reason}`);
    });
  }

  async open(address) {
    await this.page.goto(address);
  }

  /** Fills in fields by name and presses the button. */
  async send(fields, button = "main form button[type=submit]") {
    for (const [name, value] of Object.entries(fields)) await this.page.fill(`[name="${name}"]`, value);
    await this.press(button);
  }

  /** Presses a button or link that leads to a page, and waits for the page. */
  async press(selector) {
    await Promise.all([this.page.waitForEvent("framenavigated"), this.page.click(selector)]);
    await this.page.waitForLoadState("load");
  }

  async text(selector) {
    return (await this.page.textContent(selector)).trim();
  }

  /** One sentence about what was done and what must be seen then. */
  step(name, work) {
    return this.report.step(`${name} [${this.name}]`, work);
  }

  async sees(selector) {
    try {
      await this.page.waitForSelector(selector, { state: "visible" });
    } catch {
      const body = await this.page.innerText("main").catch(() => "");
      throw new Error(`no ${selector} at ${this.page.url()}: ${body.slice(0, 300)}`);
    }
  }

  /** The page that the app was sent, with these in its address. */
  async returns(...parts) {
    await this.page.waitForURL((url) => url.hostname === "127.0.0.1");
    for (const part of parts) {
      if (!this.page.url().includes(part)) throw new Error(`no ${part} in ${this.page.url()}`);
    }
  }

  /** Looks the page over and takes a picture of it. */
  async look(name) {
    const { page } = this;
    await page.screenshot({ path: join(pictures, `${name}.${this.name}.png`), fullPage: true });
    const found = this.scripts ? await this.#audit() : [];
    found.push(...this.complaints.splice(0));
    this.report.page(`${name} [${this.name}]`, page.url(), found);
  }

  /** What the browser complained about so far, scripts that ran among it. */
  listen(name) {
    this.report.page(`${name} [${this.name}]`, this.page.url(), this.complaints.splice(0));
  }

  async #audit() {
    // The rules look at elements and colours, not at words: once in English is enough.
    return [...(this.language === "en" ? await this.#violations() : []), ...(await this.#layout())];
  }

  async #violations() {
    const { page } = this;
    await page.evaluate(axeSource);
    return page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ["violations"] });
      return result.violations
        .filter((violation) => ["serious", "critical"].includes(violation.impact))
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
    });
  }

  #layout() {
    return this.page.evaluate((language) => {
      const wrong = [];
      if (document.documentElement.lang !== language) wrong.push(`language: ${document.documentElement.lang}`);
      if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push("layout: the page is wider than the window");
      if (document.querySelectorAll("h1").length !== 1) wrong.push("layout: not exactly one h1");
      for (const element of document.querySelectorAll("button, input:not([type=hidden]), a.button")) {
        const box = element.getBoundingClientRect();
        if (box.width > 0 && box.height < 24) wrong.push(`layout: too small to touch: ${element.outerHTML.slice(0, 120)}`);
      }
      return wrong;
    }, this.language);
  }

  async leave() {
    await this.context.close();
  }
}
