// A new person: sign-up, the link in the mail, the first sign-in.
const PASSWORD = "seventeen purple teapots dance";

export async function walk({ visitor, house, number }) {
  const username = `newcomer-${number}`;
  const email = `${username}@example.test`;
  await visitor.step("the sign-in page leads to the sign-up page", async () => {
    await visitor.open(house.authorize());
    await visitor.look("sign-in");
    await visitor.press("#sign-up");
    await visitor.sees("[name=email]");
    await visitor.look("sign-up");
  });
  await visitor.step("a weak password is refused, and what else was typed stays", async () => {
    await visitor.send({ username, email, name: "New Comer", password: "passwordpassword" });
    await visitor.sees("#form-error");
    if ((await visitor.page.inputValue("[name=username]")) !== username) throw new Error("the user name is lost");
    await visitor.look("sign-up-refused");
  });
  await visitor.step("a good registration points to the mailbox", async () => {
    await visitor.send({ username, email, name: "New Comer", password: PASSWORD });
    await visitor.sees("[id^=notice-]");
    await visitor.look("sign-up-mailed");
  });
  await visitor.step("the link in the mail makes the account", async () => {
    await visitor.open(await house.mailedLink(email, "/sign-up/confirm"));
    await visitor.sees("#sign-up-confirm");
    await visitor.look("sign-up-confirm");
    await visitor.press("#sign-up-confirm");
    await visitor.sees("main h1");
    await visitor.look("sign-up-done");
  });
  await visitor.step("the new person signs in", async () => {
    await visitor.open(house.authorize());
    await visitor.send({ username, password: PASSWORD });
    await visitor.returns("code=", "state=the+state");
  });
}
