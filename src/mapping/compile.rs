//! Files → compiled mappings, with all findings at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use super::{
    codes::{self, CodeMap, Systems},
    compiled::{Compiled, Each, Emit, Expression, Node, Object, ResourceType, Row, Slot, Source},
    files::Files,
    finding::{Findings, Place, suggestion},
    left_out::LeftOut,
    parsed::Parsed,
    path::{Context, Renames, Resolver},
    terminology,
    text::{Item, Kind, Table},
};
use crate::{
    fhir::structure,
    tryton::{Catalog, Name},
};

/// What a compilation needs to know.
#[derive(Debug)]
pub struct Options {
    /// URI prefix of the site's own systems.
    pub site: String,
}

/// Prefix and key of the ids of a resource.
pub(super) type Ids = (Option<String>, Option<String>);

/// A source that references may point to.
pub(super) struct Aim {
    pub(super) type_name: String,
    pub(super) name: String,
    pub(super) model: String,
    pub(super) prefix: Option<String>,
    /// Keys of the resources that a record becomes; a single one may have none.
    pub(super) keys: Vec<Option<String>>,
    /// Those that this database can give.
    pub(super) served: Vec<Option<String>>,
}

/// A source as far as it is certain what the others are.
struct Attempt {
    source: Option<Source>,
    findings: Findings,
    skipped: Vec<(String, String)>,
    /// On which aims it depends.
    asked: BTreeSet<usize>,
}

/// State of a compilation.
pub(super) struct Compiler<'a> {
    pub(super) resolver: Resolver<'a>,
    pub(super) systems: Systems,
    pub(super) codes: BTreeMap<String, Arc<CodeMap>>,
    pub(super) parts: BTreeMap<String, Table>,
    /// What references may point to, in the order of the files.
    pub(super) aims: Vec<Aim>,
    pub(super) findings: Findings,
    skipped: Vec<(String, String)>,
    /// Aims that the source depends on which is compiled.
    pub(super) asked: BTreeSet<usize>,
}

/// The row of a scope while it is compiled.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) row: Row,
}

impl Scope {
    /// The slot of a value; equal values share one.
    pub(super) fn slot(&mut self, slot: Slot) -> usize {
        self.row.slots.iter().position(|known| *known == slot).unwrap_or_else(|| {
            self.row.slots.push(slot);
            self.row.slots.len() - 1
        })
    }

    /// The slot of an expression, which is kept once however often it is written.
    pub(super) fn value(&mut self, expression: Expression) -> (usize, Arc<Expression>) {
        let slot = self.slot(Slot::Value(Arc::new(expression)));
        match &self.row.slots[slot] {
            Slot::Value(kept) => (slot, Arc::clone(kept)),
            Slot::Holds(_) => unreachable!("a value equals only a value"),
        }
    }

    pub(super) fn each(&mut self, each: Each) -> usize {
        self.row.eaches.push(each);
        self.row.eaches.len() - 1
    }
}

/// A source as it stands in a file.
struct Draft<'t> {
    type_name: String,
    name: String,
    model: String,
    prefix: Option<String>,
    table: &'t Table,
    place: Place,
}

const TYPE_KEYS: [&str; 11] = [
    "type",
    "model",
    "module",
    "where",
    "profile",
    "element",
    "search",
    "source",
    "emit",
    "content",
    "description",
];
const SOURCE_KEYS: [&str; 9] =
    ["model", "module", "id", "where", "profile", "element", "emit", "content", "description"];
/// What an emit has beside its elements.
const EMIT_KEYS: [&str; 3] = ["key", "when", "profile"];

/// Compiles the files for a catalogue.
pub fn compile(files: &Files, catalog: &Catalog, options: &Options) -> (Compiled, Findings) {
    compile_parsed(Parsed::of(files.clone()), catalog, options)
}

