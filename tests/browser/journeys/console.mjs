// An administrator at the console: looks around, helps somebody, and connects an app.
import { person } from "../data.mjs";

export async function walk({ visitor, house, number }) {
  const { username, password } = person("console", number);
  const helped = person("helped", number).username;
  const { page } = visitor;
  const open = (path) => visitor.open(`${house.issuer}/admin${path}`);
  const told = async () => visitor.sees("#notice");
  let refused;

  await visitor.step("a request is refused, and shows its number", async () => {
    await visitor.open(house.authorize({ redirect_uri: "https://evil.example/cb" }));
    refused = await visitor.text("#request-id");
  });
  await visitor.step("the console asks for a sign-in and shows the overview", async () => {
    await open("");
    await visitor.send({ username, password });
    await visitor.sees("#overview svg");
    await visitor.look("console-overview");
    await visitor.press("a[href='/admin?range=30d']");
    await page.locator("#overview details summary").first().click();
    await visitor.look("console-overview-30d");
  });
  await visitor.step("a user is found", async () => {
    await visitor.press(".account-nav a[href='/admin/users']");
    await visitor.look("console-users");
    await visitor.send({ q: helped }, ".filters button");
    const rows = await page.locator("tbody tr").count();
    if (rows !== 1) throw new Error(`${rows} rows`);
    await visitor.press("tbody a");
    await visitor.sees("#user");
    await visitor.look("console-user");
  });
  await visitor.step("a role is given for a week and explained", async () => {
    await page.selectOption("#role", "viewer");
    await page.selectOption("#hours", "168");
    await visitor.press("#give-role button");
    await told();
    const why = await page.innerText("#permissions");
    if (!why.includes("accounts:read") || !why.includes("viewer")) throw new Error(why);
    await visitor.look("console-user-role");
  });
  await visitor.step("the diagnosis finds nothing, until the account is disabled", async () => {
    const address = page.url().split("?")[0];
    await visitor.press("#diagnosis");
    await visitor.look("console-user-diagnosis");
    await visitor.open(address);
    await visitor.press("form[action$='/disable'] button");
    await told();
    await visitor.look("console-user-disabled");
    await visitor.press("#diagnosis");
    await visitor.sees("[data-level=problem]");
    await visitor.look("console-user-diagnosis-disabled");
    await visitor.open(address);
    await visitor.press("form[action$='/enable'] button");
    await told();
    await visitor.press("#edit");
    await visitor.look("console-user-edit");
  });
  await visitor.step("an account is made by invitation", async () => {
    await open("/users/new");
    await visitor.look("console-user-new");
    const name = `invited-${number}`;
    await visitor.send({ username: name, email: `${name}@example.test`, name: "Ina Invited" }, "#save");
    await told();
    await visitor.look("console-user-created");
    await house.mailedLink(`${name}@example.test`, "/");
  });
  await visitor.step("an app is registered and its secret shown once", async () => {
    await open("/clients");
    await visitor.look("console-clients");
    await visitor.press("#new");
    await visitor.look("console-client-new");
    const fields = { client_id: `console-${number}`, client_name: "Console <b>app</b>", redirect_uris: "javascript:alert(1)" };
    await visitor.send(fields, "#save");
    await visitor.sees("#form-error");
    await visitor.look("console-client-refused");
    await visitor.send({ redirect_uris: `${house.client}/cb` }, "#save");
    await visitor.sees("#client-secret");
    await visitor.look("console-client-secret");
  });
  await visitor.step("the connect page has programs for the app", async () => {
    await visitor.press("#connect");
    const code = await page.innerText("#snippet-node");
    if (!code.includes(`console-${number}`) || !code.includes(house.issuer)) throw new Error(code);
    await visitor.look("console-connect");
    await open(`/clients/show?id=console-${number}`);
    await visitor.look("console-client");
    await visitor.press("#edit");
    await visitor.look("console-client-edit");
  });
  await visitor.step("a role is made and deleted", async () => {
    await open("/roles");
    await visitor.look("console-roles");
    await visitor.press("#new");
    await visitor.look("console-role-new");
    const name = `keeper-${number}`;
    await page.check("[name=permissions][value='audit:read']");
    await visitor.send({ name, description: "Keeps the books", others: "books:read" }, "#save");
    await told();
    await open(`/roles/edit?name=${name}`);
    await visitor.look("console-role-edit");
    await visitor.send({ confirm: name }, "#delete button");
    await told();
  });
  await visitor.step("scopes, sessions, keys and the audit trail are looked at", async () => {
    for (const part of ["scopes", "sessions", "keys", "audit", "diagnosis"]) {
      await open(`/${part}`);
      await visitor.look(`console-${part}`);
    }
    await open("/audit?kind=account.role_given");
    if ((await page.locator("tbody tr").count()) === 0) throw new Error("the role that was given is not on record");
  });
  await visitor.step("the refused request is found by its number", async () => {
    await open("/requests");
    await visitor.look("console-requests");
    await visitor.send({ id: refused }, ".filters button");
    await visitor.sees("#hint");
    await visitor.look("console-request");
  });
  await visitor.step("what is not there says so in the frame", async () => {
    await open("/roles/edit?name=nothing");
    await visitor.sees("#refused");
    await visitor.look("console-refused");
  });
}
