//! Declarative files beside what administrators do, and beside each other.

use chancery::declarative::{self, File, Tools};
use protocol::time::Lifetime;
use store::roles::Assignment;
use store::{Conn, Store};

use crate::support::Server;

async fn apply(server: &Server, store: &Store, text: &str, prune: bool) -> declarative::Plan {
    let app = &server.running.app;
    let accounts = chancery::config::Accounts::default();
    let tools = Tools {
        sealer: &app.sealer,
        passwords: &app.passwords,
        accounts: &accounts,
        now: server.clock.now(),
    };
    let file = File::parse(text).unwrap();
    let planned = declarative::plan(store, &file, prune, &tools).await.unwrap();
    let applied = declarative::apply(store, &file, prune, &tools).await.unwrap();
    // On a store that nobody else changes meanwhile, they are the same.
    assert!(planned.changes == applied.plan.changes || prune || text.contains("crowd"));
    applied.plan
}

#[tokio::test]
async fn two_runs_at_once_do_not_interleave() {
    let server = Server::start().await;
    let url = &server.config.database.url;
    let (one, two) = (
        Store::open(url, 2).await.unwrap(),
        Store::open(url, 2).await.unwrap(),
    );
    let file = |permission: &str| -> String {
        (0..40)
            .map(|n| format!("[[role]]\nname = \"crowd{n}\"\npermissions = [\"{permission}\"]\n"))
            .collect()
    };
    let (mine, yours) = (file("mine"), file("yours"));
    for _ in 0..5 {
        tokio::join!(
            apply(&server, &one, &mine, false),
            apply(&server, &two, &yours, false)
        );
        let roles = async |db: &mut Conn| store::roles::list_roles(db).await;
        let roles = server.running.app.store.read(roles).await.unwrap();
        let crowd: Vec<_> = roles
            .iter()
            .filter(|role| role.name.starts_with("crowd"))
            .collect();
        assert_eq!(crowd.len(), 40);
        let first = &crowd[0].permissions;
        assert!(crowd.iter().all(|role| role.permissions == *first), "{crowd:?}");
    }
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn pruning_keeps_the_roles_that_came_with_the_server_even_when_a_file_changed_them() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    apply(
        &server,
        store,
        "[[role]]\nname = \"moderator\"\npermissions = []\n",
        false,
    )
    .await;
    let pruned = apply(&server, store, "", true).await;
    let gone: Vec<_> = pruned
        .changes
        .iter()
        .filter(|change| change.noun == "role")
        .map(|change| change.name.as_str())
        .collect();
    assert_eq!(gone, ["editor"], "only what the file of the sample made");
    let roles = async |db: &mut Conn| store::roles::list_roles(db).await;
    let roles = server.running.app.store.read(roles).await.unwrap();
    let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["admin", "moderator", "super_admin", "user", "viewer"]);
}

#[tokio::test]
async fn a_role_that_ends_by_itself_is_not_for_files() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    let (id, now) = (server.account_id("bob").await, server.clock.now());
    let until = Assignment {
        role: "moderator".into(),
        expires_at: Some(now + Lifetime::days(1)),
        granted_at: now,
        granted_by: None,
    };
    let assign = async move |db: &mut Conn| store::roles::assign_role(db, id, &until).await;
    store.write(assign).await.unwrap();
    let export = async |db: &mut Conn| declarative::export(db).await;
    let text = store.read(export).await.unwrap();
    let bob = text
        .split("[[account]]")
        .find(|entry| entry.contains("\"bob\""))
        .unwrap();
    assert!(bob.contains("roles = [\"editor\"]"), "{bob}");
    // What is exported can be applied again, and takes nothing away.
    let again = apply(&server, store, &text, false).await;
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    let held = async move |db: &mut Conn| store::roles::account_roles(db, id, now).await;
    let held = store.read(held).await.unwrap();
    assert_eq!(Vec::from_iter(held), ["editor", "moderator"]);
    // A file that names it gives it for good.
    apply(
        &server,
        store,
        "[[account]]\nusername = \"bob\"\nroles = [\"editor\", \"moderator\"]\n",
        false,
    )
    .await;
    let list = async move |db: &mut Conn| store::roles::list_assignments(db, id).await;
    let held = store.read(list).await.unwrap();
    assert!(held.iter().all(|held| held.expires_at.is_none()), "{held:?}");
}

#[tokio::test]
async fn no_file_gives_a_client_that_it_does_not_name_more_than_it_was_registered_with() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    let app = &server.running.app;
    let accounts = chancery::config::Accounts::default();
    let tools = Tools {
        sealer: &app.sealer,
        passwords: &app.passwords,
        accounts: &accounts,
        now: server.clock.now(),
    };
    let robot =
        "[[client]]\nclient_id = \"robot\"\ngrant_types = [\"client_credentials\"]\nscope = \"films\"\n";
    let open = "[[scope]]\nname = \"films\"\n";
    let strict = "[[scope]]\nname = \"films\"\nrequires = [\"films:see\"]\n";
    apply(&server, store, &format!("{open}{robot}"), false).await;
    let file = File::parse(strict).unwrap();
    let refused = declarative::apply(store, &file, false, &tools).await.unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.starts_with("line 1: scope films: ") && refused.contains(": robot;"),
        "{refused}"
    );
    // A file that names the client says what it is to have.
    apply(&server, store, &format!("{strict}{robot}"), false).await;
}

