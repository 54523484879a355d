//! Clients, accounts, keys and tokens at the command line, some of it beside a running server.

use chancery::clock::Clock;
use protocol::time::Lifetime;
use serde_json::Value;

use super::{Machine, SAMPLE};
use crate::support::{Browser, Request, Server, basic};

/// The secrets that the sample holds.
fn secrets() -> Vec<&'static str> {
    let keys = ["client_secret = ", "password = ", "totp_secret = "];
    let values = SAMPLE
        .lines()
        .filter_map(|line| keys.iter().find_map(|key| line.strip_prefix(key)));
    values.map(|value| value.trim_matches('"')).collect()
}

#[tokio::test]
async fn a_client_is_made_shown_changed_and_removed() {
    let machine = Machine::new();
    let made =
        machine.json("client create shop --redirect-uri https://shop.example/cb --scope openid --json");
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 32, "{secret}");
    let listed = machine.json("client list --json");
    assert_eq!(listed[0]["client_id"], "shop");
    assert_eq!(machine.json("client show shop --json")["scope"], "openid");
    assert!(
        machine
            .refusal("client create shop --redirect-uri https://shop.example/cb")
            .contains("exists")
    );
    assert!(
        machine
            .refusal("client create x --redirect-uri http://shop.example/cb#a")
            .contains("redirect")
    );
    machine.ok("client update shop --name Shop");
    assert_eq!(machine.json("client show shop --json")["client_name"], "Shop");
    let rotated = machine.ok("client rotate-secret shop");
    assert!(rotated.contains("cs_") && !rotated.contains(&secret), "{rotated}");
    machine.ok("client disable shop");
    assert_eq!(machine.json("client show shop --json")["disabled"], true);
    machine.ok("client enable shop");
    machine.ok("client delete shop");
    assert!(machine.refusal("client show shop").contains("client list"));
    let kinds = machine.ok("audit list --client shop");
    for kind in [
        "client.created",
        "client.secret_rotated",
        "client.disabled",
        "client.deleted",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds}");
    }
}

#[tokio::test]
async fn an_account_is_made_and_shut_out() {
    let machine = Machine::new();
    machine.ok("role create reader --permission books:read");
    let create = "account create carol --email carol@example.test --role reader --password-stdin";
    assert!(machine.run_with(create, "short\n").err.contains("password"));
    machine.ok_with(create, "violin gravel umbrella\n");
    let carol = machine.json("account show carol --json");
    assert_eq!(carol["has_password"], true);
    assert_eq!(carol["permissions"], serde_json::json!(["books:read"]));
    assert!(machine.refusal("account create CAROL").contains("another"));
    assert!(
        machine
            .refusal("account create d --role no-such")
            .contains("no-such")
    );
    machine.ok("account disable carol");
    let listed = machine.json("account list --json");
    assert_eq!(
        (&listed[0]["username"], &listed[0]["disabled"]),
        (&"carol".into(), &true.into())
    );
    machine.ok("account enable carol@example.test");
    machine.ok_with(
        "account set-password carol --password-stdin",
        "seven green lamps over water\n",
    );
    machine.ok("account delete carol");
    assert_eq!(machine.json("account list --json"), Value::Array(vec![]));
    machine.ok("role delete reader");
    assert!(machine.refusal("role show reader").contains("\"reader\""));
}

#[tokio::test]
async fn accounts_and_clients_changed_beside_a_server_end_what_it_gave() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let tokens = server.tokens(&[]).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let inspected = inspect(&machine, &access);
    assert_eq!(inspected["signature"], "valid");
    assert_eq!(
        (&inspected["expired"], &inspected["revoked"]),
        (&false.into(), &false.into())
    );
    assert_eq!(inspected["claims"]["client_id"], "web");
    let kind = inspect(&machine, &refresh);
    assert_eq!(
        (&kind["kind"], &kind["revoked"]),
        (&"refresh_token".into(), &false.into())
    );
    machine.ok("account disable alice");
    assert_eq!(inspect(&machine, &access)["revoked"], true);
    assert_eq!(inspect(&machine, &refresh)["revoked"], true);
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (400, "invalid_grant".into())
    );
    assert_eq!(server.introspect(&access).await["active"], false);
    let (rest, signature) = access.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = inspect(&machine, &format!("{rest}.{first}{}", &signature[1..]));
    assert!(
        forged["signature"]
            .as_str()
            .unwrap()
            .starts_with("not one of ours"),
        "{forged}"
    );
    let garbage = machine.run_with("token inspect", "no token at all\n");
    assert_eq!(garbage.code, Some(1), "{garbage:?}");
}

