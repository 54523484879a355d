//! The Authorization API as such (AuthZEN 1.0): who may ask, what a request must be, and what an answer is.

use serde_json::{Value, json};

use super::{library, post, question, token, token_of};
use crate::support::Request;

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";

#[tokio::test]
async fn the_metadata_say_where_to_ask() {
    let server = library().await;
    let answer = server.get("/.well-known/authzen-configuration").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let at = |path: &str| format!("http://localhost:8080/access/v1/{path}");
    assert_eq!(
        answer.json(),
        json!({
            "policy_decision_point": "http://localhost:8080",
            "access_evaluation_endpoint": at("evaluation"),
            "access_evaluations_endpoint": at("evaluations"),
            "search_subject_endpoint": at("search/subject"),
            "search_resource_endpoint": at("search/resource"),
            "search_action_endpoint": at("search/action"),
        })
    );
}

#[tokio::test]
async fn only_who_may_ask_gets_an_answer() {
    let server = library().await;
    let body = question("carol", "write", ("books", "1"));
    let asks = token(&server, "asking", "access:evaluate").await;
    assert_eq!(post(&server, &asks, ONE, &body).await.status, 200);

    let reads = token(&server, "asking", "access:read").await;
    // A person whose role does not carry the permission gets no such scope.
    let alice = token_of(&server, "alice", super::ALICE, "openid access:evaluate").await;
    let elsewhere = server
        .token_as(
            "m2m",
            "m2m-secret-of-more-than-32-characters",
            &[("grant_type", "client_credentials")],
        )
        .await;
    for path in [
        ONE,
        MANY,
        "/access/v1/search/subject",
        "/access/v1/search/resource",
        "/access/v1/search/action",
    ] {
        let refused = post(&server, &reads, path, &body).await;
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(refused.json()["permission"], "access:evaluate");
        assert_eq!(post(&server, &alice, path, &body).await.status, 403, "{path}");
        for wrong in ["nonsense", elsewhere.text("access_token").as_str()] {
            let refused = post(&server, wrong, path, &body).await;
            assert_eq!(refused.status, 401, "{path}");
            assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
        }
        let nobody = Request::new("POST", path)
            .header("content-type", "application/json")
            .body(body.to_string());
        assert_eq!(server.send(nobody).await.status, 401, "{path}");
        let in_url = Request::new("POST", format!("{path}?access_token={asks}")).body(body.to_string());
        assert_eq!(server.send(in_url).await.status, 400, "{path}");
        assert_eq!(
            server.send(Request::get(path).bearer(&asks)).await.status,
            405,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_what_is_wrong() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let good = question("carol", "write", ("books", "1"));
    for missing in ["subject", "action", "resource"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        for path in [ONE, MANY] {
            let refused = post(&server, &asks, path, &body).await;
            assert_eq!(refused.status, 400, "{path} without {missing}");
            assert_eq!(refused.header("content-type"), Some("application/problem+json"));
            assert_eq!(refused.json()["member"], missing);
        }
    }
    let send = async |kind: &str, body: &str| {
        let request = Request::new("POST", ONE)
            .bearer(&asks)
            .header("content-type", kind);
        server.send(request.body(body)).await.status
    };
    let good = good.to_string();
    let deep = |deep: usize| {
        let deep = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        good.replacen('{', &format!(r#"{{"future":{deep},"#), 1)
    };
    assert_eq!(send("application/json", &deep(63)).await, 200);
    assert_eq!(send("application/json", &deep(64)).await, 400);
    let mut bytes = good.replacen('{', r#"{"future":"?","#, 1).into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[place] = 0xFF;
    let request = Request::new("POST", ONE)
        .bearer(&asks)
        .header("content-type", "application/json")
        .body(bytes);
    assert_eq!(server.send(request).await.status, 400);
    assert_eq!(send("application/json; charset=utf-8", &good).await, 200);
    assert_eq!(send("text/plain", &good).await, 400);
    assert_eq!(send("application/json", "").await, 400);
    assert_eq!(send("application/json", "{").await, 400);
    assert_eq!(
        send("application/json", &good.replace("\"carol\"", "1")).await,
        400
    );
    assert_eq!(
        send("application/json", &good.replace("carol", "carol\\u0000")).await,
        400
    );
    let huge = good.replacen('{', &format!(r#"{{"x":"{}","#, "y".repeat(300_000)), 1);
    assert_eq!(send("application/json", &huge).await, 413);
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep = good.replacen('{', &format!(r#"{{"context":{{"x":{deep}}},"#), 1);
    assert!([200, 400].contains(&send("application/json", &deep).await));
}

#[tokio::test]
async fn the_identifier_of_a_request_is_given_back() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let body = question("carol", "write", ("books", "1")).to_string();
    let send = async |token: &str, id: &str| {
        let request = Request::new("POST", ONE)
            .bearer(token)
            .header("content-type", "application/json");
        server
            .send(request.header("x-request-id", id).body(body.clone()))
            .await
    };
    let id = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716";
    assert_eq!(send(&asks, id).await.header("x-request-id"), Some(id));
    assert_eq!(send("wrong", id).await.header("x-request-id"), Some(id));
    // Elsewhere the identifier is the server's own, whatever a stranger sends.
    let elsewhere = server
        .send(Request::get("/jwks.json").header("x-request-id", id))
        .await;
    assert_ne!(elsewhere.header("x-request-id"), Some(id));
}

fn decisions(answer: &Value) -> Vec<bool> {
    let all = answer["evaluations"].as_array().unwrap().iter();
    all.map(|one| one["decision"].as_bool().unwrap()).collect()
}

#[tokio::test]
async fn many_questions_are_answered_in_their_order_and_as_asked() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let ask = async |semantic: Option<&str>| {
        let mut body = json!({
            "subject": { "type": "user", "id": "carol" },
            "action": { "name": "read" },
            "resource": { "type": "books" },
            "evaluations": [
                { "resource": { "type": "books", "id": "1" } },
                { "action": { "name": "burn" }, "resource": { "type": "books", "id": "1" } },
                {},
                { "subject": { "type": "user", "id": "alice" }, "resource": { "type": "books", "id": "1" } },
                { "action": { "name": "write" }, "resource": { "type": "books", "id": "2" } },
            ],
        });
        if let Some(semantic) = semantic {
            body["options"] = json!({ "evaluations_semantic": semantic });
        }
        post(&server, &asks, MANY, &body).await
    };
    let answer = ask(None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(decisions(&answer.json()), [true, false, false, false, true]);
    let wrong = &answer.json()["evaluations"][2]["context"]["error"];
    assert_eq!(
        wrong,
        &json!({ "status": 400, "message": "resource.id: is missing" })
    );
    assert!(answer.json().get("decision").is_none());
    for (semantic, expected) in [
        ("execute_all", vec![true, false, false, false, true]),
        ("deny_on_first_deny", vec![true, false]),
        ("permit_on_first_permit", vec![true]),
    ] {
        assert_eq!(
            decisions(&ask(Some(semantic)).await.json()),
            expected,
            "{semantic}"
        );
    }
    assert_eq!(ask(Some("guess")).await.status, 400);
}

#[tokio::test]
async fn a_part_that_is_sent_is_taken_as_it_is() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let mut body = question("carol", "read", ("books", "1"));
    body["evaluations"] = json!([
        { "subject": { "type": "user", "id": "carol" } },
        { "subject": { "type": "user" } },
        { "subject": { "id": "carol" } },
        { "resource": { "id": "1" } },
        { "action": { "properties": {} } },
        { "subject": null },
    ]);
    let answer = post(&server, &asks, MANY, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(decisions(&answer), [true, false, false, false, false, true]);
    for (place, member) in [
        (1, "subject.id"),
        (2, "subject.type"),
        (3, "resource.type"),
        (4, "action.name"),
    ] {
        assert_eq!(
            answer["evaluations"][place]["context"]["error"],
            json!({ "status": 400, "message": format!("{member}: is missing") })
        );
    }
}

#[tokio::test]
async fn without_questions_the_defaults_are_the_one_question() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let mut body = question("carol", "read", ("books", "1"));
    let expected = json!({ "decision": true, "context": { "reason": "role" } });
    assert_eq!(post(&server, &asks, MANY, &body).await.json(), expected);
    for none in [json!([]), json!(null)] {
        body["evaluations"] = none;
        assert_eq!(post(&server, &asks, MANY, &body).await.json(), expected);
    }
}

#[tokio::test]
async fn a_request_holds_a_hundred_questions_and_no_more() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let of = |count: usize| {
        let mut body = question("carol", "read", ("books", "1"));
        body["evaluations"] = json!(vec![json!({}); count]);
        body
    };
    let answer = post(&server, &asks, MANY, &of(100)).await;
    assert_eq!(decisions(&answer.json()), vec![true; 100]);
    assert_eq!(post(&server, &asks, MANY, &of(101)).await.status, 400);
}