/// Compiles files that have been read.
pub fn compile_parsed(parsed: Parsed, catalog: &Catalog, options: &Options) -> (Compiled, Findings) {
    let Parsed { tables, mut findings, fingerprint, maker } = parsed;
    let systems = Systems::read(tables.get("systems.toml"), &options.site, &mut findings);
    let mut renames = Renames::default();
    let mut codes = BTreeMap::new();
    let mut parts = BTreeMap::new();
    let mut types: Vec<&Table> = Vec::new();
    let mut left_out = LeftOut::default();
    for (name, table) in &tables {
        let stem = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix(".toml").map(str::to_owned);
        if let Some(stem) = stem("codes/") {
            codes.insert(stem.clone(), codes::read(&stem, table, &systems, &mut findings));
        } else if let Some(stem) = stem("parts/") {
            parts.insert(stem, table.clone());
        } else if let Some(stem) = stem("series/") {
            if stem == catalog.gnuhealth {
                renames = Renames::read(table, &mut findings);
            }
        } else if name.starts_with("left-out/") {
            left_out.read(table, &mut findings);
        } else if name != "systems.toml" {
            types.push(table);
        }
    }
    let naming: Vec<_> = types.iter().copied().chain(parts.values()).collect();
    let generated = terminology::generated(&codes, &naming, &systems, &options.site, &mut findings);
    types.extend(&generated);
    let resolver = Resolver { catalog, renames };
    let mut compiler = Compiler {
        resolver,
        systems,
        codes,
        parts,
        aims: Vec::new(),
        findings,
        skipped: Vec::new(),
        asked: BTreeSet::new(),
    };
    let drafts: Vec<_> = types.iter().flat_map(|table| compiler.drafts(table)).collect();
    compiler.distinct(&drafts);
    let mut all = compiler.sources(&drafts);
    let mut compiled = Compiled { fingerprint, ..Compiled::default() };
    let names: BTreeSet<_> = drafts.iter().map(|draft| draft.type_name.clone()).collect();
    for name in names {
        let mut sources: Vec<_> = drafts
            .iter()
            .zip(&mut all)
            .filter(|(draft, _)| draft.type_name == name)
            .filter_map(|(_, source)| source.take())
            .collect();
        if sources.is_empty() {
            continue;
        }
        let files: Vec<_> = types
            .iter()
            .copied()
            .filter(|table| table.item("type").and_then(Item::text) == Some(name.as_str()))
            .collect();
        let mut profiles: Vec<_> = files.iter().flat_map(|table| profiles(table)).collect();
        for emit in sources.iter_mut().flat_map(|source| &mut source.emits) {
            emit.profiles.splice(..0, profiles.iter().cloned());
        }
        for own in sources.iter().flat_map(|source| &source.emits).flat_map(|emit| &emit.profiles) {
            if !profiles.contains(own) {
                profiles.push(own.clone());
            }
        }
        let parameters = compiler.parameters(&name, &sources, &files);
        compiled.types.insert(name.clone(), ResourceType { name, sources, parameters, profiles });
    }
    (compiled.value_sets, compiled.listing) = super::value_sets::value_sets(&compiled.types);
    compiled.skipped = compiler.skipped;
    let mut findings = compiler.findings;
    compiled.left_out = left_out.check(&compiler.resolver, &compiled, &mut findings);
    // All that names a file.
    drop(drafts);
    maker.release((tables, generated, compiler.parts));
    findings.0.sort_by(|left, right| {
        (&left.place.file, left.place.line, left.place.column).cmp(&(
            &right.place.file,
            right.place.line,
            right.place.column,
        ))
    });
    (compiled, findings)
}

