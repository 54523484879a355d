//! A resource while it is patched. The values of an attribute that come and go by their keys are looked up, so that a
//! long list of members is walked once and not for each of them; whatever is walked is counted, and bounded.

use std::collections::HashMap;

use serde_json::Value;

use super::{Members, key};
use crate::scim::error::{ScimError, ScimType};
use crate::scim::resource::is_primary;
use crate::scim::schema::Attribute;

/// The most comparisons with values that all operations of a request may take together.
pub const MAX_COMPARISONS: usize = 100_000;

/// The resource, and how much of it may still be looked at.
pub(super) struct Work {
    resource: Members,
    open: Option<Open>,
    left: usize,
}

/// The values of an attribute, out of the resource.
struct Open {
    attribute: &'static Attribute,
    /// Null stands where one has left, so that the others keep their places.
    values: Vec<Value>,
    /// Where the values with a key are.
    places: HashMap<String, Vec<usize>>,
}

impl Work {
    pub(super) fn new(resource: Members) -> Work {
        Work {
            resource,
            open: None,
            left: MAX_COMPARISONS,
        }
    }

    /// Counts comparisons, and refuses those that are too many.
    pub(super) fn spend(&mut self, comparisons: usize) -> Result<(), ScimError> {
        let left = self.left.checked_sub(comparisons).ok_or_else(|| {
            let detail = "the operations need too many comparisons; list the values, or send fewer at a time";
            ScimError::of(ScimType::TooMany, detail)
        })?;
        self.left = left;
        Ok(())
    }

    /// The resource with all that was changed.
    pub(super) fn resource(&mut self) -> &mut Members {
        if let Some(mut open) = self.open.take() {
            open.values.retain(|value| !value.is_null());
            let name = open.attribute.name.to_owned();
            self.resource.insert(name, Value::Array(open.values));
        }
        &mut self.resource
    }

    /// The values of an attribute, taken out of the resource.
    pub(super) fn take(&mut self, attribute: &Attribute) -> Vec<Value> {
        match self.resource().remove(attribute.name) {
            Some(Value::Array(values)) => values,
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one],
        }
    }

    /// Puts them back.
    pub(super) fn put(&mut self, attribute: &Attribute, values: Vec<Value>) {
        let name = attribute.name.to_owned();
        self.resource().insert(name, Value::Array(values));
    }

    /// Adds values. One that is there already takes on what is new about it.
    pub(super) fn join(&mut self, attribute: &'static Attribute, added: &[Value]) -> Result<(), ScimError> {
        if added.is_empty() {
            return Ok(());
        }
        let primary = added.iter().any(is_primary);
        let keyless = added.iter().filter(|value| key(value).is_none()).count();
        let open = self.open(attribute, added.len(), keyless + usize::from(primary))?;
        if primary {
            open.values.iter_mut().for_each(demote);
        }
        for value in added {
            open.add(value);
        }
        Ok(())
    }

    /// Removes the values that have one of these keys, or are like one of the others.
    pub(super) fn leave(
        &mut self,
        attribute: &'static Attribute,
        keys: &[String],
        others: &[Value],
    ) -> Result<(), ScimError> {
        let open = self.open(attribute, keys.len(), others.len())?;
        for place in keys.iter().filter_map(|key| open.places.remove(key)).flatten() {
            open.values.get_mut(place).map(Value::take);
        }
        if others.is_empty() {
            return Ok(());
        }
        for value in open.values.iter_mut().filter(|value| others.contains(value)) {
            *value = Value::Null;
        }
        Ok(())
    }

    /// The values of an attribute by their keys: some are to be looked up, and all to be walked so many times.
    fn open(
        &mut self,
        attribute: &'static Attribute,
        lookups: usize,
        walks: usize,
    ) -> Result<&mut Open, ScimError> {
        let open = match self.open.take() {
            Some(open) if open.attribute.name == attribute.name => open,
            other => {
                self.open = other;
                let values = self.take(attribute);
                self.spend(values.len())?;
                Open::of(attribute, values)
            }
        };
        self.spend(walks.saturating_mul(open.values.len()).saturating_add(lookups))?;
        Ok(self.open.insert(open))
    }
}

impl Open {
    fn of(attribute: &'static Attribute, values: Vec<Value>) -> Open {
        let mut places: HashMap<String, Vec<usize>> = HashMap::with_capacity(values.len());
        for (place, value) in values.iter().enumerate() {
            if let Some(key) = key(value) {
                places.entry(key.to_owned()).or_default().push(place);
            }
        }
        Open {
            attribute,
            values,
            places,
        }
    }

    fn add(&mut self, value: &Value) {
        let Some(key) = key(value) else {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
            return;
        };
        let places = self.places.entry(key.to_owned()).or_default();
        let there = places.last().and_then(|place| self.values.get_mut(*place));
        match (there.and_then(Value::as_object_mut), value) {
            (Some(there), Value::Object(new)) => there.extend(new.clone()),
            _ => {
                places.push(self.values.len());
                self.values.push(value.clone());
            }
        }
    }
}

/// Makes a value other than the primary one.
pub(super) fn demote(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.remove("primary");
    }
}
