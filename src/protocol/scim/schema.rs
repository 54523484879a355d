//! Users and groups as they are offered: each attribute with what may be done to it (RFC 7643 §4, §7). Reading, writing,
//! filtering and patching all go by these tables, and `/Schemas` shows them.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What an attribute holds (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A moment.
    DateTime,
    /// The address of something of one of these types.
    Reference(&'static [&'static str]),
    /// Other attributes.
    Complex(&'static [Attribute]),
}

/// Who may set an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
}

/// When an attribute is in an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Whatever is asked for.
    Always,
    /// Unless something else is asked for.
    Default,
    /// Never.
    Never,
}

/// An attribute.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are the characteristics of RFC 7643 §7")]
pub struct Attribute {
    pub name: &'static str,
    pub kind: Kind,
    pub description: &'static str,
    pub multi_valued: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub unique: bool,
    pub canonical: &'static [&'static str],
    /// Whether it is one of our identifiers, which are UUIDs.
    pub identifier: bool,
    /// The most characters of a text, or the most values where there can be many.
    pub limit: usize,
}

const fn attribute(name: &'static str, kind: Kind, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        description,
        multi_valued: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        unique: false,
        canonical: &[],
        identifier: false,
        limit: 255,
    }
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Kind::Text, description)
}

impl Attribute {
    const fn many(mut self, limit: usize) -> Attribute {
        self.multi_valued = true;
        self.limit = limit;
        self
    }

    const fn up_to(mut self, limit: usize) -> Attribute {
        self.limit = limit;
        self
    }

    const fn required(mut self) -> Attribute {
        self.required = true;
        self
    }

    const fn exact(mut self) -> Attribute {
        self.case_exact = true;
        self
    }

    const fn read_only(mut self) -> Attribute {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Attribute {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn returned(mut self, returned: Returned) -> Attribute {
        self.returned = returned;
        self
    }

    const fn unique(mut self) -> Attribute {
        self.unique = true;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Attribute {
        self.canonical = values;
        self
    }

    const fn identifier(mut self) -> Attribute {
        self.identifier = true;
        self
    }

    /// A text as it is kept and compared: an identifier however it is written is the one that we write.
    pub fn written(&self, text: &str) -> String {
        match Uuid::try_parse(text) {
            Ok(id) if self.identifier => id.to_string(),
            _ => text.to_owned(),
        }
    }

    /// The attributes inside.
    pub fn sub_attributes(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(inner) => inner,
            _ => &[],
        }
    }

    /// The one inside with this name, in any case of letters.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        named(self.sub_attributes(), name)
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "name": self.name,
            "type": match self.kind {
                Kind::Text => "string",
                Kind::Boolean => "boolean",
                Kind::DateTime => "dateTime",
                Kind::Reference(_) => "reference",
                Kind::Complex(_) => "complex",
            },
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": match self.mutability {
                Mutability::ReadOnly => "readOnly",
                Mutability::ReadWrite => "readWrite",
                Mutability::Immutable => "immutable",
            },
            "returned": match self.returned {
                Returned::Always => "always",
                Returned::Default => "default",
                Returned::Never => "never",
            },
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        let mut add = |name: &str, value: Value| {
            if let Some(members) = document.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if !self.canonical.is_empty() {
            add("canonicalValues", json!(self.canonical));
        }
        match self.kind {
            Kind::Reference(types) => add("referenceTypes", json!(types)),
            Kind::Complex(inner) => {
                let inner = inner.iter().map(Attribute::document);
                add("subAttributes", inner.collect());
            }
            _ => {}
        }
        document
    }
}

fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// A kind of resource: its schema, and where it is served (RFC 7643 §6, §7).
#[derive(Debug)]
pub struct Schema {
    /// The identifier.
    pub id: &'static str,
    /// The name of the resource.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// The path below the root.
    pub endpoint: &'static str,
    /// The attributes beside those that all resources have.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute with this name, in any case of letters.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(self.attributes, name).or_else(|| named(&COMMON, name))
    }

    /// What the attributes of this schema may be prefixed with, taken off (RFC 7644 §3.10).
    pub fn without_prefix<'a>(&self, text: &'a str) -> &'a str {
        match text.split_at_checked(self.id.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(self.id) => {
                rest.strip_prefix(':').unwrap_or(text)
            }
            _ => text,
        }
    }

    /// The schema for others to read (RFC 7643 §7).
    pub fn document(&self, root: &str) -> Value {
        // What can be given once and is neither read nor changed later has no word here (RFC 7643 §7).
        let shown = self
            .attributes
            .iter()
            .filter(|attribute| attribute.returned != Returned::Never);
        let attributes: Vec<Value> = shown.map(Attribute::document).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{root}/Schemas/{}", self.id) },
        })
    }

    /// The type of resource for others to read (RFC 7643 §6).
    pub fn resource_type(&self, root: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": self.id,
            "meta": { "resourceType": "ResourceType", "location": format!("{root}/ResourceTypes/{}", self.name) },
        })
    }
}

/// What every resource has (RFC 7643 §3.1).
pub const COMMON: [Attribute; 4] = [
    text("schemas", "What the resource is made of")
        .many(10)
        .exact()
        .read_only()
        .returned(Returned::Always),
    text("id", "The identifier of the resource here")
        .exact()
        .identifier()
        .read_only()
        .returned(Returned::Always),
    text("externalId", "The identifier that the client has for it").exact(),
    attribute("meta", Kind::Complex(&META), "About the resource").read_only(),
];