#[tokio::test]
async fn what_a_command_does_holds_for_a_running_server_once_it_has_ended() {
    let server = Server::start().await;
    if !server.running.app.store.is_sqlite() {
        // Nodes on PostgreSQL see a changed client within two seconds.
        return;
    }
    let machine = Machine::beside(&server);
    let pairs = [("grant_type", "client_credentials"), ("scope", "books:read")];
    let ask = async || {
        server
            .token_as("m2m", "m2m-secret-of-more-than-32-characters", &pairs)
            .await
    };
    assert_eq!(ask().await.status, 200);
    for _ in 0..3 {
        machine.ok("client disable m2m");
        assert_eq!(ask().await.refusal(), (401, "invalid_client".into()));
        machine.ok("client enable m2m");
        assert_eq!(ask().await.status, 200);
    }
}

fn inspect(machine: &Machine, token: &str) -> Value {
    serde_json::from_str(&machine.ok_with("token inspect --json", &format!("{token}\n"))).unwrap()
}

#[tokio::test]
async fn keys_are_listed_and_rotated() {
    let machine = Machine::new();
    assert!(machine.ok("key rotate --algorithm ES256").contains("es256-2"));
    let keys = machine.json("key list --json");
    for (kid, state) in [
        ("es256-1", "active"),
        ("es256-2", "upcoming"),
        ("rs256-1", "active"),
    ] {
        let mut listed = keys.as_array().unwrap().iter();
        let key = listed.find(|key| key["kid"] == kid).unwrap();
        assert_eq!(key["state"], state, "{key}");
    }
    assert_eq!(machine.run("key rotate --algorithm none").code, Some(2));
    assert!(!machine.ok("key list --json").contains("\"d\""));
    assert!(machine.ok("audit list --kind key.rotated").contains("es256-2"));
}

#[tokio::test]
async fn a_setup_link_leads_to_the_first_administrator() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let link = machine.ok("setup-link");
    let token = link
        .trim()
        .strip_prefix("http://localhost:8080/setup?token=")
        .unwrap();
    assert!(token.len() > 32, "{link}");
    assert_ne!(machine.ok("setup-link"), link);
    assert!(machine.ok("migrate").contains("up to date"));
}

#[tokio::test]
async fn no_listing_shows_a_secret() {
    let machine = Machine::with_sample();
    assert!(secrets().len() > 10);
    for line in [
        "client list --json",
        "client show web --json",
        "client show jwt",
        "account list --json",
        "account show bob --json",
        "role list --json",
        "scope list",
        "key list --json",
        "audit list --json",
        "export",
        "plan sample.toml",
    ] {
        let shown = machine.ok(line);
        for secret in secrets().into_iter().chain(["$argon2", "secret_hash", "sealed"]) {
            assert!(!shown.contains(secret), "{line} shows {secret}");
        }
    }
}

