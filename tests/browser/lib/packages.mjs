// The installed packages; they live outside the source tree.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const work = process.env.CHANCERY_BROWSER_WORK;
const require = createRequire(join(work, "package.json"));

export const { chromium } = require("playwright-core");
export const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
