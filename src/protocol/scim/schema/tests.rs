use super::*;

#[test]
fn attributes_are_found_in_any_case_and_with_their_prefix() {
    assert_eq!(USER.attribute("USERNAME").unwrap().name, "userName");
    assert_eq!(USER.attribute("externalid").unwrap().name, "externalId");
    assert_eq!(
        USER.without_prefix("urn:IETF:params:scim:schemas:core:2.0:User:userName"),
        "userName"
    );
    assert_eq!(
        USER.without_prefix("urn:other:User:userName"),
        "urn:other:User:userName"
    );
    assert!(GROUP.attribute("userName").is_none());
}

#[test]
fn the_password_is_never_shown_and_nothing_gives_roles() {
    assert_eq!(USER.attribute("password").unwrap().returned, Returned::Never);
    for name in ["roles", "groups", "id", "meta", "schemas"] {
        assert_eq!(
            USER.attribute(name).unwrap().mutability,
            Mutability::ReadOnly,
            "{name}"
        );
    }
}