const META: [Attribute; 5] = [
    text("resourceType", "The kind of resource").exact().read_only(),
    attribute("created", Kind::DateTime, "When it was made").read_only(),
    attribute("lastModified", Kind::DateTime, "When it was last changed").read_only(),
    attribute("location", Kind::Reference(&["uri"]), "Where it is")
        .exact()
        .read_only(),
    text("version", "Its entity tag").exact().read_only(),
];

const KINDS: [&str; 3] = ["work", "home", "other"];

/// A person (RFC 7643 §4.1).
pub static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A person's account",
    endpoint: "/Users",
    attributes: &[
        text("userName", "The name to sign in with").required().unique(),
        attribute(
            "name",
            Kind::Complex(&[
                text("formatted", "The full name with all its parts"),
                text("familyName", "The family name").up_to(100),
                text("givenName", "The given name").up_to(100),
                text("middleName", "The middle names").up_to(100),
                text("honorificPrefix", "What goes before the name").up_to(100),
                text("honorificSuffix", "What follows the name").up_to(100),
            ]),
            "The parts of the name",
        ),
        text("displayName", "The name as others see it").up_to(100),
        text("nickName", "How friends say").up_to(100),
        attribute(
            "profileUrl",
            Kind::Reference(&["external"]),
            "A page about the person",
        )
        .up_to(500),
        text("title", "The position held"),
        text("userType", "How the person belongs to the organisation"),
        text("preferredLanguage", "The language to write to the person in").up_to(100),
        text("locale", "How dates and numbers are written").up_to(100),
        text("timezone", "The time zone, such as Europe/Berlin").up_to(100),
        attribute("active", Kind::Boolean, "Whether the person may sign in"),
        text("password", "A first password, to be changed at the first sign-in")
            .up_to(1024)
            .exact()
            .immutable()
            .returned(Returned::Never),
        attribute(
            "emails",
            Kind::Complex(&[
                text("value", "The address").required(),
                text("display", "For people").up_to(100),
                text("type", "What it is for").canonical(&KINDS).up_to(50),
                attribute("primary", Kind::Boolean, "Whether it is the one to use"),
            ]),
            "The mail address; of several the primary or else the first is kept",
        )
        .many(20),
        attribute(
            "phoneNumbers",
            Kind::Complex(&[
                text("value", "The number").required().up_to(100),
                text("display", "For people").up_to(100),
                text("type", "What it is for").canonical(&KINDS).up_to(50),
                attribute("primary", Kind::Boolean, "Whether it is the one to use"),
            ]),
            "Telephone numbers",
        )
        .many(20),
        attribute(
            "addresses",
            Kind::Complex(&[
                text("formatted", "All of it, in lines").up_to(1000),
                text("streetAddress", "Street and number"),
                text("locality", "City"),
                text("region", "State or region"),
                text("postalCode", "Postal code").up_to(50),
                text("country", "Country").up_to(100),
                text("type", "What it is for").canonical(&KINDS).up_to(50),
                attribute("primary", Kind::Boolean, "Whether it is the one to use"),
            ]),
            "Postal addresses",
        )
        .many(20),
        attribute(
            "groups",
            Kind::Complex(&[
                text("value", "The identifier of the group")
                    .exact()
                    .identifier()
                    .read_only(),
                attribute("$ref", Kind::Reference(&["Group"]), "Where the group is")
                    .exact()
                    .read_only(),
                text("display", "The name of the group").read_only(),
                text("type", "How the person belongs to it").read_only(),
            ]),
            "The groups of the person",
        )
        .many(1000)
        .read_only(),
        attribute(
            "roles",
            Kind::Complex(&[text("value", "The name of the role").exact().read_only()]),
            "The roles held, directly or through groups",
        )
        .many(1000)
        .read_only(),
    ],
};

/// The most members of a group.
pub const MAX_MEMBERS: usize = 10_000;

/// A group of people (RFC 7643 §4.2).
pub static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A group of accounts",
    endpoint: "/Groups",
    attributes: &[
        text("displayName", "The name of the group").required().unique(),
        attribute(
            "members",
            Kind::Complex(&[
                text("value", "The identifier of the user")
                    .required()
                    .exact()
                    .identifier()
                    .immutable(),
                attribute("$ref", Kind::Reference(&["User"]), "Where the user is")
                    .exact()
                    .immutable(),
                text("type", "The kind of member")
                    .canonical(&["User"])
                    .immutable(),
            ]),
            "The members",
        )
        .many(MAX_MEMBERS),
    ],
};

/// What this server can do of the protocol (RFC 7643 §5).
pub fn service_provider_config(root: &str, max_results: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": max_results },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth 2.0 access token",
            "description": "A bearer token of this server with the scope scim:provision",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{root}/ServiceProviderConfig") },
    })
}

/// The resource whose members are named with a schema.
pub fn of_name(name: &str) -> Option<&'static Schema> {
    [&USER, &GROUP].into_iter().find(|schema| schema.name == name)
}

/// The schema with this identifier.
pub fn of_id(id: &str) -> Option<&'static Schema> {
    [&USER, &GROUP]
        .into_iter()
        .find(|schema| schema.id.eq_ignore_ascii_case(id))
}

/// An empty resource of a kind.
pub fn blank(schema: &Schema) -> Map<String, Value> {
    Map::from_iter([("schemas".to_owned(), json!([schema.id]))])
}

#[cfg(test)]
mod tests;
