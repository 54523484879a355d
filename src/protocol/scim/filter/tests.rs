use super::*;
use crate::scim::schema::{GROUP, USER};

#[test]
fn the_whole_grammar_is_read() {
    for text in [
        "userName eq \"bjensen\"",
        "USERNAME EQ \"bjensen\"",
        "name.familyName co \"O'Malley\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"",
        "title pr",
        "title pr and userType eq \"Employee\"",
        "title pr or userType eq \"Intern\"",
        "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
        "userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")",
        "userType ne \"Employee\" and not (emails co \"example.com\" or emails.value co \"example.org\")",
        "userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]",
        "emails[type eq \"work\" and value co \"@example.com\"] or phoneNumbers[type eq \"x\" and not (value pr)]",
        "active eq true",
        "active eq \"True\"",
        "externalId eq null",
        "not(title pr)",
        "( title pr )",
        "userName eq \"a \\\"quoted\\\" (name) [x]\"",
        "  title   pr  ",
    ] {
        assert!(parse(&USER, text).is_ok(), "{text}: {:?}", parse(&USER, text));
    }
    assert!(parse(&GROUP, "members[value eq \"x\"]").is_ok());
    assert!(parse(&GROUP, "members eq \"x\" and displayName eq \"y\"").is_ok());
}

#[test]
fn and_binds_closer_than_or() {
    let filter = parse(&USER, "title pr or title pr and title pr or not (title pr)").unwrap();
    let Filter::Or(all) = filter else {
        panic!("{filter:?}")
    };
    assert!(matches!(
        all.as_slice(),
        [Filter::Present(_), Filter::And(_), Filter::Not(_)]
    ));
}

#[test]
fn what_is_no_filter_is_refused() {
    let (deep, long, many) = (
        format!("{}title pr{}", "(".repeat(17), ")".repeat(17)),
        format!("userName eq \"{}\"", "x".repeat(MAX_BYTES)),
        vec!["title pr"; 65].join(" or "),
    );
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq bjensen",
        "userName eq \"bjensen",
        "userName eq \"a\"x",
        "userName eq \"a\" and",
        "userName eq \"a\" userName eq \"b\"",
        "userName is \"a\"",
        "userName eq 1",
        "userName gt null",
        "userName eq \"a\\u0000\"",
        "userName.value eq \"a\"",
        "userName[value eq \"a\"]",
        "password eq \"x\"",
        "password pr",
        "nothing eq \"a\"",
        "name eq \"x\"",
        "active gt true",
        "active eq \"maybe\"",
        "meta.lastModified gt \"yesterday\"",
        "meta.lastModified co \"2011-05-13T04:42:34Z\"",
        "emails[type eq \"work\"",
        "emails[emails[type eq \"work\"]]",
        "emails[type eq \"work\"].value eq \"x\"",
        "emails[userName eq \"x\"]",
        "(title pr",
        "title pr)",
        "not title pr",
        "()",
        "[]",
        "'; DROP TABLE accounts; --",
        deep.as_str(),
        long.as_str(),
        many.as_str(),
        "(((((((((((((((((((((((((((((((((",
        "not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(title pr",
    ] {
        let refused = parse(&USER, text).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn paths_name_attributes_values_and_what_is_inside() {
    for (text, attribute, values, sub) in [
        ("displayName", "displayName", false, None),
        ("name.familyName", "name", false, Some("familyName")),
        ("emails", "emails", false, None),
        ("emails.value", "emails", false, Some("value")),
        ("emails[type eq \"work\"]", "emails", true, None),
        ("EMAILS[type eq \"work\"].VALUE", "emails", true, Some("value")),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
            "name",
            false,
            Some("givenName"),
        ),
        ("emails[value eq \"a]b\"].type", "emails", true, Some("type")),
    ] {
        let path = parse_path(&USER, text).unwrap();
        assert_eq!(path.attribute.name, attribute, "{text}");
        assert_eq!(path.values.is_some(), values, "{text}");
        assert_eq!(path.sub.map(|sub| sub.name), sub, "{text}");
    }
}

#[test]
fn paths_to_nowhere_are_refused() {
    for text in [
        "",
        "nothing",
        "name.nothing",
        "displayName.value",
        "name.familyName.more",
        "displayName[value eq \"x\"]",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"].nothing",
        "emails[]",
        "emails[type eq \"work\"].value.x",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "__proto__",
        "is_admin",
    ] {
        assert!(parse_path(&USER, text).is_err(), "{text}");
    }
}
