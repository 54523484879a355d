//! `/admin/clients/connect`: how an app is connected, as programs that hold its values already.

use protocol::client::{Client, ClientAuthMethod, GrantType};
use url::form_urlencoded;

use crate::pages::{ConnectView, Snippet};

/// The page for a client.
pub(super) fn view(issuer: &str, client: &Client) -> ConnectView {
    let at = |path: &str| format!("{issuer}{path}");
    ConnectView {
        client_id: client.client_id.0.clone(),
        name: client.display_name().to_owned(),
        auth_method: client.token_endpoint_auth_method.as_str(),
        has_secret: client.token_endpoint_auth_method.has_secret(),
        scope: client.scope.to_string(),
        redirect_uris: client.redirect_uris.clone(),
        issuer: issuer.to_owned(),
        endpoints: vec![
            ("discovery", at("/.well-known/openid-configuration")),
            ("authorization_endpoint", at("/authorize")),
            ("token_endpoint", at("/token")),
            ("userinfo_endpoint", at("/userinfo")),
            ("jwks_uri", at("/jwks.json")),
            ("introspection_endpoint", at("/introspect")),
            ("revocation_endpoint", at("/revoke")),
            ("end_session_endpoint", at("/logout")),
        ],
        snippets: snippets(issuer, client),
    }
}

/// The programs that fit how the client gets tokens and how it proves who it is.
fn snippets(issuer: &str, client: &Client) -> Vec<Snippet> {
    use ClientAuthMethod::{ClientSecretJwt, PrivateKeyJwt};
    let method = client.token_endpoint_auth_method;
    let signs = matches!(method, ClientSecretJwt | PrivateKeyJwt);
    let texts = if client.grant_types.contains(&GrantType::AuthorizationCode) {
        [
            include_str!("connect/node.txt"),
            include_str!("connect/python.txt"),
            include_str!("connect/rust.txt"),
            include_str!("connect/curl.txt"),
        ]
    } else if client.grant_types.contains(&GrantType::ClientCredentials) {
        [
            include_str!("connect/node-machine.txt"),
            include_str!("connect/python-machine.txt"),
            include_str!("connect/rust-machine.txt"),
            include_str!("connect/curl-machine.txt"),
        ]
    } else {
        return Vec::new();
    };
    let [node_text, python_text, rust_text, curl_text] = texts;
    let snippet = |name, title, code| Snippet { name, title, code };
    let mut snippets = vec![snippet(
        "node",
        "Node.js · openid-client",
        node(issuer, client, node_text),
    )];
    // The others would need programs of their own to sign an assertion.
    if !signs {
        snippets.push(snippet(
            "python",
            "Python · Authlib",
            python(issuer, client, python_text),
        ));
        snippets.push(snippet(
            "rust",
            "Rust · openidconnect",
            rust(issuer, client, rust_text),
        ));
        snippets.push(snippet("curl", "curl", curl(issuer, client, curl_text)));
    }
    snippets
}

fn node(issuer: &str, client: &Client, text: &str) -> String {
    let secret = "process.env.CLIENT_SECRET";
    let auth = match client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretBasic => format!("client.ClientSecretBasic({secret})"),
        ClientAuthMethod::ClientSecretPost => format!("client.ClientSecretPost({secret})"),
        ClientAuthMethod::ClientSecretJwt => format!("client.ClientSecretJwt({secret})"),
        ClientAuthMethod::PrivateKeyJwt => "client.PrivateKeyJwt(await yourPrivateCryptoKey())".to_owned(),
        ClientAuthMethod::None => "client.None()".to_owned(),
    };
    let options = if issuer.starts_with("http:") {
        "{ execute: [client.allowInsecureRequests] }"
    } else {
        "{}"
    };
    let values = [("AUTH", auth), ("OPTIONS", options.to_owned())];
    filled(text, values, common(issuer, client, &json))
}

fn python(issuer: &str, client: &Client, text: &str) -> String {
    let method = client.token_endpoint_auth_method;
    let secret = if method.has_secret() {
        "os.environ[\"CLIENT_SECRET\"]"
    } else {
        "None"
    };
    let insecure = if issuer.starts_with("http:") {
        "\nos.environ[\"AUTHLIB_INSECURE_TRANSPORT\"] = \"1\"  # the issuer is not https\n"
    } else {
        ""
    };
    let values = [
        ("SECRET", secret.to_owned()),
        ("METHOD", json(method.as_str())),
        ("INSECURE", insecure.to_owned()),
        ("AUTHORIZE", json(&format!("{issuer}/authorize"))),
        ("TOKEN", json(&format!("{issuer}/token"))),
        ("USERINFO", json(&format!("{issuer}/userinfo"))),
    ];
    filled(text, values, common(issuer, client, &json))
}

fn rust(issuer: &str, client: &Client, text: &str) -> String {
    let quoted = |text: &str| format!("{text:?}");
    let method = client.token_endpoint_auth_method;
    let secret = if method.has_secret() {
        "Some(ClientSecret::new(std::env::var(\"CLIENT_SECRET\")?))"
    } else {
        "None"
    };
    let kind = match method {
        ClientAuthMethod::ClientSecretPost => "RequestBody",
        _ => "BasicAuth",
    };
    // The library asks for `openid` by itself.
    let scopes = client.scope.iter().filter(|scope| *scope != "openid").map(quoted);
    let values = [
        ("SECRET", secret.to_owned()),
        ("TYPE", kind.to_owned()),
        ("SCOPES", scopes.collect::<Vec<_>>().join(", ")),
    ];
    let code = filled(text, values, common(issuer, client, &quoted));
    // An array of nothing has no type.
    code.replace(
        "[].map(|scope| Scope::new(String::from(scope)))",
        "Vec::<Scope>::new()",
    )
}

