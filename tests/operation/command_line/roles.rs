//! Roles, who holds them and until when, and client secrets that overlap, at the command line.

use chancery::clock::Clock;
use serde_json::json;

use super::Machine;

#[tokio::test]
async fn a_role_says_whether_its_holders_need_a_second_factor() {
    let machine = Machine::new();
    machine.ok("role create guard --permission doors:open --mfa required");
    let guard = machine.json("role show guard --json");
    assert_eq!(
        (&guard["mfa"], &guard["permissions"], &guard["holders"]),
        (&json!("required"), &json!(["doors:open"]), &json!(0))
    );
    assert!(machine.refusal("role create guard").contains("exists"));
    machine.ok("role update guard --mfa default --description Guards");
    let guard = machine.json("role show guard --json");
    assert_eq!(
        (&guard["mfa"], &guard["permissions"]),
        (&json!(null), &json!(["doors:open"]))
    );
    machine.ok("role update guard --permission=");
    assert_eq!(machine.json("role show guard --json")["permissions"], json!([]));
    assert_eq!(machine.run("role update guard --mfa sometimes").code, Some(2));
    assert!(
        machine
            .refusal("role update nobody --mfa off")
            .contains("role list")
    );
    assert!(
        machine
            .refusal("role create two\u{e4}")
            .contains("printable ASCII")
    );
}

#[tokio::test]
async fn a_role_is_given_for_a_time_and_taken_back() {
    let machine = Machine::new();
    machine.ok("account create carol");
    machine.ok("account grant-role carol viewer --expires 30d");
    let end = Clock::System.now().0 + 30 * 86_400;
    let shown = machine.ok("account grant-role carol viewer --expires 30d");
    assert!(shown.contains("until 20"), "{shown}");
    assert_eq!(machine.json("role show viewer --json")["holders"], 1);
    let events = machine.json("audit list --kind account.role_given --json");
    let given = events[0]["detail"]["expires_at"].as_i64().unwrap();
    assert!((given - end).abs() < 60, "{given} {end}");
    assert_eq!(
        (&events[0]["actor"], &events[0]["detail"]["role"]),
        (&json!("cli"), &json!("viewer"))
    );
    assert!(
        machine
            .refusal("account grant-role carol nothing")
            .contains("role list")
    );
    assert!(
        machine
            .refusal("account grant-role nobody viewer")
            .contains("account list")
    );
    let people = machine.ok("account show carol");
    assert!(people.contains("accounts:read through role viewer;"), "{people}");
    let carol = machine.json("account show carol --json");
    let way = &carol["effective_permissions"][0]["through"][0];
    assert_eq!(
        (&way["role"], &way["expires_at"]),
        (&json!("viewer"), &events_end(&machine))
    );
    machine.ok("account revoke-role carol viewer");
    assert_eq!(machine.json("role show viewer --json")["holders"], 0);
    assert!(
        machine
            .ok("account revoke-role carol viewer")
            .contains("does not hold")
    );
}

#[tokio::test]
async fn the_last_who_may_do_everything_stays() {
    let machine = Machine::new();
    machine.ok("account create carol --email carol@example.test --role super_admin");
    for line in [
        "account revoke-role carol super_admin",
        "account grant-role carol super_admin --expires 1d",
        "role update super_admin --permission accounts:read",
        "role delete super_admin",
    ] {
        assert!(machine.refusal(line).contains("nobody would be left"), "{line}");
    }
    assert_eq!(
        machine.json("role show super_admin --json")["permissions"],
        json!(["*"])
    );
    assert_eq!(
        machine.json("account show carol --json")["roles"],
        json!(["super_admin"])
    );
    machine.ok("account create dora --email dora@example.test --role super_admin");
    machine.ok("account revoke-role carol super_admin");
}

#[tokio::test]
async fn a_client_secret_is_rotated_with_an_overlap() {
    let machine = Machine::new();
    let made = machine.json("client create robot --grant-type client_credentials --mfa required --json");
    assert_eq!(made["mfa"], "required");
    let rotated = machine.ok("client rotate-secret robot --overlap 24h");
    assert!(rotated.contains("cs_"), "{rotated}");
    let until = machine.json("client show robot --json")["previous_secret_expires_at"].as_i64();
    let day = Clock::System.now().0 + 86_400;
    assert!((until.unwrap() - day).abs() < 60, "{until:?}");
    machine.ok("client rotate-secret robot");
    let shown = machine.json("client show robot --json");
    assert_eq!(shown["previous_secret_expires_at"], json!(null));
    assert!(
        machine
            .refusal("client rotate-secret robot --overlap 365d")
            .contains("overlap")
    );
    machine.ok("client update robot --mfa default");
    assert!(machine.json("client show robot --json").get("mfa").is_none());
    machine.ok("scope create robots:run --requires robots:run");
    machine.ok("scope update robots:run --description Run");
    let scope = machine.json("scope show robots:run --json");
    assert_eq!(
        (&scope["description"], &scope["requires"]),
        (&json!("Run"), &json!(["robots:run"]))
    );
    assert!(machine.refusal("scope create robots:run").contains("exists"));
    machine.ok("scope delete robots:run");
}

/// The end of the role that was given last.
fn events_end(machine: &Machine) -> serde_json::Value {
    let events = machine.json("audit list --kind account.role_given --json");
    let ends = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["detail"]["expires_at"].as_i64());
    json!(ends.max().flatten())
}