#[tokio::test]
async fn no_file_takes_the_last_administrator_away() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    let boss = "[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n";
    apply(&server, store, boss, false).await;
    let app = &server.running.app;
    let accounts = chancery::config::Accounts::default();
    let tools = Tools {
        sealer: &app.sealer,
        passwords: &app.passwords,
        accounts: &accounts,
        now: server.clock.now(),
    };
    for text in [
        "[[account]]\nusername = \"alice\"\nroles = []\n",
        "[[account]]\nusername = \"alice\"\ndisabled = true\n",
        "[[role]]\nname = \"super_admin\"\npermissions = []\n",
    ] {
        let file = File::parse(text).unwrap();
        let planned = declarative::plan(store, &file, false, &tools).await;
        let applied = declarative::apply(store, &file, false, &tools).await;
        for refused in [planned.unwrap_err(), applied.unwrap_err()] {
            let says = refused.to_string();
            assert!(
                says.contains("give somebody else the role first"),
                "{text}: {says}"
            );
        }
    }
    let file = File::parse("").unwrap();
    assert!(declarative::apply(store, &file, true, &tools).await.is_err());
    let (id, now) = (server.account_id("alice").await, server.clock.now());
    let held = async move |db: &mut Conn| store::roles::authority(db, id, now).await;
    assert!(store.read(held).await.unwrap().permissions.contains("*"));
}

#[tokio::test]
async fn an_account_may_be_named_as_another_directory_identifies_it() {
    let (server, token) = super::start("super_admin").await;
    let name = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5";
    server
        .apply(&format!("[[account]]\nusername = \"{name}\"\n"))
        .await;
    let table = "username\n7f1c2d3e4b5a4c6d8e7f90a1b2c3d4e5\n";
    let report = super::import(&server, &token, "text/csv", "", table).await;
    assert_eq!(super::counts(&report), serde_json::json!([1, 0, 0]), "{report}");
    assert_ne!(server.account_id(name).await.to_string(), name);
}

#[tokio::test]
async fn what_a_file_does_not_name_stays_as_administrators_made_it() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    let file = "[[role]]\nname = \"clerk\"\npermissions = [\"books:read\"]\n\
                [[client]]\nclient_id = \"shop\"\nredirect_uris = [\"https://shop.test/cb\"]\n";
    let more = "[[role]]\nname = \"clerk\"\ndescription = \"At the desk\"\nmfa = \"required\"\n\
                [[client]]\nclient_id = \"shop\"\nredirect_uris = [\"https://shop.test/cb\"]\n\
                client_name = \"Shop\"\nscope = \"openid\"\nmfa = \"required\"\ndisabled = true\n";
    apply(&server, store, file, false).await;
    let lines =
        |plan: declarative::Plan| -> Vec<String> { plan.changes.iter().map(ToString::to_string).collect() };
    assert_eq!(
        lines(apply(&server, store, more, false).await),
        [
            "~ role clerk: description, mfa",
            "~ client shop: client_name, mfa, scope, disabled"
        ]
    );
    assert!(apply(&server, store, file, false).await.changes.is_empty());
    let export = async |db: &mut Conn| declarative::export(db).await;
    let text = store.read(export).await.unwrap();
    assert!(text.contains("description = \"At the desk\"") && text.contains("client_name = \"Shop\""));
    assert!(apply(&server, store, &text, false).await.changes.is_empty());
    // What is named is taken out, where nothing stands for it.
    let less = "[[role]]\nname = \"clerk\"\ndescription = \"\"\nmfa = \"\"\n\
                [[client]]\nclient_id = \"shop\"\nredirect_uris = [\"https://shop.test/cb\"]\n\
                client_name = \"\"\nscope = \"\"\nmfa = \"\"\ndisabled = false\n";
    assert_eq!(apply(&server, store, less, false).await.changes.len(), 2);
    let find = async |db: &mut Conn| store::clients::find(db, &"shop".into()).await;
    let shop = store.read(find).await.unwrap().unwrap();
    assert!(!shop.disabled && shop.client.mfa.is_none() && shop.client.client_name.is_none());
    assert!(shop.client.scope.is_empty());
}

#[tokio::test]
async fn a_client_that_a_file_names_without_its_secret_and_its_way_to_prove_itself_keeps_both() {
    let server = Server::start().await;
    let store = &server.running.app.store;
    let entry = "[[client]]\nclient_id = \"spa\"\nredirect_uris = [\"https://spa.test/cb\"]\n";
    let public = format!("{entry}token_endpoint_auth_method = \"none\"\n");
    apply(&server, store, &public, false).await;
    assert!(apply(&server, store, entry, false).await.changes.is_empty());
    let find = async |db: &mut Conn| store::clients::find(db, &"spa".into()).await;
    let spa = store.read(find).await.unwrap().unwrap();
    assert!(spa.client.is_public() && spa.secret_hash.is_none());
}
