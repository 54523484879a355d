// Signing in to an app: refused, accepted, with consent, and out again.
import { person } from "../data.mjs";

export async function walk({ visitor, house, number }) {
  const { username, password } = person("sign_in", number);
  await visitor.step("the front page", async () => {
    await visitor.open(`${house.issuer}/`);
    await visitor.look("home");
  });
  await visitor.step("a wrong password is refused", async () => {
    await visitor.open(house.authorize({ login_hint: username }));
    await visitor.send({ password: "wrong" });
    await visitor.sees("#form-error");
    await visitor.look("sign-in-refused");
  });
  if (visitor.scripts) {
    await visitor.step("a password can be shown and is hidden when it is sent", async () => {
      await visitor.page.fill("[name=password]", password);
      await visitor.page.click(".reveal");
      if ((await visitor.page.getAttribute("[name=password]", "type")) !== "text") throw new Error("still hidden");
      await visitor.look("sign-in-shown");
      await visitor.page.click(".reveal");
      if ((await visitor.page.getAttribute("[name=password]", "type")) !== "password") throw new Error("still shown");
    });
  }
  await visitor.step("the right password leads back to the app", async () => {
    await visitor.send({ username, password });
    await visitor.returns("code=", "iss=");
  });
  await visitor.step("another app asks for consent", async () => {
    await visitor.open(house.authorize({ client_id: "third", scope: "openid profile email books:read offline_access", prompt: "consent" }));
    await visitor.sees("#consent-approve");
    await visitor.look("consent");
    await visitor.press("#consent-deny");
    await visitor.returns("error=access_denied");
  });
  await visitor.step("consent leads back to the app", async () => {
    await visitor.open(house.authorize({ client_id: "third", scope: "openid profile books:read" }));
    await visitor.press("#consent-approve");
    await visitor.returns("code=");
  });
  await visitor.step("the answer is posted where the app wants it so", async () => {
    await visitor.open(house.authorize({ response_mode: "form_post" }));
    if (!visitor.scripts) await visitor.press("noscript button, main form button");
    await visitor.page.waitForURL((url) => url.pathname === "/cb");
  });
  await visitor.step("an account is chosen", async () => {
    await visitor.open(house.authorize({ prompt: "select_account" }));
    await visitor.sees("#account-continue");
    await visitor.look("select-account");
    await visitor.press("#account-continue");
    await visitor.returns("code=");
  });
  await visitor.step("a request that is wrong ends at a page that says so", async () => {
    await visitor.open(`${house.issuer}/authorize?client_id=nobody`);
    await visitor.sees("#error-code");
    await visitor.look("error");
    await visitor.open(`${house.issuer}/nowhere`);
    await visitor.sees("#error-code");
    await visitor.look("not-found");
  });
  await visitor.step("signing out is asked for and told", async () => {
    await visitor.open(`${house.issuer}/logout`);
    await visitor.sees("#logout-confirm");
    await visitor.look("logout");
    await visitor.press("#logout-confirm");
    await visitor.sees("#logged-out");
    await visitor.look("logged-out");
  });
}
