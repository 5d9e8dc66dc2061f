//! Paths of Tryton fields → hops, relations and columns of the live catalogue.

use std::collections::BTreeMap;

use super::{
    compiled::{Column, Hop, Kind, Relation, Way},
    finding::{Findings, Place, suggestion},
    text::Table,
};
use crate::tryton::{Catalog, Field, FieldKind, Model, Name};

/// Where a path starts: the model, and the hops that lead to it from the row of this scope.
#[derive(Clone, Debug)]
pub struct Level {
    /// Model.
    pub model: Name,
    /// Hops from the row's own model.
    pub hops: Vec<Hop>,
}

/// The scopes around a path, outermost first.
#[derive(Clone, Debug)]
pub struct Context(pub Vec<Level>);

impl Context {
    /// The scope of a source.
    pub fn root(model: &str) -> Self {
        Self(vec![Level { model: model.into(), hops: Vec::new() }])
    }

    /// The scope of rows of a relation.
    pub fn row(&self, model: &str) -> Self {
        let mut levels = self.0.clone();
        levels.push(Level { model: model.into(), hops: Vec::new() });
        Self(levels)
    }

    fn level(&self, up: usize) -> Option<&Level> {
        self.0.len().checked_sub(up + 1).map(|index| &self.0[index])
    }
}

/// Names that differ between the mapping (GNU Health 5.0) and the database.
#[derive(Debug, Default)]
pub struct Renames(BTreeMap<(String, String), Option<String>>);

impl Renames {
    /// Reads a file of `series/`: a table per model, `new = "old"`, or `new = false` when the old series lacks it.
    pub fn read(table: &Table, findings: &mut Findings) -> Self {
        let mut names = BTreeMap::new();
        for (model, item) in &table.entries {
            let Some(fields) = item.table() else {
                findings.add("series", &item.place, "a table of fields", item.describe(), "");
                continue;
            };
            for (field, item) in &fields.entries {
                names.insert((model.name.clone(), field.name.clone()), item.text().map(str::to_owned));
            }
        }
        Self(names)
    }

    fn name<'a>(&'a self, model: &str, field: &'a str) -> Option<&'a str> {
        match self.0.get(&(model.to_owned(), field.to_owned())) {
            Some(name) => name.as_deref(),
            None => Some(field),
        }
    }
}

/// What a path may lead to.
#[derive(Debug)]
pub enum Found<T> {
    /// It is there.
    Here(T),
    /// The name is right, but this database does not have it (series, or a module that is not activated).
    Absent,
}

/// Resolves paths against a catalogue.
#[derive(Debug)]
pub struct Resolver<'a> {
    /// Live catalogue.
    pub catalog: &'a Catalog,
    /// Renames of the series.
    pub renames: Renames,
}

/// A path to rows: levels up, hops, relation.
pub type Rows = (usize, Vec<Hop>, Relation);

