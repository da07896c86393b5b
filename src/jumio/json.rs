//! JSON from outside: bounded, without duplicate keys, wiped, and read by pointer.
//!
//! Typed structs would be shorter, but their errors repeat what they read, and they leave copies of
//! tokens behind. Delete this if serde ever gives pointers without content.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::JumioError;
use crate::model::{Id, IdKind, Timestamp};

/// Longest JSON answer read, in bytes (1 MiB). Jumio's longest published sample is under 20 kB.
pub(super) const LEN_MAX: usize = 1024 * 1024;

/// Deepest nesting read. Jumio's documents nest 8 deep.
const DEPTH_MAX: u8 = 32;

/// One JSON value; texts are wiped on drop, because some are tokens.
pub(super) enum Json {
    Null,
    /// True, false, or a number that is not a whole one: we read none of them.
    Other,
    Whole(u64),
    Text(Zeroizing<String>),
    List(Vec<Json>),
    Object(HashMap<String, Json>),
}

impl Json {
    /// Reads one whole document.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] at `#json` if it is not JSON, nests too deep, has a key
    /// twice in one object, or goes on after its end.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JumioError> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        Levels(DEPTH_MAX)
            .deserialize(&mut deserializer)
            .and_then(|json| deserializer.end().map(|()| json))
            .map_err(|_| JumioError::ResponseUnexpected { pointer: "#json".to_owned() })
    }

    /// The top of the document, to read from.
    pub(super) fn top(&self) -> At<'_> {
        At { json: self, pointer: String::new() }
    }
}

/// A place in a document. Its pointer has only keys that we asked for, never one that we were given.
pub(super) struct At<'a> {
    json: &'a Json,
    pointer: String,
}

impl<'a> At<'a> {
    /// What is under `key`; nothing if that is missing or null.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if this is not an object.
    pub(super) fn field(&self, key: &'static str) -> Result<Option<At<'a>>, JumioError> {
        let Json::Object(fields) = self.json else {
            return Err(self.unexpected());
        };
        let found = fields.get(key).filter(|json| !matches!(json, Json::Null));
        Ok(found.map(|json| At { json, pointer: format!("{}/{key}", self.pointer) }))
    }

    /// What is under `key`.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if there is nothing, or this is not an object.
    pub(super) fn need(&self, key: &'static str) -> Result<At<'a>, JumioError> {
        let pointer = format!("{}/{key}", self.pointer);
        self.field(key)?.ok_or(JumioError::ResponseUnexpected { pointer })
    }

    /// The items of the list under `key`; none if that is missing or null.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not a list, or this is not an object.
    pub(super) fn items(&self, key: &'static str) -> Result<Vec<At<'a>>, JumioError> {
        let Some(list) = self.field(key)? else {
            return Ok(Vec::new());
        };
        let Json::List(items) = list.json else {
            return Err(list.unexpected());
        };
        let at = |(n, json)| At { json, pointer: format!("{}/{n}", list.pointer) };
        Ok(items.iter().enumerate().map(at).collect())
    }

    /// This as text.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not.
    pub(super) fn text(&self) -> Result<&'a str, JumioError> {
        match self.json {
            Json::Text(text) => Ok(text),
            Json::Null | Json::Other | Json::Whole(_) | Json::List(_) | Json::Object(_) => {
                Err(self.unexpected())
            }
        }
    }

    /// This as one of Jumio's words, such as `IPROOV_STANDARD`: 1 to 64 visible ASCII characters, so
    /// that it can be stored and logged.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not.
    pub(super) fn word(&self) -> Result<&'a str, JumioError> {
        let visible = |text: &&str| text.bytes().all(|b| b.is_ascii_graphic());
        let short = |text: &&str| (1..=64).contains(&text.len());
        let text = self.text()?;
        Some(text).filter(short).filter(visible).ok_or_else(|| self.unexpected())
    }

    /// This as a token: 1 to 8192 visible ASCII characters, so that it fits a header.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not.
    pub(super) fn token(&self) -> Result<String, JumioError> {
        let text = self.text()?;
        if (1..=8192).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(text.to_owned());
        }
        Err(self.unexpected())
    }

    /// This as an id.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not.
    pub(super) fn id<K: IdKind>(&self) -> Result<Id<K>, JumioError> {
        self.text()?.parse().map_err(|_| self.unexpected())
    }

    /// This as a time.
    ///
    /// # Errors
    ///
    /// [`JumioError::ResponseUnexpected`] if it is not.
    pub(super) fn time(&self) -> Result<Timestamp, JumioError> {
        Timestamp::parse(self.text()?).ok_or_else(|| self.unexpected())
    }

    /// This as a whole number, or a text of digits.
    pub(super) fn whole(&self) -> Option<u64> {
        match self.json {
            Json::Whole(number) => Some(*number),
            Json::Text(text) => text.parse().ok(),
            Json::Null | Json::Other | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// The JSON pointer of this place.
    pub(super) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// That this place is missing something or wrong.
    pub(super) fn unexpected(&self) -> JumioError {
        JumioError::ResponseUnexpected { pointer: self.pointer.clone() }
    }
}

/// Reads a value with this many levels of nesting left.
struct Levels(u8);

impl Levels {
    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Levels {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Levels {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Whole(number))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }
    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Levels(inner))? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut fields = HashMap::new();
        while let Some(key) = map.next_key::<String>()? {
            // Two readers may choose differently between two values, so neither is right.
            if fields.insert(key, map.next_value_seed(Levels(inner))?).is_some() {
                return Err(A::Error::custom("key twice"));
            }
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_shallow_unambiguous_documents_are_read() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let table: [(String, bool); 12] = [
            ("{}".into(), true),
            (nested(32), true),
            (nested(33), false),
            (nested(100_000), false),
            (String::new(), false),
            ("{\"a\":1,\"a\":1}".into(), false),
            ("{\"a\":1} x".into(), false),
            ("{\"a\":1e400}".into(), false),
            ("{\"a\":\"\\ud800\"}".into(), false),
            ("{\"a\":\"\\ud83d\\ude00\"}".into(), true),
            ("{\"a\":-1.5e3,\"b\":[true,null]}".into(), true),
            ("{\"a\":".into(), false),
        ];
        for (text, good) in table {
            assert_eq!(Json::parse(text.as_bytes()).is_ok(), good, "{text:.40}");
        }
        assert!(Json::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn pointers_name_the_place_and_not_what_is_there() {
        let json = Json::parse(br#"{"a":[{"b":"marker"},null],"c":null,"d":"17"}"#).unwrap();
        let top = json.top();
        let items = top.items("a").unwrap();
        let b = items[0].need("b").unwrap();
        assert_eq!(b.pointer(), "/a/0/b");
        assert_eq!(b.text(), Ok("marker"));
        assert_eq!(top.need("d").unwrap().whole(), Some(17));
        assert!(top.field("c").unwrap().is_none());
        assert!(top.items("c").unwrap().is_empty());
        let wrong = |pointer: &str| JumioError::ResponseUnexpected { pointer: pointer.to_owned() };
        assert_eq!(b.time().unwrap_err(), wrong("/a/0/b"));
        assert_eq!(top.need("c").err(), Some(wrong("/c")));
        assert_eq!(items[1].field("x").err(), Some(wrong("/a/1")));
        assert_eq!(b.items("x").err(), Some(wrong("/a/0/b")));
    }
}
