// Who and what the server knows: one set of people for each journey, so that none meets another's traces.
export const PASSWORD = "correct horse battery staple";
export const TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

const KINDS = {
  sign_in: {},
  password: {},
  account: {},
  factors: {},
  markup: {},
  console: { roles: ["super_admin"] },
  helped: {},
};
const NUMBERS = 6;

export function person(kind, number) {
  return { username: `${kind}-${number}`, email: `${kind}-${number}@example.test`, password: PASSWORD };
}

export function data() {
  const people = Object.entries(KINDS).flatMap(([kind, { roles = [] }]) =>
    Array.from({ length: NUMBERS }, (_, number) => {
      const { username, email, password } = person(kind, number);
      return `
[[account]]
username = "${username}"
email = "${email}"
email_verified = true
password = "${password}"
roles = ${JSON.stringify(roles)}
claims = { name = "Alice Example", given_name = "Alice", family_name = "Example" }
`;
    }),
  );
  return CLIENTS + people.join("");
}

const CLIENTS = `
[[scope]]
name = "books:read"
description = "See your books"

[[client]]
client_id = "web"
client_secret = "web-secret-of-more-than-32-characters"
client_name = "Web shop"
redirect_uris = ["RP/cb"]
post_logout_redirect_uris = ["RP/out"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile email offline_access books:read"

[[client]]
client_id = "third"
client_secret = "third-secret-of-more-than-32-characters"
client_name = "Third <b>party</b> of a rather long name"
client_uri = "https://third.example/"
policy_uri = "https://third.example/policy"
tos_uri = "https://third.example/tos"
redirect_uris = ["RP/cb"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile email offline_access books:read"
require_consent = true
`;