fn curl(issuer: &str, client: &Client, text: &str) -> String {
    let id = client.client_id.as_str();
    let auth = match client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretBasic => format!("--user {}:\"$CLIENT_SECRET\"", shell(&encoded(id))),
        ClientAuthMethod::ClientSecretPost => format!(
            "--data-urlencode client_id={} --data-urlencode \"client_secret=$CLIENT_SECRET\"",
            shell(id)
        ),
        _ => format!("--data-urlencode client_id={}", shell(id)),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("response_type", "code");
    query.append_pair("client_id", id);
    query.append_pair("redirect_uri", redirect(client));
    query.append_pair("scope", &client.scope.to_string());
    let values = [
        ("AUTH", auth),
        (
            "AUTHORIZE",
            shell(&format!("{issuer}/authorize?{}", query.finish())),
        ),
        ("TOKEN", shell(&format!("{issuer}/token"))),
    ];
    filled(text, values, common(issuer, client, &shell))
}

fn redirect(client: &Client) -> &str {
    client.redirect_uris.first().map_or("", String::as_str)
}

/// What each language writes in its own quotes.
fn common(issuer: &str, client: &Client, quote: &impl Fn(&str) -> String) -> [(&'static str, String); 4] {
    [
        ("ISSUER", quote(issuer)),
        ("CLIENT_ID", quote(client.client_id.as_str())),
        ("REDIRECT", quote(redirect(client))),
        ("SCOPE", quote(&client.scope.to_string())),
    ]
}

/// Puts values in their places, in one pass: what one holds is never taken for the place of another.
fn filled<const N: usize, const M: usize>(
    text: &str,
    own: [(&'static str, String); N],
    common: [(&'static str, String); M],
) -> String {
    let mut code = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        code.push_str(before);
        let place = after.split_once('>').and_then(|(name, behind)| {
            let mut values = own.iter().chain(&common);
            let (_, value) = values.find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match place {
            Some((value, behind)) => {
                code.push_str(value);
                rest = behind;
            }
            None => {
                code.push('<');
                rest = after;
            }
        }
    }
    code.push_str(rest);
    code
}

/// A text in the quotes of JSON, which JavaScript and Python share.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text that a shell takes as it is.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(changes: serde_json::Value) -> Client {
        let mut json = serde_json::json!({
            "client_id": "shop", "redirect_uris": ["https://shop.example/cb"], "scope": "openid books:read",
        });
        for (name, value) in changes.as_object().unwrap() {
            json[name] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    fn code(client: &Client, name: &str) -> String {
        let snippets = snippets("https://id.example", client);
        snippets
            .into_iter()
            .find(|snippet| snippet.name == name)
            .unwrap()
            .code
    }

    #[test]
    fn programs_hold_the_values_of_the_client() {
        let web = client(serde_json::json!({}));
        for (name, parts) in [
            (
                "node",
                [
                    "new URL(\"https://id.example\"),\n  \"shop\",",
                    "client.ClientSecretBasic(",
                ],
            ),
            (
                "python",
                ["\"https://id.example/token\"", "\"client_secret_basic\""],
            ),
            ("rust", ["[\"books:read\"]", "AuthType::BasicAuth"]),
            (
                "curl",
                [
                    "--user 'shop':\"$CLIENT_SECRET\"",
                    "redirect_uri='https://shop.example/cb'",
                ],
            ),
        ] {
            let code = code(&web, name);
            for part in parts {
                assert!(code.contains(part), "{name}: {part}: {code}");
            }
        }
    }

    #[test]
    fn no_place_is_left_open() {
        for grant in ["authorization_code", "client_credentials"] {
            for method in ClientAuthMethod::ALL {
                let client = client(serde_json::json!({
                    "grant_types": [grant], "token_endpoint_auth_method": method.as_str(),
                }));
                for issuer in ["https://id.example", "http://localhost:8080"] {
                    for Snippet { name, code, .. } in snippets(issuer, &client) {
                        let open = [
                            "AUTH", "OPTIONS", "SECRET", "SCOPE", "SCOPES", "REDIRECT", "ISSUER", "TYPE",
                        ];
                        for place in open.map(|place| format!("<{place}>")) {
                            assert!(!code.contains(&place), "{name} {}: {code}", method.as_str());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_public_client_is_told_of_no_secret() {
        let public = client(serde_json::json!({"token_endpoint_auth_method": "none"}));
        for Snippet { name, code, .. } in snippets("https://id.example", &public) {
            assert!(!code.contains("CLIENT_SECRET"), "{name}: {code}");
        }
    }

    #[test]
    fn no_value_leaves_its_quotes() {
        let hostile = client(serde_json::json!({
            "client_id": "a'; rm -rf \"~\" #<SECRET>",
            "redirect_uris": ["https://x.example/'$(reboot)'"],
        }));
        assert!(code(&hostile, "node").contains(r##""a'; rm -rf \"~\" #<SECRET>""##));
        assert!(code(&hostile, "python").contains(r##""a'; rm -rf \"~\" #<SECRET>""##));
        assert!(code(&hostile, "curl").contains(r"redirect_uri='https://x.example/'\''$(reboot)'\'''"));
        assert!(code(&hostile, "curl").contains("--user 'a%27%3B+rm+-rf+%22%7E%22+%23%3CSECRET%3E'"));
    }
}
