use super::*;

const EXAMPLE: &str = r#"
[[role]]
name = "editor"
permissions = ["books:read", "books:write"]

[[scope]]
name = "books:write"
description = "Change your books"
requires = ["books:write"]

[[resource]]
identifier = "https://api.example.test/"
scopes = ["books:write"]

[[client]]
client_id = "web"
client_secret = "a secret of thirty-two characters!"
client_name = "Web shop"
redirect_uris = ["https://shop.example.test/callback"]
grant_types = ["authorization_code", "refresh_token"]
token_endpoint_auth_method = "client_secret_basic"
scope = "openid profile books:write"
resource = ["https://api.example.test/"]

[[account]]
username = "alice"
email = "alice@example.test"
email_verified = true
password = "correct horse battery"
roles = ["editor"]
totp_secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
claims = { name = "Alice Example", address = { locality = "Kyiv" } }
"#;

#[test]
fn a_whole_file_is_read() {
    let file = File::parse(EXAMPLE).unwrap();
    let client = &file.clients[0];
    assert_eq!((client.line, client.entry.client.resources.len()), (15, 1));
    assert!(client.entry.client.require_pkce && client.entry.secret.is_some());
    let account = &file.accounts[0].entry;
    assert_eq!(account.claims.as_ref().unwrap()["address"]["locality"], "Kyiv");
    assert!(!format!("{file:?}").contains("correct horse"));
}

#[test]
fn every_field_of_a_client_has_its_key() {
    let client = serde_json::to_value(Client::new("c".into())).unwrap();
    for key in client.as_object().unwrap().keys() {
        assert!(CLIENT_KEYS.contains(&key.as_str()), "{key}");
    }
}

#[test]
fn refusals_name_the_line_and_the_key() {
    for (text, line, says) in [
        (
            "[[role]]\nnam = 'x'",
            2,
            "role.nam: unknown key; did you mean name?",
        ),
        ("[[rolle]]\nname = 'x'", 1, "did you mean role?"),
        ("[role]\nname = 'x'", 1, "must be written [[role]]"),
        ("\n[[role]]\npermissions = []", 2, "missing field `name`"),
        (
            "[[role]]\nname = 'x'\npermissions = 'y'",
            3,
            "role.permissions: invalid type",
        ),
        (
            "[[role]]\nname = 'x'\n[[role]]\nname = 'x'",
            3,
            "already on line 1",
        ),
        ("[[role]]\nname = 'a b'", 2, "role.name: \"a b\""),
        ("[[scope]]\nname = 'openid'", 2, "standard scope"),
        ("[[scope]]\nname = 'a b'", 2, "one scope token"),
        ("[[resource]]\nidentifier = 'api'", 2, "absolute URI"),
        (
            "[[client]]\nclient_id = 'c'",
            1,
            "needs at least one of redirect_uris",
        ),
        (
            "[[client]]\nclient_id = 'c'\nredirect_uris = [\n'http://x.test/']",
            3,
            "must use https",
        ),
        (
            "[[client]]\nclient_id = 'c'\ngrant_type = []",
            3,
            "did you mean grant_types?",
        ),
        (
            "[[client]]\nclient_id = 'c'\ngrant_types = ['implicit']",
            3,
            "client.grant_types: unknown variant",
        ),
        (
            "[[client]]\nclient_id = 'c'\nclient_secret = 'x'\nclient_secret_file = 'y'",
            4,
            "write one of them",
        ),
        (
            "[[client]]\nclient_id = 'c'\ngrant_types = []\ntoken_endpoint_auth_method = 'none'\nclient_secret = 'x'",
            5,
            "has no secret",
        ),
        (
            "[[client]]\nclient_id = 'c'\ngrant_types = []\ntoken_endpoint_auth_method = 'client_secret_jwt'\nclient_secret = 'x'",
            5,
            "at least 32",
        ),
        (
            "[[client]]\nclient_id = 'c'\ndefault_max_age = 2020-01-01",
            3,
            "is a date",
        ),
        ("[[account]]\nemail = 'a@b.test'", 1, "username is missing"),
        ("[[account]]\nusername = 'a'\npassword = 'short'", 3, "at least 8"),
        (
            "[[account]]\nusername = 'a'\npassword = 12345678",
            3,
            "account.password: must be a text in quotes",
        ),
        (
            "[[account]]\nusername = 'a'\npassword_hash = '$2b$12$abc'",
            3,
            "must be a hash of Argon2, bcrypt",
        ),
        (
            "[[account]]\nusername = 'a'\nmust_change_password = true",
            3,
            "needs a password",
        ),
        ("[[account]]\nusername = 'a'\nemail = 'a'", 3, "no mail address"),
        (
            "[[account]]\nusername = 'a'\nemail_verified = true",
            3,
            "needs email",
        ),
        (
            "[[account]]\nusername = 'a'\ntotp_secret = 'JBSWY3DPEHPK3PXP'",
            3,
            "16 to 128 bytes",
        ),
        (
            "[[account]]\nusername = 'a'\nclaims = { sub = 'x' }",
            3,
            "set by the server",
        ),
        (
            "[[account]]\nusername = 'a'\n[[account]]\nusername = 'A'",
            3,
            "already on line 1",
        ),
        (
            "[[account]]\nusername = 'a@b.c'\n[[account]]\nusername = 'b'\nemail = 'A@b.c'",
            3,
            "already on line 1",
        ),
        ("[[account]\n", 1, ""),
    ] {
        let error = File::parse(text).unwrap_err();
        assert_eq!(error.line, Some(line), "{text}: {error}");
        assert!(error.problem.contains(says), "{text}: {error}");
        assert!(!error.to_string().contains("short'"), "{error}");
    }
}
