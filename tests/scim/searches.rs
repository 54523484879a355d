//! Lists: filters, order, parts (RFC 7644 §3.4.2, §3.4.3, §3.9).

use serde_json::json;

use super::directory::{Directory, encoded, error, is, values};

async fn with_people() -> Directory {
    let directory = Directory::start().await;
    for (name, more) in [
        (
            "kim",
            json!({ "title": "Boss", "externalId": "Ext-1", "userType": "Employee",
            "emails": [{ "value": "kim@corp.example", "type": "work" }], "name": { "familyName": "Zed" } }),
        ),
        (
            "kit",
            json!({ "title": "Clerk", "active": false, "name": { "familyName": "Abel" } }),
        ),
        (
            "k_m",
            json!({ "emails": [{ "value": "km@home.example", "type": "home" }] }),
        ),
    ] {
        directory.add_user(name, &more).await;
        directory.server.advance(protocol::time::Lifetime::seconds(10));
    }
    directory
}

#[tokio::test]
async fn filters_find_what_they_ask_for() {
    let directory = with_people().await;
    let kim = directory.id_of("kim").await;
    directory.add_group("Crew", &[&kim]).await;
    for (filter, names) in [
        ("userName eq \"KIM\"", vec!["kim"]),
        ("userName eq \"nobody\"", vec![]),
        ("userName sw \"k\"", vec!["kim", "kit", "k_m"]),
        ("userName sw \"k_\"", vec!["k_m"]),
        ("userName sw \"%\"", vec![]),
        ("userName co \"i\" and userName sw \"k\"", vec!["kim", "kit"]),
        ("externalId eq \"Ext-1\"", vec!["kim"]),
        ("externalId eq \"ext-1\"", vec![]),
        ("emails.value eq \"KIM@corp.example\"", vec!["kim"]),
        (
            "emails[type eq \"work\" and value eq \"kim@corp.example\"]",
            vec!["kim"],
        ),
        (
            "emails[type eq \"home\" and value eq \"kim@corp.example\"]",
            vec![],
        ),
        ("emails[type eq \"home\"]", vec!["k_m"]),
        ("active eq false and userName sw \"k\"", vec!["kit"]),
        ("userName sw \"k\" and not (title pr)", vec!["k_m"]),
        ("title eq \"boss\" or title eq \"clerk\"", vec!["kim", "kit"]),
        (
            "userName eq \"kit\" or emails.value eq \"km@home.example\"",
            vec!["kit", "k_m"],
        ),
        ("groups.display eq \"crew\"", vec!["kim"]),
        (
            "userName sw \"k\" and meta.created gt \"2027-01-15T08:00:10Z\"",
            vec!["k_m"],
        ),
        (
            "meta.lastModified le \"2027-01-15T08:00:00Z\" and userName sw \"k\"",
            vec!["kim"],
        ),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userType eq \"employee\"",
            vec!["kim"],
        ),
        ("userName eq \"' OR 1=1 --\"", vec![]),
        ("userName eq \"\\\" or userName pr\"", vec![]),
    ] {
        let path = format!("/Users?filter={}", encoded(filter));
        assert_eq!(directory.listed(&path, "userName").await, names, "{filter}");
    }
    let by_id = format!("/Users?filter={}", encoded(&format!("id eq \"{kim}\"")));
    assert_eq!(directory.listed(&by_id, "userName").await, ["kim"]);
}

