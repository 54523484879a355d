// The pages on which people look after their account.
import { person } from "../data.mjs";
import { Visitor } from "../lib/visitor.mjs";

const NEW = "thirty brown kettles whistle";

export async function walk({ visitor, house, number, browser, report, setting }) {
  const { username, email, password } = person("account", number);
  const other = await Visitor.arrive(browser, report, setting);
  await visitor.step("a second browser is signed in", async () => {
    await other.open(house.authorize({ client_id: "third" }));
    await other.send({ username, password });
    await other.press("#consent-approve");
    await other.returns("code=");
  });
  await visitor.step("the account asks for a sign-in first", async () => {
    await visitor.open(`${house.issuer}/account`);
    await visitor.send({ username, password });
    await visitor.sees(".account-nav");
    await visitor.look("account-profile");
  });
  await visitor.step("the profile is kept", async () => {
    await visitor.send({ given_name: "Alicia" }, "#profile button[type=submit]");
    await visitor.sees("#notice");
    if ((await visitor.page.inputValue("[name=given_name]")) !== "Alicia") throw new Error("the name is lost");
    await visitor.look("account-profile-saved");
  });
  await visitor.step("a new address waits for both mailboxes", async () => {
    const address = `moved-${email}`;
    await visitor.press("#change-email");
    await visitor.look("account-email");
    await visitor.send({ email: address });
    await visitor.sees("#notice");
    for (const mailbox of [address, email]) {
      await visitor.open(await house.mailedLink(mailbox, "/account/email/confirm"));
      await visitor.sees("#email-link-go");
      await visitor.look("account-email-link");
      await visitor.press("#email-link-go");
      await visitor.sees("[id^=email-link-]");
      await visitor.look(mailbox === email ? "account-email-changed" : "account-email-waiting");
    }
    await visitor.open(`${house.issuer}/account`);
    if ((await visitor.text("#email")) !== address) throw new Error(await visitor.text("#email"));
  });
  await visitor.step("the sessions are listed and one is ended", async () => {
    await visitor.open(`${house.issuer}/account/sessions`);
    await visitor.look("account-sessions");
    await visitor.press("#sessions .rows form button");
    await visitor.sees("#notice");
    await visitor.look("account-sessions-ended");
    await other.open(`${house.issuer}/account`);
    await other.sees("[name=password]");
  });
  await visitor.step("an app is listed and withdrawn", async () => {
    await visitor.open(`${house.issuer}/account/apps`);
    await visitor.look("account-apps");
    await visitor.press("#apps form button");
    await visitor.sees("#notice");
    await visitor.look("account-apps-none");
  });
  await visitor.step("the password is changed", async () => {
    await visitor.open(`${house.issuer}/account/password`);
    await visitor.look("account-password");
    await visitor.send({ current_password: password, new_password: NEW }, "main form button.primary");
    await visitor.sees("#notice");
    await visitor.look("account-password-changed");
  });
  await visitor.step("the account is left", async () => {
    await visitor.press("#sign-out");
    await visitor.press("#logout-confirm");
    await visitor.sees("#logged-out");
  });
  await other.leave();
}
