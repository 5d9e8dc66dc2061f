//! Reads of Binary: <https://hl7.org/fhir/R4/binary.html#rest>. The bytes pass through in pieces; no more than one is
//! held in memory.

use std::{pin::Pin, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use jiff::Timestamp;

use super::{
    Answer, Format, Request,
    gateway::{Caller, Fhir},
};
use crate::{
    error::{self, Error, Result},
    fhir::xml,
    mapping::{Compiled, compiled::ResourceType},
    plan::{self, Target},
    render::{content_type, json_string, timestamp},
    store::{Class, Store, StoredFile},
    tryton::Permit,
};

/// Bytes of a piece: a multiple of three, so that base64 needs no padding between pieces.
const PIECE: i32 = 768 << 10;

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A body that is sent as it comes.
pub struct Content {
    /// Media type; none for a FHIR resource.
    pub media: Option<&'static str>,
    /// Bytes in all, where they are known before.
    pub length: Option<u64>,
    /// The bytes. An error ends the answer before its length is reached or its last chunk is sent, which clients notice.
    pub pieces: Pieces,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("media", &self.media).field("length", &self.length).finish()
    }
}

/// What is known of a content before it is sent.
struct Known {
    length: u64,
    media: &'static str,
    version: String,
    updated: Option<Timestamp>,
    bytes: Origin,
}

enum Origin {
    Column(Column),
    File(StoredFile),
}

/// The rest of a column, and what must not change while it is sent.
struct Column {
    store: Arc<Store>,
    compiled: Arc<Compiled>,
    permit: Permit,
    languages: Vec<String>,
    kind: String,
    target: Target,
    length: i64,
    updated: Option<Timestamp>,
    offset: i32,
}

/// Reads a content, or the resource that holds it.
pub(super) async fn read(
    fhir: &Fhir,
    request: &Request,
    caller: &Caller,
    kind: &ResourceType,
    id: &str,
    target: Target,
) -> Result<Answer> {
    let known = known(fhir, caller, kind, target).await?;
    let (version, updated) = (known.version.clone(), known.updated);
    let content = Some(match request.format {
        Format::Bytes => raw(known),
        format => resource(known, id, format)?,
    });
    Ok(Answer {
        version: Some(version),
        last_modified: updated,
        personal: true,
        content,
        ..Answer::default()
    })
}

async fn known(fhir: &Fhir, caller: &Caller, kind: &ResourceType, target: Target) -> Result<Known> {
    let source = &kind.sources[target.source];
    let statement = plan::content(source, &caller.permit, &caller.languages)
        .ok_or_else(|| Error::new(&error::MODEL_FORBIDDEN))?;
    let rows =
        fhir.store.rows_of_record(Class::Request.to("find a content"), &statement, target.record).await?;
    let row = rows.first().ok_or_else(|| Error::new(&error::RESOURCE_UNKNOWN))?;
    let updated = updated(row.raw(4)?)?;
    let name: Option<String> = row.column(3)?;
    // As trytond does: the file if there is one, else the column.
    let mut missing = "the record has no content".to_owned();
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        match &fhir.options.file_store {
            None => missing = "it lies in Tryton's file store, and file_store is not configured".to_owned(),
            Some(files) => match files.open(&name).await {
                Ok(mut file) => {
                    let head = file.head().await.map_err(unreadable)?;
                    return Ok(Known {
                        length: file.length,
                        media: content_type(&head),
                        version: name,
                        updated,
                        bytes: Origin::File(file),
                    });
                }
                Err(error) => missing = format!("the file store: {}", error.kind()),
            },
        }
    }
    let (length, head) = (row.column::<Option<i64>>(0)?.unwrap_or_default(), row.raw(1)?);
    let (Some(head), true) = (head, length > 0) else {
        return Err(Error::new(&error::CONTENT_MISSING).cause(missing));
    };
    let column = Column {
        store: Arc::clone(&fhir.store),
        compiled: Arc::clone(&fhir.compiled),
        permit: caller.permit.clone(),
        languages: caller.languages.clone(),
        kind: kind.name.clone(),
        target,
        length,
        updated,
        offset: 0,
    };
    Ok(Known {
        length: u64::try_from(length).unwrap_or_default(),
        media: content_type(head),
        version: row.column::<Option<String>>(2)?.unwrap_or_default(),
        updated,
        bytes: Origin::Column(column),
    })
}

