//! API keys at the command line.

use serde_json::json;

use super::Machine;

#[tokio::test]
async fn an_api_key_is_made_shown_renewed_and_revoked() {
    let machine = Machine::with_sample();
    let made = machine.json(
        "api-key create bob --name nightly --permission books:write --network ::ffff:192.0.2.7 --rate 5/60s --lifetime 30d --json",
    );
    let secret = made["secret"].as_str().unwrap();
    assert!(chancery::api_keys::is_well_formed(secret));
    assert_eq!(made["networks"], json!(["192.0.2.7/32"]));
    assert_eq!(
        (&made["rate"], &made["username"]),
        (&json!("5/1m"), &json!("bob"))
    );
    let id = made["id"].as_str().unwrap();
    for line in [
        "api-key list --account bob --json".to_owned(),
        format!("api-key show {id} --json"),
        "api-key list".to_owned(),
        "audit list --account bob --json".to_owned(),
    ] {
        let shown = machine.ok(&line);
        assert!(
            shown.contains(id) && !shown.contains(&secret[..13]),
            "{line}: {shown}"
        );
    }
    assert_eq!(machine.json("api-key list --account alice --json"), json!([]));
    let renewed = machine.ok(&format!("api-key rotate {id} --overlap 1h"));
    assert!(
        renewed.contains("secret: chk_") && !renewed.contains(secret),
        "{renewed}"
    );
    assert!(machine.ok(&format!("api-key delete {id}")).contains("revoked"));
    assert_eq!(
        machine.json(&format!("api-key show {id} --json"))["state"],
        "revoked"
    );
    let events = machine.ok("audit list --account bob");
    for kind in ["api_key.created", "api_key.rotated", "api_key.revoked"] {
        assert!(events.contains(kind), "{kind}: {events}");
    }
}

#[tokio::test]
async fn an_api_key_that_cannot_be_is_refused_with_the_reason() {
    let machine = Machine::with_sample();
    for (line, reason) in [
        ("api-key create nobody --name x", "account list"),
        ("api-key create dave --name x", "may not sign in"),
        (
            "api-key create bob --name x --permission accounts:read",
            "does not hold",
        ),
        ("api-key create bob --name x --network here", "networks"),
        ("api-key create bob --name x --rate often", "rate"),
        (
            "api-key rotate 00000000-0000-0000-0000-000000000000",
            "no such key",
        ),
        (
            "api-key delete 00000000-0000-0000-0000-000000000000",
            "no such key",
        ),
    ] {
        let refusal = machine.refusal(line);
        assert!(refusal.contains(reason), "{line}: {refusal}");
    }
    let made = machine.json("api-key create bob --name x --json");
    let id = made["id"].as_str().unwrap();
    let refusal = machine.refusal(&format!("api-key rotate {id} --overlap 8d"));
    assert!(refusal.contains("7d"), "{refusal}");
}
