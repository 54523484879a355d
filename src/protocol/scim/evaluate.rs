//! Whether a resource is what a filter asks for, and which comes first.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::date;
use super::filter::{AttributePath, Filter, Operand, Operator, boolean};
use super::schema::Attribute;

type Members = Map<String, Value>;

/// Whether a resource, or one value of an attribute, is what the filter asks for.
pub fn matches(filter: &Filter, members: &Members) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|filter| matches(filter, members)),
        Filter::Or(all) => all.iter().any(|filter| matches(filter, members)),
        Filter::Not(filter) => !matches(filter, members),
        Filter::Present(path) => values(members, path).next().is_some(),
        Filter::Compare(path, operator, operand) => compares(members, path, *operator, operand),
        Filter::Holds(attribute, filter) => each(members, attribute)
            .filter_map(Value::as_object)
            .any(|value| matches(filter, value)),
    }
}

/// The values of an attribute, one by one.
fn each<'a>(members: &'a Members, attribute: &Attribute) -> impl Iterator<Item = &'a Value> {
    let (many, one) = match members.get(attribute.name) {
        Some(Value::Array(many)) => (many.as_slice(), None),
        one => (&[][..], one),
    };
    many.iter().chain(one).filter(|value| !is_empty(value))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// The values that a path leads to.
fn values<'a>(members: &'a Members, path: &AttributePath) -> impl Iterator<Item = &'a Value> {
    let sub = path.sub;
    each(members, path.attribute)
        .filter_map(move |value| match sub {
            Some(sub) => value.get(sub.name),
            None => Some(value),
        })
        .filter(|value| !value.is_null())
}

fn compares(members: &Members, path: &AttributePath, operator: Operator, operand: &Operand) -> bool {
    let equal = |value: &Value| compare(value, Operator::Eq, operand, path.leaf());
    match (operator, operand) {
        (Operator::Eq, Operand::Null) => values(members, path).next().is_none(),
        (Operator::Ne, Operand::Null) => values(members, path).next().is_some(),
        (Operator::Ne, _) => !values(members, path).any(equal),
        _ => values(members, path).any(|value| compare(value, operator, operand, path.leaf())),
    }
}

fn compare(value: &Value, operator: Operator, operand: &Operand, leaf: &Attribute) -> bool {
    match operand {
        Operand::Text(wanted) => {
            let Some(text) = value.as_str() else { return false };
            if leaf.case_exact {
                compare_text(text, operator, wanted)
            } else {
                compare_text(&text.to_lowercase(), operator, &wanted.to_lowercase())
            }
        }
        Operand::Boolean(wanted) => operator == Operator::Eq && boolean(value) == Some(*wanted),
        Operand::Moment(wanted) => value
            .as_str()
            .and_then(date::parse)
            .is_some_and(|at| holds(operator, at.cmp(wanted))),
        Operand::Null => false,
    }
}

fn compare_text(text: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Co => text.contains(wanted),
        Operator::Sw => text.starts_with(wanted),
        Operator::Ew => text.ends_with(wanted),
        _ => holds(operator, text.cmp(wanted)),
    }
}

fn holds(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

/// The order of two resources by an attribute: of many values the primary or the first counts, and what has none comes
/// last (RFC 7644 §3.4.2.3).
pub fn order(path: &AttributePath, one: &Members, other: &Members) -> Ordering {
    match (sort_key(path, one), sort_key(path, other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn sort_key(path: &AttributePath, members: &Members) -> Option<String> {
    let primary =
        each(members, path.attribute).find(|value| value.get("primary") == Some(&Value::Bool(true)));
    let value = primary.or_else(|| each(members, path.attribute).next())?;
    let value = match path.sub {
        Some(sub) => value.get(sub.name)?,
        None => value.get("value").unwrap_or(value),
    };
    match value {
        Value::String(text) if path.leaf().case_exact => Some(text.clone()),
        Value::String(text) => Some(text.to_lowercase()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::filter::{parse, parse_attribute};
    use crate::scim::schema::USER;

    fn sample() -> Members {
        let sample = json!({
            "id": "Abc",
            "userName": "bjensen@example.com",
            "externalId": "Ext-1",
            "name": { "familyName": "Jensen", "givenName": "Barbara" },
            "active": true,
            "emails": [
                { "value": "bjensen@example.com", "type": "work", "primary": true },
                { "value": "babs@jensen.org", "type": "home" },
            ],
            "meta": { "lastModified": "2027-01-15T08:00:00Z" },
        });
        sample.as_object().unwrap().clone()
    }

    #[test]
    fn filters_find_what_they_ask_for() {
        for (text, found) in [
            ("userName eq \"BJENSEN@example.com\"", true),
            ("userName eq \"bjensen\"", false),
            ("userName ne \"bjensen\"", true),
            ("userName sw \"bjen\"", true),
            ("userName ew \".COM\"", true),
            ("userName co \"@\"", true),
            ("userName gt \"a\"", true),
            ("userName lt \"a\"", false),
            ("id eq \"Abc\"", true),
            ("id eq \"abc\"", false),
            ("externalId eq \"ext-1\"", false),
            ("title pr", false),
            ("title eq null", true),
            ("title ne \"x\"", true),
            ("title ne null", false),
            ("name.familyName eq \"jensen\"", true),
            ("name pr", true),
            ("active eq true", true),
            ("active eq false", false),
            ("active ne \"False\"", true),
            ("emails eq \"babs@jensen.org\"", true),
            ("emails.type eq \"home\"", true),
            ("emails[type eq \"work\" and value co \"jensen.org\"]", false),
            ("emails[type eq \"home\" and value co \"jensen.org\"]", true),
            ("emails[primary eq true]", true),
            ("emails[not (type eq \"work\")]", true),
            ("phoneNumbers[type eq \"work\"]", false),
            ("not (phoneNumbers pr)", true),
            ("meta.lastModified ge \"2027-01-15T09:00:00+01:00\"", true),
            ("meta.lastModified gt \"2027-01-15T08:00:00Z\"", false),
            ("title pr or active eq true and userName sw \"b\"", true),
            ("(title pr or active eq true) and userName sw \"x\"", false),
        ] {
            let filter = parse(&USER, text).unwrap();
            assert_eq!(matches(&filter, &sample()), found, "{text}");
        }
    }

    #[test]
    fn what_has_no_value_comes_last() {
        let path = parse_attribute(&USER, "title").unwrap();
        let with = Map::from_iter([("title".to_owned(), json!("b"))]);
        let other = Map::from_iter([("title".to_owned(), json!("A"))]);
        assert_eq!(order(&path, &with, &Map::new()), Ordering::Less);
        assert_eq!(order(&path, &with, &other), Ordering::Greater);
        let emails = parse_attribute(&USER, "emails.value").unwrap();
        assert_eq!(
            sort_key(&emails, &sample()).as_deref(),
            Some("bjensen@example.com")
        );
    }
}