impl Compiler<'_> {
    fn known_keys(&mut self, table: &Table, known: &[&str]) {
        for (key, _) in &table.entries {
            if !known.contains(&key.name.as_str()) {
                self.findings.add(
                    "key-unknown",
                    &key.place,
                    format!("one of {}", known.join(", ")),
                    format!("`{}`", key.name),
                    suggestion(&key.name, known.iter().copied()),
                );
            }
        }
    }

    /// The sources of one file.
    fn drafts<'t>(&mut self, table: &'t Table) -> Vec<Draft<'t>> {
        self.known_keys(table, &TYPE_KEYS);
        let Some(type_name) = table.item("type").and_then(Item::text) else {
            self.findings.add(
                "type-missing",
                &table.place,
                "type = \"…\"",
                "none",
                "every mapping file names its FHIR type",
            );
            return Vec::new();
        };
        if structure::resource(type_name).is_none() {
            let place = table.item("type").map_or(&table.place, |item| &item.place);
            let hint = structure::suggested_resource(type_name).map(|name| format!("did you mean `{name}`?"));
            self.findings.add(
                "type-unknown",
                place,
                "a FHIR R4 resource type",
                format!("`{type_name}`"),
                hint.unwrap_or_default(),
            );
            return Vec::new();
        }
        let Some(sources) = table.item("source").and_then(Item::table) else {
            return self.draft(type_name, "", table, table.place.clone()).into_iter().collect();
        };
        let mut drafts = Vec::new();
        for (key, item) in &sources.entries {
            if let Some(source) = item.table() {
                self.known_keys(source, &SOURCE_KEYS);
                drafts.extend(self.draft(type_name, &key.name, source, key.place.clone()));
            }
        }
        drafts
    }

    fn draft<'t>(
        &mut self,
        type_name: &str,
        name: &str,
        table: &'t Table,
        place: Place,
    ) -> Option<Draft<'t>> {
        let Some(model) = table.item("model").and_then(Item::text) else {
            self.findings.add("model-missing", &place, "model = \"…\"", "none", "");
            return None;
        };
        let prefix = table.item("id").and_then(Item::text).map(str::to_owned);
        if !name.is_empty() && prefix.is_none() {
            self.findings.add(
                "id-missing",
                &place,
                "id = \"…\", the prefix of this source's ids",
                "none",
                "",
            );
        }
        let id_like = |text: &str| {
            !text.is_empty()
                && text.len() <= 12
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if let Some(item) = table.item("id").filter(|item| !item.text().is_some_and(id_like)) {
            self.findings.add(
                "id-form",
                &item.place,
                "1 to 12 characters of a-z and 0-9",
                item.describe(),
                "",
            );
        }
        Some(Draft {
            type_name: type_name.to_owned(),
            name: name.to_owned(),
            model: model.to_owned(),
            prefix,
            table,
            place,
        })
    }

    /// Two sources of a type never give the same id.
    fn distinct(&mut self, drafts: &[Draft<'_>]) {
        for (index, draft) in drafts.iter().enumerate() {
            let same =
                |known: &&Draft<'_>| known.type_name == draft.type_name && known.prefix == draft.prefix;
            if let Some(known) = drafts[..index].iter().find(same) {
                let place = draft.table.item("id").map_or(&draft.place, |item| &item.place);
                let found = draft.prefix.as_ref().map_or("none".to_owned(), |prefix| format!("\"{prefix}\""));
                self.findings.add(
                    "id-duplicate",
                    place,
                    format!("an `id` that no other source of {} has", draft.type_name),
                    format!("{found}, as at {}", known.place),
                    "",
                );
            }
        }
    }

    /// All sources. What a reference may point to is known for certain only when everything is compiled: a source whose fields
    /// this database lacks turns out not to be served, and then references to it are left out.
    fn sources(&mut self, drafts: &[Draft<'_>]) -> Vec<Option<Source>> {
        self.aims = drafts.iter().map(|draft| self.aim(draft)).collect();
        let mut all: Vec<_> = drafts.iter().map(|draft| self.attempt(draft)).collect();
        loop {
            let mut changed = BTreeSet::new();
            for (index, (aim, attempt)) in self.aims.iter_mut().zip(&all).enumerate() {
                let emits = attempt.source.as_ref().map(|source| source.emits.as_slice()).unwrap_or_default();
                let before = aim.served.len();
                aim.served.retain(|key| emits.iter().any(|emit| emit.key.as_deref() == key.as_deref()));
                if aim.served.len() != before {
                    changed.insert(index);
                }
            }
            if changed.is_empty() {
                break;
            }
            for (draft, attempt) in drafts.iter().zip(&mut all) {
                if !attempt.asked.is_disjoint(&changed) {
                    *attempt = self.attempt(draft);
                }
            }
        }
        let keep = |attempt: Attempt| {
            self.findings.0.extend(attempt.findings.0);
            self.skipped.extend(attempt.skipped);
            attempt.source
        };
        all.into_iter().map(keep).collect()
    }

    /// Compiles a source with what is known of the others until now.
    fn attempt(&mut self, draft: &Draft<'_>) -> Attempt {
        let before = mem::take(&mut self.findings);
        let source = self.source(draft);
        Attempt {
            source,
            findings: mem::replace(&mut self.findings, before),
            skipped: mem::take(&mut self.skipped),
            asked: mem::take(&mut self.asked),
        }
    }

    /// What a source would be for references, if this database has all of its fields.
    fn aim(&self, draft: &Draft<'_>) -> Aim {
        let emits = draft.table.item("emit").map(Item::each).unwrap_or_default();
        let key = |emit: &Item| emit.table()?.item("key")?.text().map(str::to_owned);
        let keys: Vec<_> = if emits.is_empty() { vec![None] } else { emits.iter().map(key).collect() };
        let served = if self.available(draft) { keys.clone() } else { Vec::new() };
        let [type_name, name, model] = [&draft.type_name, &draft.name, &draft.model].map(Clone::clone);
        Aim { type_name, name, model, prefix: draft.prefix.clone(), keys, served }
    }

    fn available(&self, draft: &Draft<'_>) -> bool {
        let module = draft.table.item("module").and_then(Item::text);
        module.is_none_or(|module| self.resolver.catalog.modules.contains(module))
            && self.resolver.catalog.models.contains_key(draft.model.as_str())
    }

    fn source(&mut self, draft: &Draft<'_>) -> Option<Source> {
        let label = if draft.name.is_empty() {
            draft.type_name.clone()
        } else {
            format!("{} ({})", draft.type_name, draft.name)
        };
        let module = draft.table.item("module").and_then(Item::text);
        if let Some(module) = module.filter(|module| !self.resolver.catalog.modules.contains(*module)) {
            self.skipped.push((label, format!("the module {module} is not activated")));
            return None;
        }
        let Some(model) = self.resolver.catalog.models.get(draft.model.as_str()) else {
            if self.resolver.catalog.documented(&draft.model, None) {
                self.skipped.push((label, format!("this database has no model {}", draft.model)));
            } else {
                let place = draft.table.item("model").map_or(&draft.place, |item| &item.place);
                let hint = suggestion(&draft.model, self.resolver.catalog.models.keys().map(Name::as_str));
                self.findings.add(
                    "model-unknown",
                    place,
                    "a Tryton model",
                    format!("`{}`", draft.model),
                    hint,
                );
            }
            return None;
        };
        let table = model.table;
        let context = Context::root(&draft.model);
        let filter = match draft.table.item("where") {
            Some(filter) => match self.condition(&context, filter) {
                Some(condition) => Some(condition),
                None => {
                    self.skipped
                        .push((label, "a field of its `where` does not exist in this database".to_owned()));
                    return None;
                }
            },
            None => None,
        };
        if draft.type_name == "Binary" || draft.table.has("content") {
            let Some(content) = self.content(&context, &draft.type_name, draft.table, &draft.place) else {
                self.skipped.push((label, "its content does not exist in this database".to_owned()));
                return None;
            };
            let body = Object { type_name: "Binary", members: Vec::new(), when: None, dynamic: true };
            return Some(Source {
                model: Name::from(&draft.model),
                table,
                prefix: draft.prefix.as_ref().map(Name::from),
                filter,
                row: Row::default(),
                emits: vec![Emit { key: None, when: None, profiles: Vec::new(), body }],
                content: Some(content),
            });
        }
        let mut scope = Scope::default();
        let shared = draft.table.item("element").and_then(Item::table);
        let mut emits = Vec::new();
        match draft.table.item("emit") {
            None => {
                let Some(shared) = shared else {
                    self.findings.add("element-missing", &draft.place, "[element]", "none", "");
                    return None;
                };
                emits.extend(self.emit(&mut scope, &context, draft, shared, None));
            }
            Some(items) => {
                for item in items.each() {
                    if let Some(table) = item.table() {
                        let merged = merge(shared, table);
                        emits.extend(self.emit(&mut scope, &context, draft, &merged, Some(table)));
                    }
                }
            }
        }
        if emits.is_empty() {
            self.skipped.push((label, "none of its elements exists in this database".to_owned()));
            return None;
        }
        Some(Source {
            model: Name::from(&draft.model),
            table,
            prefix: draft.prefix.as_ref().map(Name::from),
            filter,
            row: scope.row.fitted(),
            emits,
            content: None,
        })
    }

    fn emit(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        draft: &Draft<'_>,
        body: &Table,
        own: Option<&Table>,
    ) -> Option<Emit> {
        let key = own.and_then(|own| own.item("key")).and_then(Item::text).map(str::to_owned);
        let when = match own.and_then(|own| own.item("when")) {
            Some(when) => Some(self.condition(context, when)?),
            None => None,
        };
        if let Some(condition) = &when {
            scope.slot(Slot::Holds(Box::new(condition.clone())));
        }
        // Those of the type are added to all of its emits.
        let source = (!draft.table.has("type")).then_some(draft.table);
        let profiles = source.into_iter().chain(own).flat_map(profiles).collect();
        let body = self.object(scope, context, structure::resource(&draft.type_name)?.name, body)?;
        self.required(draft, &body);
        if aimless(draft.table, &body) {
            return None;
        }
        Some(Emit { key: key.map(Name::from), when, profiles, body })
    }

    /// Every required element of the type is mapped.
    fn required(&mut self, draft: &Draft<'_>, body: &Object) {
        for element in structure::children(&draft.type_name).filter(|element| element.min > 0) {
            let mapped = body
                .members
                .iter()
                .any(|member| member.element == element.name && !member.name.starts_with('_'));
            if !mapped && !table_has(draft.table, element) {
                self.findings.add(
                    "required-missing",
                    &draft.place,
                    format!("the required element `{}`", element.name),
                    "none",
                    "map it, with `absent = \"unknown\"` when a record may lack it",
                );
            }
        }
    }
}

/// The URLs under `profile`.
fn profiles(table: &Table) -> Vec<String> {
    let urls = table.item("profile").map(Item::each).unwrap_or_default();
    urls.iter().filter_map(|url| url.text().map(str::to_owned)).collect()
}

/// A required reference leads to types that are not served here: the resource would be about nothing.
fn aimless(table: &Table, body: &Object) -> bool {
    structure::children(body.type_name).filter(|element| element.min > 0).any(|element| {
        let reference = element.names().any(|(name, _)| {
            structure::element(body.type_name, &name).is_some_and(|named| named.kind.code == "Reference")
        });
        // Nothing of it exists in this database.
        let nothing = |node: &Node| matches!(node, Node::List(nodes) if nodes.is_empty());
        let mut members = body.members.iter().filter(|member| member.element == element.name);
        reference && table_has(table, element) && members.all(|member| nothing(&member.node))
    })
}

/// The element stands in the file, though this database lacks its fields.
fn table_has(table: &Table, element: &'static structure::Element) -> bool {
    let inside = |table: &Table| element.names().any(|(name, _)| table.has(&name));
    table.item("element").and_then(Item::table).is_some_and(inside)
        || table
            .item("emit")
            .map(Item::each)
            .unwrap_or_default()
            .iter()
            .any(|item| item.table().is_some_and(inside))
}

/// The shared elements of a source with those of one emit.
fn merge(shared: Option<&Table>, own: &Table) -> Table {
    let mut merged = shared.cloned().unwrap_or(Table { entries: Vec::new(), place: own.place.clone() });
    for (key, item) in &own.entries {
        if EMIT_KEYS.contains(&key.name.as_str()) {
            continue;
        }
        merged.entries.retain(|(known, _)| known.name != key.name);
        if !matches!(item.kind, Kind::Flag(false)) || structure::is_primitive(&key.name) {
            merged.entries.push((key.clone(), item.clone()));
        }
    }
    merged
}
