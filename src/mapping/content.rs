//! The content of a Binary: a column, perhaps with a file of Tryton's file store.

use super::{
    compile::Compiler,
    compiled::{Content, Expression, Kind},
    finding::Place,
    path::Context,
    text::{Item, Table},
};

impl Compiler<'_> {
    /// `content = "photo"`, or `content = { path = "data", file = "file_id" }`. `None`: nothing in this database, or a
    /// finding was added.
    pub(super) fn content(
        &mut self,
        context: &Context,
        type_name: &str,
        table: &Table,
        place: &Place,
    ) -> Option<Content> {
        let item = match table.item("content") {
            Some(item) if type_name == "Binary" && !table.has("element") && !table.has("emit") => item,
            found => {
                let place = found.map_or(place, |item| &item.place);
                self.findings.add(
                    "content",
                    place,
                    "`content` in a Binary, and no elements beside it",
                    format!("a {type_name} {} `content`", if found.is_some() { "with" } else { "without" }),
                    "elements of other types hold an address: { reference = \"Binary\", path = \"id\" }",
                );
                return None;
            }
        };
        let data = self.content_column(context, item, &[Kind::Binary, Kind::Text])?;
        let file = match item.table().and_then(|table| table.item("file")) {
            Some(file) => self.content_column(context, file, &[Kind::Text]),
            None => None,
        };
        Some(Content { data, file })
    }

    fn content_column(&mut self, context: &Context, item: &Item, wanted: &[Kind]) -> Option<Expression> {
        let (expression, _) = self.expression(context, item)?;
        if wanted.contains(&expression.kind()) {
            return Some(expression);
        }
        let wanted: Vec<_> = wanted.iter().map(|kind| kind.name()).collect();
        self.findings.add("content", &item.place, wanted.join(" or "), expression.kind().name(), "");
        None
    }
}
