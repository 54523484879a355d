// A house with its own name, colour, logo, links and language.
import { data, person } from "../data.mjs";
import { House } from "../lib/house.mjs";

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 36" width="120" height="36">
<rect width="36" height="36" rx="8" fill="#e10098"/><circle cx="18" cy="18" r="9" fill="#fff"/>
<rect x="48" y="8" width="72" height="8" rx="4" fill="#333"/><rect x="48" y="22" width="48" height="6" rx="3" fill="#999"/></svg>`;

const SETTINGS = `
[branding]
name = "Northwind"
logo_file = "FOLDER/logo.svg"
accent_color = "#ffb000"
privacy_url = "https://northwind.example/privacy"
terms_url = "https://northwind.example/terms"
support_url = "mailto:help@northwind.example"
`;

export async function walk({ visitor, number }) {
  const house = await House.open({ data: data(), settings: SETTINGS, files: { "logo.svg": LOGO } });
  try {
    await visitor.step("the sign-in page is the house's own", async () => {
      await visitor.open(house.authorize());
      await visitor.sees(".mark .house");
      const drawn = await visitor.page.evaluate(() => document.querySelector(".mark .house").naturalWidth);
      if (drawn !== 120) throw new Error(`the logo is ${drawn} wide`);
      await visitor.look("branding-sign-in");
    });
    await visitor.step("so is the account", async () => {
      const { username, password } = person("account", number);
      await visitor.open(`${house.issuer}/account`);
      await visitor.send({ username, password });
      await visitor.sees(".account-nav");
      await visitor.look("branding-account");
    });
  } finally {
    await house.close();
  }
}
