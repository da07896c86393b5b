//! JSON objects that get fields one by one.

use serde_json::Value;

/// Sets the field `name` of `object`; anything but an object is left alone.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}
