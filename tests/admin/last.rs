//! Somebody who may do everything remains, whatever happens at the same moment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{api, path, with_json};
use crate::support::{Authenticator, Server};

const PEOPLE: &str = r#"
[[role]]
name = "rising"

[[scope]]
name = "all"
requires = ["*"]

[[client]]
client_id = "keeper"
client_secret = "keeper-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "all accounts:disable accounts:recover accounts:write roles:assign roles:write upstreams:write"

[[account]]
username = "ann"
email = "ann@example.test"
roles = ["super_admin"]

[[account]]
username = "ben"
email = "ben@example.test"

[[account]]
username = "cleo"
email = "cleo@example.test"
roles = ["rising"]
"#;
const SUPER: &str = "roles/super_admin";

/// A server on which a client acts, which is nobody who could be the last.
struct House {
    server: Server,
    token: String,
}

impl House {
    async fn start() -> House {
        let server = Server::start().await;
        server.apply(PEOPLE).await;
        let pairs = [("grant_type", "client_credentials")];
        let secret = "keeper-secret-of-more-than-32-characters";
        let answer = server.token_as("keeper", secret, &pairs).await;
        let token = answer.text("access_token");
        House { server, token }
    }

    /// What becomes of an act on an account.
    async fn act(&self, method: &'static str, name: &str, act: &str) -> u16 {
        let target = format!("{}/{act}", path(&self.server, name).await);
        let request = match method {
            "PUT" => with_json(method, &target, &self.token, &json!({})),
            _ => api(method, &target, &self.token),
        };
        self.server.send(request).await.status
    }

    /// What becomes of a change of what the role `rising` carries.
    async fn rise(&self, permissions: Value) -> u16 {
        let body = json!({ "permissions": permissions });
        let request = with_json("PATCH", "/roles/rising", &self.token, &body);
        self.server.send(request).await.status
    }

    async fn somebody_remains(&self) -> bool {
        let any = async |db: &mut store::Conn| store::administrators::any(db).await;
        self.server.running.app.store.read(any).await.unwrap()
    }
}

#[tokio::test]
async fn of_three_that_go_at_once_one_stays() {
    let house = House::start().await;
    for _ in 0..8 {
        for name in ["ann", "ben", "cleo"] {
            assert_eq!(house.act("POST", name, "enable").await, 204);
            assert_eq!(house.act("PUT", name, SUPER).await, 204);
        }
        let (ann, ben, cleo) = tokio::join!(
            house.act("POST", "ann", "disable"),
            house.act("POST", "ben", "disable"),
            house.act("DELETE", "cleo", SUPER),
        );
        let mut all = [ann, ben, cleo];
        all.sort_unstable();
        assert_eq!(all, [204, 204, 409]);
        assert!(house.somebody_remains().await);
    }
}

#[tokio::test]
async fn who_comes_to_hold_everything_at_that_moment_is_seen_to_go() {
    let house = House::start().await;
    for _ in 0..8 {
        assert_eq!(house.act("PUT", "ann", SUPER).await, 204);
        assert_eq!(house.act("POST", "cleo", "enable").await, 204);
        assert_eq!(house.rise(json!([])).await, 200);
        let (rise, shut, take) = tokio::join!(
            house.rise(json!(["*"])),
            house.act("POST", "cleo", "disable"),
            house.act("DELETE", "ann", SUPER),
        );
        assert_eq!(rise, 200);
        assert!(
            [204, 409].contains(&shut) && [204, 409].contains(&take),
            "{shut} {take}"
        );
        assert!(house.somebody_remains().await, "{shut} {take}");
    }
}

#[tokio::test]
async fn who_has_no_way_in_is_not_the_one_that_remains() {
    let house = House::start().await;
    let making = json!({ "username": "zed", "delivery": "none" });
    let server = &house.server;
    let made = server
        .send(with_json("POST", "/accounts", &house.token, &making))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(house.act("PUT", "zed", SUPER).await, 204);
    assert_eq!(house.rise(json!([])).await, 200);
    assert_eq!(house.act("DELETE", "ann", SUPER).await, 409);
    assert_eq!(house.act("POST", "ann", "disable").await, 409);
    let address = json!({ "email": "zed@example.test" });
    let target = path(server, "zed").await;
    let given = server
        .send(with_json("PATCH", &target, &house.token, &address))
        .await;
    assert_eq!(given.status, 200, "{}", given.body);
    assert_eq!(house.act("DELETE", "ann", SUPER).await, 204);
    // The mailbox is the only way in, and the last.
    let none = json!({ "email": null });
    let taken = server
        .send(with_json("PATCH", &target, &house.token, &none))
        .await;
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert!(house.somebody_remains().await);
}

#[tokio::test]
async fn the_only_passkey_of_the_last_one_is_not_reset() {
    let house = House::start().await;
    let key = Authenticator::new();
    let (id, public) = (STANDARD.encode(&key.id), STANDARD.encode(key.public_key()));
    let keyed = format!(
        "[[account]]\nusername = \"kay\"\nroles = [\"super_admin\"]\n\
         passkeys = [{{ credential_id = \"{id}\", public_key = \"{public}\" }}]\n"
    );
    house.server.apply(&keyed).await;
    assert_eq!(house.rise(json!([])).await, 200);
    assert_eq!(house.act("DELETE", "ann", SUPER).await, 204);
    assert_eq!(house.act("DELETE", "kay", "factors").await, 409);
    assert!(house.somebody_remains().await);
    assert_eq!(house.act("PUT", "ann", SUPER).await, 204);
    assert_eq!(house.act("DELETE", "kay", "factors").await, 200);
}

#[tokio::test]
async fn the_upstream_of_the_last_one_stays_open() {
    let house = House::start().await;
    let server = &house.server;
    server
        .apply(
            "[[account]]\nusername = \"kay\"\nroles = [\"super_admin\"]\n\
             [[upstream]]\nname = \"corp\"\nissuer = \"https://corp.example\"\n\
             client_id = \"chancery\"\nclient_secret = \"a secret of corp for this server alone\"\n",
        )
        .await;
    let (kay, now) = (server.account_id("kay").await, server.clock.now());
    let connect = async move |db: &mut store::Conn| {
        store::upstream_identities::insert(db, "https://corp.example", "kay", kay, now).await
    };
    assert!(server.running.app.store.write(connect).await.unwrap());
    assert_eq!(house.rise(json!([])).await, 200);
    assert_eq!(house.act("DELETE", "ann", SUPER).await, 204);

    let close = with_json(
        "PATCH",
        "/upstreams/corp",
        &house.token,
        &json!({ "enabled": false }),
    );
    assert_eq!(server.send(close.clone()).await.status, 409);
    let remove = api("DELETE", "/upstreams/corp", &house.token);
    assert_eq!(server.send(remove.clone()).await.status, 409);
    assert!(house.somebody_remains().await);
    assert_eq!(house.act("PUT", "ann", SUPER).await, 204);
    assert_eq!(server.send(close).await.status, 200);
    // What leads nowhere is no way in.
    assert_eq!(house.act("DELETE", "ann", SUPER).await, 409);
    assert_eq!(server.send(remove).await.status, 204);
}
