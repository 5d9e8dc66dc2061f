//! What is the same for every request at one base, made once.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;

/// Documents at most. There are as many bases as clients have names for the server; somebody may make names up.
const MOST: usize = 32;

/// The version of a document that these bytes are.
pub(super) fn version(body: &[u8]) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(body))
}

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// The whole CapabilityStatement.
    Statement,
    /// The description for tools that know OpenAPI.
    OpenApi,
}

/// A document as it is sent.
#[derive(Debug)]
pub(super) struct Document {
    pub body: Bytes,
    pub version: String,
}

/// Documents that were made.
#[derive(Debug, Default)]
pub(in crate::interaction) struct Documents(RwLock<HashMap<(Which, String), Arc<Document>>>);

impl Documents {
    /// The document of this base; `make` makes it when nobody asked for it before.
    pub(super) fn get(&self, which: Which, base: &str, make: impl FnOnce() -> Vec<u8>) -> Arc<Document> {
        let key = (which, base.to_owned());
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let body = make();
        let new = Arc::new(Document { version: version(&body), body: body.into() });
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::{Documents, MOST, Which};

    #[test]
    fn a_document_is_made_once_for_a_base() {
        let documents = Documents::default();
        let first = documents.get(Which::Statement, "http://a/fhir", || b"a".to_vec());
        let again = documents.get(Which::Statement, "http://a/fhir", || unreachable!("it is known"));
        assert_eq!((&first.body, &first.version), (&again.body, &again.version));
        assert_eq!(documents.get(Which::OpenApi, "http://a/fhir", || b"b".to_vec()).body, &b"b"[..]);
        assert_eq!(documents.get(Which::Statement, "http://b/fhir", || b"c".to_vec()).body, &b"c"[..]);
        for number in 0..2 * MOST {
            documents.get(Which::Statement, &number.to_string(), Vec::new);
        }
        assert!(documents.0.read().unwrap().len() <= MOST, "made-up names fill no memory");
    }
}