#[tokio::test]
async fn lists_are_sorted_and_come_in_parts() {
    let directory = with_people().await;
    let filter = encoded("userName sw \"k\"");
    for (query, names) in [
        ("", vec!["kim", "kit", "k_m"]),
        ("&sortBy=userName", vec!["k_m", "kim", "kit"]),
        ("&sortBy=userName&sortOrder=descending", vec!["kit", "kim", "k_m"]),
        (
            "&sortBy=meta.created&sortOrder=descending",
            vec!["k_m", "kit", "kim"],
        ),
        ("&sortBy=name.familyName", vec!["kit", "kim", "k_m"]),
        ("&startIndex=2&count=1", vec!["kit"]),
        ("&startIndex=3", vec!["k_m"]),
        ("&startIndex=0&count=1", vec!["kim"]),
        ("&startIndex=-5&count=1", vec!["kim"]),
        ("&startIndex=4", vec![]),
        (
            "&startIndex=9223372036854775807&count=9223372036854775807",
            vec![],
        ),
        ("&count=0", vec![]),
        ("&count=-1", vec![]),
        ("&sortBy=title&startIndex=2&count=1", vec!["kit"]),
    ] {
        let answer = directory.get(&format!("/Users?filter={filter}{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(values(&answer, "userName"), names, "{query}");
        assert_eq!(answer.json()["totalResults"], 3, "{query}");
        assert_eq!(answer.json()["itemsPerPage"], names.len(), "{query}");
    }
    let answer = directory.get("/Users?count=2").await.json();
    assert_eq!(
        answer["schemas"][0],
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
    );
    assert_eq!(answer["Resources"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_holds_the_attributes_that_are_asked_for() {
    let directory = with_people().await;
    let filter = encoded("userName eq \"kim\"");
    let id = directory.id_of("kim").await;
    for path in [format!("/Users/{id}?"), format!("/Users?filter={filter}&")] {
        let one = async |query: &str| {
            let answer = directory.get(&format!("{path}{query}")).await.json();
            answer.pointer("/Resources/0").unwrap_or(&answer).clone()
        };
        let few = one("attributes=userName,emails.value,nothing").await;
        let names: Vec<&String> = few.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 4, "{few}");
        assert_eq!(few["emails"], json!([{ "value": "kim@corp.example" }]));
        let most = one("excludedAttributes=emails,id,meta").await;
        assert!(most.get("emails").is_none() && most.get("meta").is_none());
        assert_eq!(most["id"], id.as_str());
        let none = one("attributes=password").await;
        assert!(none.get("password").is_none());
    }
}

#[tokio::test]
async fn searches_are_sent_as_bodies_too() {
    let directory = with_people().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName sw \"k\"", "sortBy": "userName", "startIndex": 2, "count": 5,
        "attributes": ["userName"],
    });
    let answer = directory.post("/Users/.search", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(values(&answer, "userName"), ["kim", "kit"]);
    assert!(answer.json()["Resources"][0].get("meta").is_none());
    for (member, value) in [
        ("schemas", json!([])),
        ("filter", json!(7)),
        ("filter", json!("userName")),
        ("sortBy", json!("nothing")),
        ("count", json!("many")),
        ("attributes", json!("userName")),
    ] {
        let mut wrong = body.clone();
        wrong[member] = value;
        assert_eq!(
            directory.post("/Users/.search", &wrong).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let directory = Directory::start().await;
    let deep = format!("{}title pr{}", "(".repeat(500), ")".repeat(500));
    let long = format!("userName eq \"{}\"", "x".repeat(5000));
    for filter in [
        "userName",
        "userName eq",
        "userName eq 'x'",
        "userName eq \"x",
        "nothing eq \"x\"",
        "password eq \"x\"",
        "password sw \"$argon2\"",
        "userName eq \"\\u0000\"",
        "userName eq \"x\" ; DROP TABLE accounts",
        "emails[emails[type eq \"x\"]]",
        deep.as_str(),
        long.as_str(),
    ] {
        for endpoint in ["Users", "Groups"] {
            let answer = directory
                .get(&format!("/{endpoint}?filter={}", encoded(filter)))
                .await;
            assert_eq!(error(&answer), is(400, "invalidFilter"), "{filter}");
        }
    }
    for query in [
        "sortBy=nothing",
        "sortBy=password",
        "sortBy=username;drop",
        "sortBy=id%00",
        "sortBy=userName&sortOrder=sideways",
        "count=ten",
        "startIndex=1.5",
        "attributes=id&excludedAttributes=meta",
        "count=1&count=2",
    ] {
        let answer = directory.get(&format!("/Users?{query}")).await;
        assert_eq!(error(&answer).0, 400, "{query}");
    }
}

#[tokio::test]
async fn what_no_index_answers_is_looked_for_among_so_many_and_no_more() {
    let directory = Directory::start().await;
    let many = |number| format!("[[account]]\nusername = \"bulk{number:04}\"\n");
    let file: String = (0..2001).map(many).collect();
    directory.server.apply(&file).await;
    let refused = directory
        .get(&format!("/Users?filter={}", encoded("title eq \"Boss\"")))
        .await;
    assert_eq!(error(&refused), is(400, "tooMany"));
    let sorted = directory.get("/Users?sortBy=title").await;
    assert_eq!(error(&sorted), is(400, "tooMany"));
    for (filter, count) in [
        ("userName eq \"bulk0007\"", 1),
        ("userName sw \"bulk00\"", 100),
        ("userName sw \"bulk00\" and not (title pr)", 100),
        ("userName sw \"bulk\"", 2001),
        ("userName eq \"bulk0001\" or userName eq \"bulk0002\"", 2),
    ] {
        let answer = directory.get(&format!("/Users?filter={}", encoded(filter))).await;
        assert_eq!(
            answer.json()["totalResults"],
            count,
            "{filter}: {}",
            answer.status
        );
    }
    let page = directory.get("/Users?startIndex=1900&count=1000").await.json();
    assert_eq!(page["itemsPerPage"], 106);
}
