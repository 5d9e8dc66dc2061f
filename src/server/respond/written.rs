//! Answers in the format that was asked for; inside the gateway they are JSON.

use super::pretty;
use crate::{
    error::{self, Error, Result},
    fhir::xml,
    interaction::Format,
    server::negotiate::Form,
};

/// Larger answers are rewritten on a thread of their own, so that others need not wait.
const LARGE: usize = 64 << 10;

/// A resource in this form.
pub(super) async fn written(form: Form, json: Vec<u8>) -> Result<Vec<u8>> {
    if json.len() < LARGE || (form.media.format() == Format::Json && !form.pretty) {
        return at_once(form, json);
    }
    let task = tokio::task::spawn_blocking(move || at_once(form, json));
    task.await.map_err(|_| Error::new(&error::OVERLOADED).cause("the runtime is being shut down"))?
}

/// As [`written`], on this thread.
pub(super) fn at_once(form: Form, mut json: Vec<u8>) -> Result<Vec<u8>> {
    match form.media.format() {
        Format::Xml => xml::write(&json, form.pretty),
        Format::Lines => {
            json.push(b'\n');
            Ok(json)
        }
        Format::Json | Format::Bytes if form.pretty => Ok(pretty::pretty(&json)),
        Format::Json | Format::Bytes => Ok(json),
    }
}