impl Resolver<'_> {
    /// A model.
    fn model(&self, name: &str, place: &Place, findings: &mut Findings) -> Option<Found<&Model>> {
        if let Some(model) = self.catalog.models.get(name) {
            return Some(Found::Here(model));
        }
        if self.catalog.documented(name, None) {
            return Some(Found::Absent);
        }
        let known = self.catalog.models.keys().map(Name::as_str);
        findings.add(
            "model-unknown",
            place,
            "a model of this database",
            format!("`{name}`"),
            suggestion(name, known),
        );
        None
    }

    /// A field of a model, by its name in GNU Health 5.0.
    pub fn field(
        &self,
        model: &str,
        name: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<&Field>> {
        let here = match self.model(model, place, findings)? {
            Found::Here(here) => here,
            Found::Absent => return Some(Found::Absent),
        };
        let Some(actual) = self.renames.name(model, name) else { return Some(Found::Absent) };
        match here.fields.get(actual) {
            Some(field) if field.stored || is_relation(field) => Some(Found::Here(field)),
            Some(field) if field.secret => {
                findings.add(
                    "field-secret",
                    place,
                    "a field that may be read",
                    format!("`{name}`, which is kept secret"),
                    "leave it out: passwords and keys are never served",
                );
                None
            }
            // What the older series stores and this one computes is named for the older one.
            Some(_) if self.catalog.outdated(model, name) => Some(Found::Absent),
            Some(_) => {
                findings.add(
                    "field-computed",
                    place,
                    format!("a stored field of {model}"),
                    format!("`{name}`, which Tryton computes"),
                    "name the fields it is computed from",
                );
                None
            }
            None if self.catalog.documented(model, Some(name)) => Some(Found::Absent),
            None => {
                let known = here.fields.names().map(|name| name.as_str());
                findings.add(
                    "field-unknown",
                    place,
                    format!("a field of {model}"),
                    format!("`{name}`"),
                    suggestion(name, known),
                );
                None
            }
        }
    }

    /// Walks `names` as many2one steps and typed references.
    fn hops(
        &self,
        level: &Level,
        names: &[&str],
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<Level>> {
        let mut level = level.clone();
        // Columns keep them.
        level.hops.reserve_exact(names.len());
        for name in names {
            let (name, typed) = typed(name);
            let field = match self.field(&level.model, name, place, findings)? {
                Found::Here(field) => field,
                Found::Absent => return Some(Found::Absent),
            };
            let (target, way) = match (&field.kind, typed) {
                (FieldKind::Many2One { target }, None) => (target.as_str(), Way::Forward),
                (FieldKind::Reference, Some(model)) => (model, Way::Typed),
                (kind, Some(_)) => {
                    findings.add(
                        "path-reference",
                        place,
                        "a Reference field before `[MODEL]`",
                        format!("`{name}` of {} (a {})", level.model, kind.name()),
                        "the model of a many2one is known; name the field alone",
                    );
                    return None;
                }
                (kind, None) => {
                    findings.add(
                        "path-step",
                        place,
                        "a many2one field before a dot",
                        format!("`{name}` of {}", level.model),
                        if *kind == FieldKind::Reference {
                            "a Reference can point to any model; name the one: FIELD[MODEL]"
                        } else {
                            "rows of a one2many are reached with `each`"
                        },
                    );
                    return None;
                }
            };
            let model = match self.catalog.models.get(target) {
                Some(model) => model,
                None if way == Way::Forward => return Some(Found::Absent),
                None => match self.model(target, place, findings)? {
                    Found::Here(model) => model,
                    Found::Absent => return Some(Found::Absent),
                },
            };
            level.hops.push(Hop {
                model: std::mem::replace(&mut level.model, target.into()),
                field: field.name,
                target: target.into(),
                table: model.table,
                way,
            });
        }
        Some(Found::Here(level))
    }

    /// Walks all steps that go back; what is left is names. `STEPS/MODEL[FIELD].` leads to the first of the rows that
    /// point here.
    fn walk<'t>(
        &self,
        level: &Level,
        path: &'t str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<(Level, Vec<&'t str>)>> {
        let (mut level, mut rest) = (level.clone(), path);
        while let Some((back, after)) = backwards(rest) {
            let (here, model, field) = match self.reverse(&level, back, path, place, findings)? {
                Found::Here(reverse) => reverse,
                Found::Absent => return Some(Found::Absent),
            };
            let Some(target) = self.catalog.models.get(model) else { return Some(Found::Absent) };
            level = here;
            level.hops.push(Hop {
                model: std::mem::replace(&mut level.model, model.into()),
                field,
                target: model.into(),
                table: target.table,
                way: Way::Back,
            });
            rest = after;
        }
        Some(Found::Here((level, split(rest))))
    }

    /// `STEPS/MODEL[FIELD` without the bracket: the level that the steps lead to, the model, and its many2one to there.
    fn reverse<'t>(
        &self,
        level: &Level,
        text: &'t str,
        path: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<(Level, &'t str, Name)>> {
        let (steps, reverse) = text.rsplit_once('/').unwrap_or(("", text));
        let Some((model, inverse)) = reverse.split_once('[') else {
            findings.add("path-reverse", place, "MODEL[FIELD]", format!("`{path}`"), "");
            return None;
        };
        let (level, names) = match self.walk(level, steps, place, findings)? {
            Found::Here(walked) => walked,
            Found::Absent => return Some(Found::Absent),
        };
        let level = match self.hops(&level, &names, place, findings)? {
            Found::Here(level) => level,
            Found::Absent => return Some(Found::Absent),
        };
        let field = match self.field(model, inverse, place, findings)? {
            Found::Here(field) => field,
            Found::Absent => return Some(Found::Absent),
        };
        if !matches!(&field.kind, FieldKind::Many2One { target } if *target == level.model) {
            findings.add(
                "path-reverse",
                place,
                format!("a many2one of {model} to {}", level.model),
                format!("`{inverse}` (a {})", field.kind.name()),
                "",
            );
            return None;
        }
        Some(Found::Here((level, model, field.name)))
    }

    fn start<'t>(
        &self,
        context: &Context,
        path: &'t str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<(usize, Level, &'t str)> {
        let rest = path.trim_start_matches('^');
        let up = path.len() - rest.len();
        match context.level(up) {
            Some(level) => Some((up, level.clone(), rest)),
            None => {
                findings.add(
                    "path-up",
                    place,
                    "at most one `^` for each `each` around",
                    format!("`{path}`"),
                    "",
                );
                None
            }
        }
    }

    /// The level at the end of a path of many2one steps.
    pub fn level(
        &self,
        context: &Context,
        path: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<Level>> {
        let (_, level, rest) = self.start(context, path, place, findings)?;
        match self.walk(&level, rest, place, findings)? {
            Found::Here((level, names)) => self.hops(&level, &names, place, findings),
            Found::Absent => Some(Found::Absent),
        }
    }

    /// The column at the end of a path.
    pub fn column(
        &self,
        context: &Context,
        path: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<(Column, Field)>> {
        let (up, level, rest) = self.start(context, path, place, findings)?;
        let (level, names) = match self.walk(&level, rest, place, findings)? {
            Found::Here(walked) => walked,
            Found::Absent => return Some(Found::Absent),
        };
        let (last, steps) = names.split_last()?;
        // A typed reference at the end is the id of the row: the text alone would not tell whether it is there.
        let (last, steps) = if last.contains('[') { (&"id", names.as_slice()) } else { (last, steps) };
        let level = match self.hops(&level, steps, place, findings)? {
            Found::Here(level) => level,
            Found::Absent => return Some(Found::Absent),
        };
        let field = match self.field(&level.model, last, place, findings)? {
            Found::Here(field) => field,
            Found::Absent => return Some(Found::Absent),
        };
        let target = match &field.kind {
            FieldKind::Many2One { target } => self.catalog.models.get(target).map(|model| Hop {
                model: level.model,
                field: field.name,
                target: *target,
                table: model.table,
                way: Way::Forward,
            }),
            _ => None,
        };
        let Some(kind) = column_kind(&field.kind) else {
            findings.add(
                "field-type",
                place,
                "a field that holds one value",
                format!("`{last}` of {} (a {})", level.model, field.kind.name()),
                "rows of a one2many are reached with `each`",
            );
            return None;
        };
        let column = Column {
            up,
            hops: level.hops,
            model: level.model,
            field: field.name,
            kind,
            translated: field.translated,
            target: target.map(Box::new),
        };
        Some(Found::Here((column, field.clone())))
    }

    /// The rows that an `each` names: `party.addresses`, or `gnuhealth.newborn[patient]` for rows of another model.
    pub fn rows(
        &self,
        context: &Context,
        path: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Found<Rows>> {
        let (up, level, rest) = self.start(context, path, place, findings)?;
        if let Some(model) = rest.strip_suffix("[]") {
            return Some(match self.model(model, place, findings)? {
                Found::Here(_) => self
                    .relation(None, model, None)
                    .map_or(Found::Absent, |relation| Found::Here((up, level.hops, relation))),
                Found::Absent => Found::Absent,
            });
        }
        if let Some(reverse) = rest.strip_suffix(']') {
            let (level, model, field) = match self.reverse(&level, reverse, path, place, findings)? {
                Found::Here(reverse) => reverse,
                Found::Absent => return Some(Found::Absent),
            };
            let relation = self.relation(None, model, Some(&field));
            return Some(relation.map_or(Found::Absent, |relation| Found::Here((up, level.hops, relation))));
        }
        let names = split(rest);
        let (last, steps) = names.split_last()?;
        let level = match self.hops(&level, steps, place, findings)? {
            Found::Here(level) => level,
            Found::Absent => return Some(Found::Absent),
        };
        let field = match self.field(&level.model, last, place, findings)? {
            Found::Here(field) => field,
            Found::Absent => return Some(Found::Absent),
        };
        let named = Some((level.model, field.name));
        let relation = match &field.kind {
            FieldKind::One2Many { target, inverse: Some(inverse), by_reference: false } => {
                self.relation(named, target, Some(inverse))
            }
            FieldKind::Many2Many { relation, origin: Some(origin), .. } => {
                self.relation(named, relation, Some(origin))
            }
            _ => {
                findings.add(
                    "path-rows",
                    place,
                    "a one2many or many2many field",
                    format!("`{last}` of {} (a {})", level.model, field.kind.name()),
                    "name the rows from the other side: MODEL[FIELD]",
                );
                return None;
            }
        };
        Some(relation.map_or(Found::Absent, |relation| Found::Here((up, level.hops, relation))))
    }

    fn relation(&self, field: Option<(Name, Name)>, model: &str, inverse: Option<&str>) -> Option<Relation> {
        let here = self.catalog.models.get(model)?;
        Some(Relation {
            field,
            model: model.into(),
            table: here.table,
            inverse: inverse.map(Name::from),
            active: here.fields.get("active").is_some_and(|field| field.stored),
        })
    }
}

/// The names of a path; a dot inside of brackets belongs to a model.
fn split(path: &str) -> Vec<&str> {
    let mut inside = false;
    let separates = |character: char| {
        inside = character == '[' || (inside && character != ']');
        character == '.' && !inside
    };
    path.split(separates).filter(|name| !name.is_empty()).collect()
}

/// `FIELD[MODEL]` apart.
fn typed(name: &str) -> (&str, Option<&str>) {
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((field, model)) => (field, Some(model)),
        None => (name, None),
    }
}

/// `STEPS/MODEL[FIELD` of the first step that goes back, and what follows it. Models have a dot in their names and fields
/// have none, so brackets with a dot are those of a typed reference.
fn backwards(path: &str) -> Option<(&str, &str)> {
    path.match_indices(']').find_map(|(end, _)| {
        let start = path[..end].rfind('[')?;
        let back = !path[start..end].contains('.');
        back.then(|| (&path[..end], path[end + 1..].trim_start_matches(['.', '/'])))
    })
}

fn is_relation(field: &Field) -> bool {
    matches!(field.kind, FieldKind::One2Many { .. } | FieldKind::Many2Many { .. })
}

fn column_kind(kind: &FieldKind) -> Option<Kind> {
    Some(match kind {
        FieldKind::Boolean => Kind::Boolean,
        FieldKind::Integer | FieldKind::BigInteger | FieldKind::Many2One { .. } => Kind::Integer,
        FieldKind::Float => Kind::Float,
        FieldKind::Numeric => Kind::Numeric,
        FieldKind::Char | FieldKind::Text | FieldKind::Selection | FieldKind::Reference => Kind::Text,
        FieldKind::Date => Kind::Date,
        FieldKind::DateTime | FieldKind::Timestamp => Kind::Timestamp,
        FieldKind::Time => Kind::Time,
        FieldKind::Binary => Kind::Binary,
        _ => return None,
    })
}
