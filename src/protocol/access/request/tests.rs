use serde_json::json;

use super::*;

const GOOD: &str = r#"{"subject":{"type":"user","id":"alice","properties":{"a":[1]}},"action":{"name":"read"},
    "resource":{"type":"docs","id":"1"},"context":{"time":"now"},"future":{"nested":true}}"#;

fn good() -> Question {
    let entity = |kind: &str, id: &str| Entity {
        kind: kind.into(),
        id: id.into(),
    };
    Question {
        subject: entity("user", "alice"),
        action: "read".into(),
        resource: entity("docs", "1"),
    }
}

#[test]
fn what_is_not_known_is_ignored() {
    assert_eq!(evaluation(GOOD.as_bytes()), Ok(good()));
}

#[test]
fn what_is_missing_or_of_another_form_is_named() {
    for (body, member) in [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "subject"),
        (
            r#"{"subject":"alice","action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "body",
        ),
        (
            r#"{"subject":["user","alice",{}],"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "body",
        ),
        (
            r#"{"subject":{"id":"a"},"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "subject.type",
        ),
        (
            r#"{"subject":{"type":"user"},"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "subject.id",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"resource":{"type":"t","id":"1"}}"#,
            "action",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{},"resource":{"type":"t","id":"1"}}"#,
            "action.name",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":1},"resource":{"type":"t","id":"1"}}"#,
            "body",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":"a"},"resource":{"id":"1"}}"#,
            "resource.type",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":"a"},"resource":{"type":"t","id":""}}"#,
            "resource.id",
        ),
        (
            r#"{"subject":{"type":"user","id":"a\u0000"},"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "subject.id",
        ),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":"a"},"resource":{"type":"t","id":"1"},"context":1}"#,
            "body",
        ),
        (
            r#"{"subject":{"type":"user","id":"a","id":"b"},"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#,
            "body",
        ),
    ] {
        assert_eq!(
            evaluation(body.as_bytes()).map_err(|wrong| wrong.member),
            Err(member),
            "{body}"
        );
    }
    let long = GOOD.replace("alice", &"a".repeat(ID_LENGTH + 1));
    assert_eq!(
        evaluation(long.as_bytes()).map_err(|wrong| wrong.member),
        Err("subject.id")
    );
}

