//! `chancery import` and `chancery account export`.

use serde_json::json;

use super::Machine;

const TABLE: &str = "username,email,name\nada,ada@example.org,Ada\nbad,nonsense,\n";

#[tokio::test]
async fn a_table_is_imported_and_told_line_by_line() {
    let machine = Machine::with_sample();
    machine.write("people.csv", TABLE);
    let planned = machine.ok("import people.csv --dry-run");
    assert!(
        planned.contains("would create: 1, unchanged: 0, skipped: 1"),
        "{planned}"
    );
    assert!(machine.json("account list --json").as_array().unwrap().len() == 3);
    let strict = machine.refusal("import people.csv --strict");
    assert!(strict.contains("nothing was imported"), "{strict}");
    let done = machine.ok("import people.csv");
    assert!(done.contains("row 2 \"ada\" created"), "{done}");
    assert!(
        done.contains("row 3  skipped: ") && done.contains("no mail address"),
        "{done}"
    );
    let report = machine.json("import people.csv --json");
    assert_eq!((&report["unchanged"], &report["skipped"]), (&json!(1), &json!(1)));
    assert_eq!(
        machine.json("account show ada --json")["email"],
        "ada@example.org"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_imported_is_refused_with_the_reason() {
    let machine = Machine::with_sample();
    machine.write("people.txt", TABLE);
    machine.write("people.json", "[");
    machine.write("people.toml", "[[role]]\nname = \"x\"\n");
    for (line, says) in [
        ("import people.txt", "--format"),
        ("import people.json", "no JSON"),
        ("import people.toml", "no [[account]]"),
        ("import nowhere.csv", "cannot be read"),
    ] {
        let refusal = machine.refusal(line);
        assert!(refusal.contains(says), "{line}: {refusal}");
    }
    assert!(
        machine
            .ok("import people.txt --format csv")
            .contains("created: 1")
    );
}

#[tokio::test]
async fn all_data_of_an_account_are_printed_without_secrets() {
    let machine = Machine::with_sample();
    let document = machine.json("account export bob");
    assert_eq!(document["account"]["username"], "bob");
    assert_eq!(document["roles"][0]["role"], "editor");
    let text = document.to_string();
    assert!(!text.contains("$argon2") && !text.contains("JBSWY3DP"), "{text}");
    assert!(machine.refusal("account export nobody").contains("nobody"));
}
