// A forgotten password: the mail, the link, the new one.
import { person } from "../data.mjs";

const NEW = "forty-two green lanterns float";

export async function walk({ visitor, house, number }) {
  const { username, email } = person("password", number);
  await visitor.step("a link to a new password is asked for", async () => {
    await visitor.open(house.authorize());
    await visitor.press("#forgot");
    await visitor.look("forgot");
    await visitor.send({ username });
    await visitor.sees("[id^=notice-]");
    await visitor.look("forgot-mailed");
  });
  await visitor.step("the link in the mail sets it", async () => {
    await visitor.open(await house.mailedLink(email, "/reset"));
    await visitor.look("reset");
    await visitor.send({ password: NEW });
    await visitor.sees("main h1");
    await visitor.look("reset-done");
  });
  await visitor.step("the new password signs in", async () => {
    await visitor.open(house.authorize());
    await visitor.send({ username, password: NEW });
    await visitor.returns("code=");
  });
  await visitor.step("a link that was used says so", async () => {
    await visitor.open(await house.mailedLink(email, "/reset"));
    await visitor.sees("main h1");
    await visitor.look("reset-used");
  });
}