#[tokio::test]
async fn a_client_made_at_the_command_line_gets_tokens() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let create = "client create robot --grant-type client_credentials --scope books:read --json";
    let secret = machine.json(create)["client_secret"].as_str().unwrap().to_owned();
    let request = Request::form("/token", &[("grant_type", "client_credentials")]);
    let answer = server
        .send(request.header("authorization", basic("robot", &secret)))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn sessions_are_listed_shown_and_ended() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    // The command line goes by the clock on the wall.
    let behind = Clock::System.now().since(server.clock.now());
    server.advance(Lifetime::seconds(u32::try_from(behind).unwrap_or_default()));
    let mut browsers = Vec::new();
    for _ in 0..3 {
        let mut browser = Browser::new(&server);
        let page = browser
            .sign_in("/account", "alice", "correct horse battery staple")
            .await;
        assert!(page.body.contains("account-nav"), "{}", page.body);
        browsers.push(browser);
    }
    let listed = machine.json("session list --account alice --json");
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(
        machine
            .json("session list --account bob --json")
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let id = listed[0]["id"].as_str().unwrap();
    let shown = machine.json(&format!("session show {id} --json"));
    assert_eq!(
        (&shown["acr"], &shown["address"]),
        (&"1".into(), &"127.0.0.1".into())
    );
    machine.ok(&format!("session delete {id}"));
    assert!(
        machine
            .refusal(&format!("session delete {id}"))
            .contains("session list")
    );
    assert_eq!(machine.json("session list --json").as_array().unwrap().len(), 2);
    assert!(
        machine
            .ok("session delete --account alice")
            .contains("2 sessions")
    );
    assert!(
        machine
            .refusal("session list --account nobody")
            .contains("account list")
    );
    assert_eq!(machine.run("session delete").code, Some(2));
    let kinds = machine.ok("audit list --account alice");
    assert!(
        kinds.contains("session.ended") && kinds.contains("session.all_ended"),
        "{kinds}"
    );
}

#[tokio::test]
async fn a_client_is_not_named_as_accounts_are_in_any_way() {
    let machine = Machine::new();
    let id = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5";
    let create = format!("client create {id} --redirect-uri https://shop.example/cb");
    assert!(machine.refusal(&create).contains("must not be a UUID"));
    let file = format!("[[client]]\nclient_id = \"{id}\"\nredirect_uris = [\"https://shop.example/cb\"]\n");
    machine.write("shop.toml", &file);
    let refused = machine.refusal("apply shop.toml");
    assert!(
        refused.contains("line 1") && refused.contains("must not be a UUID"),
        "{refused}"
    );
    assert_eq!(machine.json("client list --json"), Value::Array(vec![]));
}

#[tokio::test]
async fn an_account_is_not_made_with_a_name_that_looks_like_another() {
    let machine = Machine::new();
    for (name, told) in [("\u{430}lice", "Cyrillic"), ("\u{ff41}lice", "NFKC")] {
        let refused = machine.refusal(&format!("account create {name}"));
        assert!(
            refused.contains("user name") && refused.contains(told),
            "{refused}"
        );
    }
    assert_eq!(machine.json("account list --json"), Value::Array(vec![]));
}

#[tokio::test]
async fn a_client_that_is_sent_elsewhere_asks_again_however_it_was_changed() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let store = &server.running.app.store;
    let (who, now) = (server.account_id("alice").await, server.clock.now());
    let agreed = async move |db: &mut store::Conn| {
        Ok(store::consents::find(db, who, &"third".into()).await?.is_some())
    };
    machine.write(
        "moved.toml",
        "[[client]]\nclient_id = \"third\"\nclient_secret = \"third-secret-of-more-than-32-characters\"\n\
         redirect_uris = [\"https://third.example/three\"]\nscope = \"openid\"\nrequire_consent = true\n",
    );
    for (line, kept) in [
        ("client update third --name Third", true),
        (
            "client update third --redirect-uri https://third.example/two",
            false,
        ),
        ("apply moved.toml", false),
        ("apply moved.toml", true),
    ] {
        let agree = async move |db: &mut store::Conn| {
            let scope = "openid".parse().unwrap_or_default();
            store::consents::record(db, who, &"third".into(), &scope, now).await
        };
        store.write(agree).await.unwrap();
        machine.ok(line);
        assert_eq!(store.read(agreed).await.unwrap(), kept, "{line}");
    }
}

#[tokio::test]
async fn a_client_that_a_file_shuts_out_loses_what_it_was_given() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let refresh = server.tokens(&[]).await.text("refresh_token");
    machine.write("sample.toml", SAMPLE);
    let shut = SAMPLE.replace(
        "client_name = \"Web shop\"",
        "client_name = \"Web shop\"\ndisabled = true",
    );
    machine.write("shut.toml", &shut);
    machine.ok("apply shut.toml");
    machine.ok("apply sample.toml");
    assert_eq!(inspect(&machine, &refresh)["revoked"], true);
}
