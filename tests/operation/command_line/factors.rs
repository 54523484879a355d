//! `account update --mfa`, `account reset-factors`, and `mfa` in declarative files.

use serde_json::{Value, json};

use super::Machine;
use crate::support::{Browser, Form, Server, query_of};

#[tokio::test]
async fn an_account_is_told_to_have_a_second_factor() {
    let machine = Machine::with_sample();
    for (said, kept) in [
        ("required", json!("required")),
        ("off", json!("off")),
        ("if-enrolled", json!("if-enrolled")),
        ("default", Value::Null),
    ] {
        machine.ok(&format!("account update alice --mfa {said}"));
        assert_eq!(machine.json("account show alice --json")["mfa"], kept, "{said}");
    }
    assert_eq!(machine.run("account update alice --mfa always").code, Some(2));
    assert!(
        machine
            .refusal("account update nobody --mfa off")
            .contains("nobody")
    );
}

#[tokio::test]
async fn files_say_what_accounts_roles_and_clients_demand() {
    let machine = Machine::with_sample();
    let file = "[[account]]\nusername = \"alice\"\nmfa = \"required\"\n\n\
        [[role]]\nname = \"editor\"\npermissions = [\"books:read\", \"books:write\"]\nmfa = \"required\"\n";
    machine.write("mfa.toml", file);
    let plan = machine.ok("plan mfa.toml");
    assert!(plan.contains("~ account alice: mfa"), "{plan}");
    assert!(plan.contains("~ role editor: mfa"), "{plan}");
    machine.ok("apply mfa.toml");
    let exported = machine.ok("export");
    assert_eq!(exported.matches("mfa = \"required\"").count(), 2, "{exported}");
    machine.write("same.toml", file);
    assert!(!machine.ok("plan same.toml").contains('~'));
    machine.write(
        "wrong.toml",
        "[[account]]\nusername = \"alice\"\nmfa = \"always\"\n",
    );
    assert!(machine.refusal("apply wrong.toml").contains("line 3"));
}

#[tokio::test]
async fn who_lost_all_factors_is_let_in_with_the_password_again() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    let bob = ("bob", "bob has a long password too");
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), bob.0, bob.1).await;
    assert!(Form::of(&page.body).action.starts_with("/mfa"));
    let told = machine.ok("account reset-factors bob");
    assert!(told.contains("removed 1 second factors"), "{told}");
    assert!(
        super::waiting(&server)
            .await
            .contains(&"factors-reset".to_owned())
    );
    assert_eq!(machine.json("account show bob --json")["totp_factors"], 0);
    assert_eq!(machine.json("account show bob --json")["sessions"], 0);
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in(&server.authorize(&[]), bob.0, bob.1).await;
    assert!(query_of(answer.location(), "code").is_some());
    assert!(machine.ok("audit list").contains("account.factors_reset"));
}