fn updated(stamp: Option<&[u8]>) -> Result<Option<Timestamp>> {
    let unmappable =
        |_| Error::new(&error::RECORD_UNMAPPABLE).cause("the row has not the form that was planned");
    Ok(stamp.map(timestamp).transpose().map_err(unmappable)?.flatten())
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(&error::CONTENT_MISSING).cause(format!("the file store: {}", error.kind()))
}

/// The bytes themselves.
fn raw(known: Known) -> Content {
    Content { media: Some(known.media), length: Some(known.length), pieces: pieces(known.bytes) }
}

/// `{"resourceType":"Binary",…,"data":"…"}`, or the same in XML.
fn resource(known: Known, id: &str, format: Format) -> Result<Content> {
    let mut start = b"{\"resourceType\":\"Binary\",\"id\":".to_vec();
    json_string(&mut start, id);
    start.extend_from_slice(b",\"meta\":{\"versionId\":");
    json_string(&mut start, &known.version);
    if let Some(updated) = known.updated {
        start.extend_from_slice(b",\"lastUpdated\":");
        json_string(&mut start, &updated.to_string());
    }
    start.extend_from_slice(b"},\"contentType\":");
    json_string(&mut start, known.media);
    start.extend_from_slice(b",\"data\":\"");
    let mut end = b"\"}".to_vec();
    match format {
        Format::Xml => {
            // What stands around the bytes; they are the same in XML.
            let mut whole = xml::write(&[start, end].concat(), false)?;
            let value = b"<data value=\"";
            let at = whole.windows(value.len()).rposition(|part| part == value);
            let at = at.ok_or_else(|| Error::new(&error::INTERNAL).cause("a Binary without data"))?;
            end = whole.split_off(at + value.len());
            start = whole;
        }
        Format::Lines => end.push(b'\n'),
        Format::Json | Format::Bytes => {}
    }
    let end = Bytes::from(end);
    let length = start.len() as u64 + known.length.div_ceil(3) * 4 + end.len() as u64;
    let encoded = pieces(known.bytes).map(|piece| Ok(Bytes::from(STANDARD.encode(piece?))));
    let first = stream::once(std::future::ready(Ok(Bytes::from(start))));
    let last = stream::once(std::future::ready(Ok(end)));
    Ok(Content { media: None, length: Some(length), pieces: Box::pin(first.chain(encoded).chain(last)) })
}

fn pieces(bytes: Origin) -> Pieces {
    match bytes {
        Origin::File(file) => Box::pin(stream::try_unfold(file, |mut file| async {
            let piece = file.piece(PIECE as usize).await.map_err(unreadable)?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        })),
        Origin::Column(column) => Box::pin(stream::try_unfold(column, |mut column| async {
            let piece = column.next().await?;
            Ok(piece.map(|piece| (piece, column)))
        })),
    }
}

impl Column {
    /// The next piece, under the same rights as the first.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if i64::from(self.offset) >= self.length {
            return Ok(None);
        }
        let changed = || Error::new(&error::INTERNAL).cause("a content changed while it was sent");
        let source = &self.compiled.types[&self.kind].sources[self.target.source];
        let statement =
            plan::piece(source, &self.permit, &self.languages, self.offset, PIECE).ok_or_else(changed)?;
        let rows = self
            .store
            .rows_of_record(Class::Request.to("read a content"), &statement, self.target.record)
            .await?;
        let row = rows.first().ok_or_else(changed)?;
        let same =
            row.column::<Option<i64>>(1)? == Some(self.length) && updated(row.raw(2)?)? == self.updated;
        let piece = row.raw(0)?.filter(|piece| same && !piece.is_empty()).ok_or_else(changed)?;
        self.offset = self.offset.saturating_add(PIECE);
        Ok(Some(Bytes::copy_from_slice(piece)))
    }
}
