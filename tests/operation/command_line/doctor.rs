//! `chancery doctor`, `account diagnose` and `account security-report`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::Machine;

fn check<'a>(checks: &'a Value, name: &str) -> &'a Value {
    let found = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {checks}"))
}

#[tokio::test]
async fn the_doctor_names_each_problem_with_its_fix_and_fails() {
    let machine = Machine::with_sample();
    // Nobody listens there.
    machine.write("chancery.toml", "[server]\nissuer = \"http://localhost:9\"\n");
    let ran = machine.run("doctor --json");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("found a problem"), "{ran:?}");
    let checks: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(check(&checks, "migrations")["level"], "ok");
    assert_eq!(check(&checks, "master key")["level"], "ok");
    assert_eq!(check(&checks, "signing keys")["level"], "ok");
    // No server has started yet, so nobody answers.
    let way_in = check(&checks, "way in");
    assert!(
        way_in["remedy"].as_str().unwrap().contains("chancery serve"),
        "{way_in}"
    );
    let told = machine.run("doctor");
    assert!(
        told.out.contains("PROBLEM  way in: ") && told.out.contains("-> "),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_role_that_groups_are_to_carry_and_that_does_not_exist_is_a_finding() {
    let machine = Machine::with_sample();
    for (role, level) in [("editor", "ok"), ("no-such-role", "problem")] {
        let config = format!("[scim]\nenabled = true\ngroup_roles = {{ Staff = [\"{role}\"] }}\n");
        machine.write("chancery.toml", &config);
        let checks: Value = serde_json::from_str(&machine.run("doctor --json").out).unwrap();
        let found = check(&checks, "roles of groups");
        assert_eq!(found["level"], level, "{found}");
        assert_eq!(
            found["finding"].as_str().unwrap().contains(role),
            level == "problem"
        );
    }
}

#[tokio::test]
async fn a_master_key_that_is_not_as_it_should_be_is_a_finding() {
    let machine = Machine::with_sample();
    let look = || serde_json::from_str::<Value>(&machine.run("doctor --json").out).unwrap();
    std::fs::set_permissions(&machine.master_key, Permissions::from_mode(0o644)).unwrap();
    let found = look();
    let open = check(&found, "master key");
    assert_eq!(open["level"], "notice", "{open}");
    assert!(open["remedy"].as_str().unwrap().contains("chmod 600"), "{open}");
    std::fs::remove_file(&machine.master_key).unwrap();
    let found = look();
    for name in ["master key", "signing keys"] {
        let gone = check(&found, name);
        assert_eq!(gone["level"], "problem", "{gone}");
        assert!(gone["remedy"].as_str().unwrap().contains("restore"), "{gone}");
    }
    assert!(!machine.master_key.exists(), "a look makes no key");
}

#[tokio::test]
async fn a_database_that_was_not_migrated_is_a_finding_and_stays_as_it_is() {
    let machine = Machine::new();
    let ran = machine.run("doctor");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("chancery migrate"), "{ran:?}");
    assert!(machine.run("doctor").out.contains("chancery migrate"));
}

#[tokio::test]
async fn why_somebody_cannot_sign_in_is_said_by_command() {
    let machine = Machine::with_sample();
    let fine = machine.ok("account diagnose alice");
    assert!(fine.contains("ok       state: the account may sign in"), "{fine}");
    machine.ok("account disable alice");
    let ran = machine.run("account diagnose alice");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("PROBLEM  state: the account is disabled"),
        "{ran:?}"
    );
    assert!(machine.refusal("account diagnose nobody").contains("\"nobody\""));
    let report: Value = serde_json::from_str(&machine.ok("account security-report alice --json")).unwrap();
    assert!(
        ["low", "medium", "high"].contains(&report["risk"].as_str().unwrap()),
        "{report}"
    );
    assert!(machine.ok("account security-report bob").starts_with("risk: "));
}