#[test]
fn what_is_too_deep_or_no_unicode_is_refused_wherever_it_stands() {
    let nested = |deep: usize| {
        let deep = format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
        (
            GOOD.replace("\"now\"", &deep),
            GOOD.replace("true", &deep),
            format!(r#"{{"evaluations":[{deep}]}}"#),
        )
    };
    // Two more around it.
    let (known, unknown, many) = nested(MAX_DEPTH - 2);
    assert_eq!(evaluation(known.as_bytes()), Ok(good()));
    assert_eq!(evaluation(unknown.as_bytes()), Ok(good()));
    assert!(evaluations(many.as_bytes()).is_ok());
    for deep in [MAX_DEPTH - 1, 50_000] {
        let (known, unknown, many) = nested(deep);
        for refused in [
            evaluation(known.as_bytes()).map(|_| ()),
            evaluation(unknown.as_bytes()).map(|_| ()),
            evaluations(many.as_bytes()).map(|_| ()),
        ] {
            assert_eq!(refused.map_err(|wrong| wrong.member), Err("body"), "{deep}");
        }
    }
    let brackets = format!("\"{}\\\"[{{\"", "[".repeat(100));
    assert_eq!(
        evaluation(GOOD.replace("\"now\"", &brackets).as_bytes()),
        Ok(good())
    );
    for text in ["now", "alice", "future"] {
        let (before, after) = GOOD.split_once(text).unwrap();
        let body = [before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat();
        assert_eq!(
            evaluation(&body).map_err(|wrong| wrong.member),
            Err("body"),
            "{text}"
        );
    }
}

#[test]
fn defaults_stand_for_the_parts_that_a_question_leaves_out() {
    let body = json!({
        "subject": { "type": "user", "id": "alice" },
        "action": { "name": "read" },
        "resource": { "type": "docs" },
        "evaluations": [
            { "resource": { "type": "docs", "id": "1" } },
            { "resource": { "type": "books", "id": "2" }, "action": { "name": "write" } },
            { "subject": { "id": "bob" }, "resource": { "type": "docs", "id": "3" } },
            { "subject": { "type": "user" }, "resource": { "type": "docs", "id": "3" } },
            { "subject": null, "resource": { "type": "docs", "id": "4" } },
            { "action": {}, "resource": { "type": "docs", "id": "5" } },
            { "resource": { "id": "6" } },
            {},
            "nonsense",
        ],
    });
    let Ok(Asked::Many(questions, Semantic::ExecuteAll)) = evaluations(body.to_string().as_bytes()) else {
        panic!("not many");
    };
    let told: Vec<_> = questions
        .into_iter()
        .map(|question| {
            question
                .map(|q| [q.subject.id, q.action, q.resource.kind, q.resource.id].join(" "))
                .map_err(|wrong| wrong.member)
        })
        .collect();
    assert_eq!(
        told,
        [
            Ok("alice read docs 1".to_owned()),
            Ok("alice write books 2".to_owned()),
            Err("subject.type"),
            Err("subject.id"),
            Ok("alice read docs 4".to_owned()),
            Err("action.name"),
            Err("resource.type"),
            Err("resource.id"),
            Err("evaluations"),
        ]
    );
}

#[test]
fn without_questions_the_defaults_are_the_question() {
    assert_eq!(evaluations(GOOD.as_bytes()), Ok(Asked::One(good())));
    let empty = GOOD.replacen('{', r#"{"evaluations":[],"#, 1);
    assert_eq!(evaluations(empty.as_bytes()), Ok(Asked::One(good())));
    let null = GOOD.replacen('{', r#"{"evaluations":null,"#, 1);
    assert_eq!(evaluations(null.as_bytes()), Ok(Asked::One(good())));
    for other in ["{}", "1", "\"\"", "false"] {
        let body = GOOD.replacen('{', &format!(r#"{{"evaluations":{other},"#), 1);
        assert!(evaluations(body.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn there_are_three_semantics_and_a_limit() {
    let yes = Decision::because(super::super::Reason::Role);
    for (semantic, ends_with_yes, ends_with_no) in [
        ("execute_all", false, false),
        ("deny_on_first_deny", false, true),
        ("permit_on_first_permit", true, false),
    ] {
        let body =
            json!({ "options": { "evaluations_semantic": semantic, "other": 1 }, "evaluations": [{}] });
        let Ok(Asked::Many(_, semantic)) = evaluations(body.to_string().as_bytes()) else {
            panic!("not many");
        };
        assert_eq!(
            (semantic.ends_with(&yes), semantic.ends_with(&Decision::NO)),
            (ends_with_yes, ends_with_no)
        );
    }
    let unknown = json!({ "options": { "evaluations_semantic": "guess" }, "evaluations": [{}] });
    assert!(evaluations(unknown.to_string().as_bytes()).is_err());
    let of = |count: usize| json!({ "evaluations": vec![json!({}); count] }).to_string();
    assert!(evaluations(of(MAX_EVALUATIONS).as_bytes()).is_ok());
    assert!(evaluations(of(MAX_EVALUATIONS + 1).as_bytes()).is_err());
}

#[test]
fn a_search_leaves_out_what_it_looks_for() {
    let body = json!({
        "subject": { "type": "user", "id": "ignored" },
        "action": { "name": "read" },
        "resource": { "type": "docs", "id": "1" },
        "page": { "token": "t", "limit": 5, "properties": {} },
    });
    let body = body.to_string();
    let subjects = subject_search(body.as_bytes()).unwrap();
    assert_eq!(
        (subjects.kind.as_str(), subjects.resource.id.as_str()),
        ("user", "1")
    );
    assert_eq!(subjects.page.limit, Some(5));
    assert_eq!(resource_search(body.as_bytes()).unwrap().kind, "docs");
    assert_eq!(action_search(body.as_bytes()).unwrap().resource.id, "1");
    for page in [
        json!({ "limit": -1 }),
        json!({ "limit": "5" }),
        json!({ "token": 5 }),
        json!(["t", 5]),
    ] {
        let body = json!({ "subject": { "type": "user", "id": "a" }, "resource": { "type": "t", "id": "1" }, "page": page });
        assert!(action_search(body.to_string().as_bytes()).is_err(), "{page}");
    }
}
