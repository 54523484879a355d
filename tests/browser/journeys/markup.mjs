// What strangers put into addresses and names is text on every page, never markup.
import { person } from "../data.mjs";

const MARKUP = `"'><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>`;

export async function walk({ visitor, house, number }) {
  const { username, password } = person("markup", number);
  const harmless = async (name) => {
    const found = await visitor.page.evaluate(() => {
      const foreign = [...document.querySelectorAll("script, img, svg, iframe, object, embed, base")];
      const ours = (address) => !address || new URL(address, location.href).pathname.startsWith("/assets/");
      return foreign.filter((element) => !ours(element.getAttribute("src"))).map((element) => element.outerHTML);
    });
    if (found.length > 0) throw new Error(`${name}: ${found.join(" ")}`);
    visitor.listen(`markup in ${name}`);
  };
  const parameters = [
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
    "ui_locales", "login_hint", "acr_values", "display", "claims", "resource", "request", "request_uri",
    "code_challenge", "code_challenge_method", "error", "error_description", "unknown",
  ];
  for (const name of parameters) {
    await visitor.step(`markup in ${name} is text`, async () => {
      await visitor.open(house.authorize({ [name]: MARKUP }));
      await harmless(name);
    });
  }
  const paths = ["/login?i=", "/mfa?i=", "/consent?i=", "/enrol?i=", "/password?i=", "/setup?token=", "/sign-up?i=", "/sign-up?invite=",
    "/sign-up/confirm?t=", "/forgot?i=", "/reset?t=", "/device?user_code=", "/logout?client_id=", "/logout?state=",
    "/logout?post_logout_redirect_uri=", "/logout?id_token_hint=", "/account?notice=", "/account/email/confirm?t=",
    "/account/email/undo?t=", "/?next=", "/nowhere/"];
  for (const path of paths) {
    await visitor.step(`markup behind ${path} is text`, async () => {
      await visitor.open(`${house.issuer}${path}${encodeURIComponent(MARKUP)}`);
      await harmless(path.replaceAll(/\W+/g, "-"));
    });
  }
  await visitor.step("markup typed into the sign-in form is text", async () => {
    await visitor.open(house.authorize());
    await visitor.send({ username: MARKUP, password: MARKUP });
    await visitor.sees("#form-error");
    await harmless("typed");
  });
  await visitor.step("markup in the state comes back as it was sent", async () => {
    await visitor.open(house.authorize({ state: MARKUP, response_mode: "query" }));
    await visitor.send({ username, password });
    await visitor.returns("code=");
    const state = new URL(visitor.page.url()).searchParams.get("state");
    if (state !== MARKUP) throw new Error(state);
  });
  await visitor.step("markup in the state of a form_post is text", async () => {
    await visitor.open(house.authorize({ state: MARKUP, response_mode: "form_post" }));
    await visitor.page.waitForURL((url) => url.pathname === "/cb");
    await harmless("form-post");
  });
  await visitor.step("a frame shows none of the pages", async () => {
    await visitor.open(`${house.client}/frame`);
    const shown = await visitor.page.evaluate(async (address) => {
      const frame = document.createElement("iframe");
      frame.src = address;
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      document.body.append(frame);
      await loaded;
      return frame.contentDocument !== null;
    }, house.authorize());
    visitor.complaints.length = 0;
    if (shown) throw new Error("the frame can be read");
    for (const frame of visitor.page.frames().slice(1)) {
      if (await frame.$("[name=password]")) throw new Error("the frame shows the sign-in page");
    }
  });
}
