// Every journey, on a phone and on a desk, in light and in dark.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { House } from "./lib/house.mjs";
import { chromium } from "./lib/packages.mjs";
import { Report } from "./lib/report.mjs";
import { Visitor, pictures } from "./lib/visitor.mjs";
import { data } from "./data.mjs";
import * as account from "./journeys/account.mjs";
import * as branding from "./journeys/branding.mjs";
import * as adminConsole from "./journeys/console.mjs";
import * as factors from "./journeys/factors.mjs";
import * as markup from "./journeys/markup.mjs";
import * as password from "./journeys/password.mjs";
import * as registration from "./journeys/registration.mjs";
import * as signIn from "./journeys/sign_in.mjs";

const WITH_SCRIPTS = [
  { size: "desktop", scheme: "light" },
  { size: "phone", scheme: "dark" },
  { size: "desktop", scheme: "dark" },
  { size: "phone", scheme: "light" },
];
const WITHOUT = { size: "desktop", scheme: "light", scripts: false };
const GERMAN = { size: "phone", scheme: "light", locale: "de-DE" };
const ONCE = { size: "desktop", scheme: "light" };

const JOURNEYS = [
  ["registration", registration, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["sign_in", signIn, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["password", password, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["account", account, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["factors", factors, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["console", adminConsole, [...WITH_SCRIPTS, WITHOUT, GERMAN]],
  ["markup", markup, [ONCE]],
  ["branding", branding, [...WITH_SCRIPTS, GERMAN]],
];

async function walk({ name, journey, number, setting }) {
  await report.journey(name, async () => {
    const visitor = await Visitor.arrive(browser, report, setting);
    try {
      await journey.walk({ visitor, house, number, browser, report, setting });
    } finally {
      await visitor.leave();
    }
  });
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const started = Date.now();
const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "chancery-chromium."));
rmSync(pictures, { recursive: true, force: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
});
let house;
try {
  house = await House.open({ data: data() });
  const wanted = JOURNEYS.filter(([name]) => name.includes(process.argv[2] ?? ""));
  const walks = wanted.flatMap(([name, journey, settings]) =>
    [...settings.entries()].map(([number, setting]) => ({ name, journey, number, setting })),
  );
  // Two at a time: while one waits for the server, the other draws.
  const walker = async () => {
    for (let next = walks.shift(); next; next = walks.shift()) await walk(next);
  };
  await Promise.all([walker(), walker()]);
  const complaints = house.log.split("\n").filter((line) => line.includes("ERROR"));
  report.page("the log of the server", house.issuer, complaints);
} catch (error) {
  report.page("the tests", "", [error.stack]);
} finally {
  await house?.close();
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(report.end(Math.round((Date.now() - started) / 1000)));
