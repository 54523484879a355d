//! What is offered (RFC 7643 §5 to §7, RFC 7644 §4).

use super::directory::{Directory, GROUP, USER};

#[tokio::test]
async fn clients_find_out_what_is_offered() {
    let directory = Directory::start().await;
    let config = directory.get("/ServiceProviderConfig").await;
    assert_eq!(config.header("content-type"), Some("application/scim+json"));
    let config = config.json();
    for (pointer, offered) in [
        ("/patch/supported", true),
        ("/filter/supported", true),
        ("/sort/supported", true),
        ("/etag/supported", true),
        ("/bulk/supported", false),
        ("/changePassword/supported", false),
    ] {
        assert_eq!(config.pointer(pointer).unwrap(), offered, "{pointer}");
    }
    assert_eq!(config["filter"]["maxResults"], 200);

    assert_eq!(directory.listed("/Schemas", "id").await, [USER, GROUP]);
    let user = directory.get(&format!("/Schemas/{USER}")).await.json();
    let attributes = user["attributes"].as_array().unwrap();
    let of = |name: &str| attributes.iter().find(|found| found["name"] == name).unwrap();
    assert!(attributes.iter().all(|found| found["name"] != "password"));
    assert_eq!(of("roles")["mutability"], "readOnly");
    assert_eq!(of("userName")["uniqueness"], "server");
    assert_eq!(
        directory.listed("/ResourceTypes", "endpoint").await,
        ["/Users", "/Groups"]
    );
    let group = directory.get("/ResourceTypes/Group").await.json();
    assert_eq!(group["schema"], GROUP);
}
