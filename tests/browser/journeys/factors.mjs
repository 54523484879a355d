// Second factors and passkeys: added, used, used up, removed.
import { person } from "../data.mjs";
import { Authenticator } from "../lib/totp.mjs";

export async function walk({ visitor, house, number }) {
  const { username, password } = person("factors", number);
  const { page } = visitor;
  let app;
  let codes;
  const forget = () => visitor.context.clearCookies();
  const signIn = async () => {
    await forget();
    await visitor.open(house.authorize());
    await visitor.send({ username, password });
  };

  await visitor.step("the security page has no second factor yet", async () => {
    await visitor.open(`${house.issuer}/account/security`);
    await visitor.send({ username, password });
    await visitor.sees("#add-totp");
    await visitor.look("security-empty");
  });
  await visitor.step("an authenticator app is added", async () => {
    await visitor.press("#add-totp");
    await visitor.sees(".qr");
    await visitor.look("totp");
    await visitor.send({ code: "000000" }, "main form button.primary");
    await visitor.sees("#form-error");
    await visitor.look("totp-refused");
    app = new Authenticator(await page.textContent("#totp-secret"));
    await visitor.send({ code: app.code(), name: "My phone" }, "main form button.primary");
    await visitor.sees("#recovery-codes");
    await visitor.look("recovery-codes");
    codes = await page.locator("#recovery-codes code").allTextContents();
    if (codes.length !== 10) throw new Error(`${codes.length} codes`);
  });
  await visitor.step("the recovery codes can be kept as a file", async () => {
    const arrives = page.waitForEvent("download");
    await page.click("#recovery-codes-file");
    const stream = await (await arrives).createReadStream();
    let file = "";
    for await (const chunk of stream) file += chunk;
    if (!codes.every((code) => file.includes(code.trim()))) throw new Error(file);
    await visitor.press("#continue");
    await visitor.sees("#factors");
    await visitor.look("security");
  });
  await visitor.step("the next sign-in asks for the code", async () => {
    await signIn();
    await visitor.sees("[name=code]");
    await visitor.look("second-factor");
    await visitor.send({ code: "000000" });
    await visitor.sees("#form-error");
    await visitor.look("second-factor-refused");
    await visitor.send({ code: app.code() });
    await visitor.returns("code=");
  });
  await visitor.step("a recovery code stands in for the app, once", async () => {
    await signIn();
    await visitor.press("#other-factor");
    await visitor.look("recovery-code");
    await visitor.send({ code: codes[0] });
    await visitor.returns("code=");
    await signIn();
    await visitor.press("#other-factor");
    await visitor.send({ code: codes[0] });
    await visitor.sees("#form-error");
    await visitor.send({ code: codes[1] });
    await visitor.returns("code=");
  });
  if (visitor.scripts) await passkeys({ visitor, house, username, password, forget, signIn });
  await visitor.step("new recovery codes replace the old ones", async () => {
    await visitor.open(`${house.issuer}/account/security`);
    await visitor.press("#make-codes");
    const fresh = await page.locator("#recovery-codes code").allTextContents();
    if (fresh.some((code) => codes.includes(code))) throw new Error("an old code is among them");
    await visitor.press("#continue");
  });
  await visitor.step("a factor is renamed and removed", async () => {
    await visitor.open(`${house.issuer}/account/security`);
    await page.click(".edit summary");
    await page.locator(".edit [name=name]").first().fill("Old phone");
    await visitor.press(".edit button");
    await visitor.sees("#notice");
    await visitor.look("security-renamed");
    await visitor.press("#factors .rows form[action$=remove] button");
    await visitor.sees("#notice");
    await visitor.look("security-removed");
  });
}

async function passkeys({ visitor, house, username, forget, signIn }) {
  const { page } = visitor;
  const devtools = await visitor.context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      // Otherwise the browser would take up the sign-in page's silent offer by itself.
      automaticPresenceSimulation: false,
    },
  });
  const touching = async (work) => {
    await devtools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: true });
    const result = await work();
    await devtools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: false });
    return result;
  };

  await visitor.step("a passkey is added", async () => {
    await visitor.open(`${house.issuer}/account/security`);
    await visitor.sees("#passkey-button");
    await page.fill("#passkey-name", "My laptop");
    await touching(() => visitor.press("#passkey-button"));
    await visitor.open(`${house.issuer}/account/security`);
    if (!(await page.textContent("#factors")).includes("My laptop")) throw new Error("it is not listed");
    await visitor.look("security-passkey");
  });
  await visitor.step("the passkey alone signs in", async () => {
    await forget();
    await visitor.open(house.authorize());
    await visitor.look("sign-in-passkey");
    await touching(async () => {
      await page.click("#passkey-button");
      await visitor.returns("code=");
    });
  });
  await visitor.step("the passkey is offered among the names", async () => {
    await forget();
    await touching(async () => {
      await visitor.open(house.authorize());
      await visitor.returns("code=");
    });
  });
  await visitor.step("the passkey is the second factor", async () => {
    await signIn();
    await visitor.sees("#passkey-button");
    await visitor.look("second-factor-passkey");
    await touching(async () => {
      await page.click("#passkey-button");
      await visitor.returns("code=");
    });
  });
  await visitor.step("a passkey that is not touched fails in words", async () => {
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await forget();
    await visitor.open(house.authorize());
    await touching(async () => {
      await page.click("#passkey-button");
      await visitor.sees("#passkey-error");
    });
    await visitor.look("sign-in-passkey-refused");
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await touching(async () => {
      await page.click("#passkey-button");
      await visitor.returns("code=");
    });
  });
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}
