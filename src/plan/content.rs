//! The bytes of a Binary: what is known of them, and a piece of them. Every piece is asked for under the caller's rights.

use super::scope::{Builder, Masked};
use crate::{
    mapping::compiled::{Content, Kind, Source},
    sql::{Alias, Fragment, Statement, Value},
    tryton::Permit,
};

/// First bytes that tell what a content is.
const HEAD: usize = 512;

/// Plans what is known of a content. Columns: length, first bytes, MD5 in hexadecimal digits, name of the file, last
/// change. `None`: it is closed to the caller.
pub fn content(source: &Source, permit: &Permit, languages: &[String]) -> Option<Statement> {
    plan(source, permit, languages, |data, file| {
        let data = || data.clone();
        Fragment::raw("octet_length(")
            .then(data())
            .text(")::int8, substring(")
            .then(data())
            .text(" FROM 1 FOR ")
            .number(HEAD)
            .text("), md5(")
            .then(data())
            .text("), ")
            .then(file)
    })
}

/// Plans a piece of the column. Columns: the bytes, the length of all of them, last change.
pub fn piece(
    source: &Source,
    permit: &Permit,
    languages: &[String],
    offset: i32,
    length: i32,
) -> Option<Statement> {
    plan(source, permit, languages, |data, _| {
        Fragment::raw("substring(")
            .then(data.clone())
            .text(" FROM ")
            .bind(offset)
            .text(" + 1 FOR ")
            .bind(length)
            .text("), octet_length(")
            .then(data)
            .text(")::int8")
    })
}

fn plan(
    source: &Source,
    permit: &Permit,
    languages: &[String],
    select: impl FnOnce(Fragment, Fragment) -> Fragment,
) -> Option<Statement> {
    let content = source.content.as_ref()?;
    let mut builder = Builder::new(permit, languages);
    let root = builder.open();
    let parts = parts(&mut builder, source, content, root);
    let stamp = builder.stamp(&source.row);
    let scope = builder.close();
    let (visible, data, file) = parts.ok()?;
    let of_record = Fragment::new().column(root, "id").text(" = ").bind(Value::Gap(0));
    let sql = Fragment::raw("SELECT ").then(select(data, file)).text(", ").then(stamp);
    Some(sql.then(scope.from(&source.table, Fragment::all([of_record, visible]))).finish())
}

type Parts = (Fragment, Fragment, Fragment);

fn parts(
    builder: &mut Builder<'_>,
    source: &Source,
    content: &Content,
    root: Alias,
) -> Result<Parts, Masked> {
    let visible = builder.visible(source, root)?;
    let mut data = builder.expression(&content.data)?;
    if content.data.kind() == Kind::Text {
        data = Fragment::raw("convert_to(").then(data).text(", 'UTF8')");
    }
    let file = match &content.file {
        Some(file) => builder.expression(file)?,
        None => Fragment::raw("NULL::text"),
    };
    Ok((visible, data, file))
}
