//! Compiled mappings: nothing optional left to guess, no text of a mapping file left to read.
//!
//! A [`Source`] is one way in which records of a model become resources of a type. Its [`Row`] says which values a
//! statement must fetch; the [`Object`] of each [`Emit`] says how the row is written and where a search looks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::codes::CodeMap;
use crate::tryton::Name;

/// All mappings that hold for one database.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Served types by name.
    pub types: BTreeMap<String, ResourceType>,
    /// Sources left out, and why.
    pub skipped: Vec<(String, String)>,
    /// Columns that have no place in FHIR, by model and field, and why.
    pub left_out: BTreeMap<(Name, Name), Name>,
    /// Value sets that are served, by canonical URL: the code systems of which they have all codes.
    pub value_sets: BTreeMap<String, Vec<String>>,
    /// Value sets that are served and list codes one by one, by canonical URL: which codes, the records say.
    pub listing: BTreeSet<String>,
    /// Fields, by model, of whose folded texts PostgreSQL has an index: what starts with a text is found by it.
    pub folded: BTreeSet<(Name, Name)>,
    /// Changes when any mapping changes; paging links of another mapping are refused.
    pub fingerprint: u64,
}

/// A served resource type.
#[derive(Debug)]
pub struct ResourceType {
    /// FHIR name.
    pub name: String,
    /// Sources, in the order that default paging follows.
    pub sources: Vec<Source>,
    /// Search parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Profiles that all or some of its resources claim.
    pub profiles: Vec<String>,
}

/// A model whose records become resources.
#[derive(Debug)]
pub struct Source {
    /// Tryton model.
    pub model: Name,
    /// Its table.
    pub table: Name,
    /// Prefix of the ids; a type with one source has none.
    pub prefix: Option<Name>,
    /// Only these records.
    pub filter: Option<Condition>,
    /// What a statement fetches.
    pub row: Row,
    /// What each record becomes, one or several resources.
    pub emits: Vec<Emit>,
    /// The bytes of a Binary. They are no part of the row: they are read piece by piece.
    pub content: Option<Content>,
}

/// Where the bytes of a Binary are.
#[derive(Debug)]
pub struct Content {
    /// Column of bytes, or of text.
    pub data: Expression,
    /// Name of a file in Tryton's file store; wins over the column when there is such a file.
    pub file: Option<Expression>,
}

/// One resource made of a record.
#[derive(Debug)]
pub struct Emit {
    /// Last part of the id, when a record becomes several resources.
    pub key: Option<Name>,
    /// Only when this holds.
    pub when: Option<Condition>,
    /// Profiles that the resource satisfies.
    pub profiles: Vec<String>,
    /// The resource.
    pub body: Object,
}

/// Values that a statement fetches for one record.
#[derive(Debug, Default)]
pub struct Row {
    /// Scalar values, by slot.
    pub slots: Vec<Slot>,
    /// Repeated rows; their slots follow the scalar ones.
    pub eaches: Vec<Each>,
}

impl Row {
    /// Without spare room: rows stay as they are compiled.
    pub(super) fn fitted(mut self) -> Self {
        self.slots.shrink_to_fit();
        self.eaches.shrink_to_fit();
        self
    }
}

/// A scalar of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// A value.
    Value(Arc<Expression>),
    /// Whether a condition holds.
    Holds(Box<Condition>),
}

/// Rows of a one2many or many2many, or of any model that points here.
#[derive(Debug)]
pub struct Each {
    /// The path to the rows: hops from this scope, then the relation.
    pub hops: Vec<Hop>,
    /// Levels up to the scope in which the path starts (`^`).
    pub up: usize,
    /// The relation.
    pub relation: Relation,
    /// Only these rows.
    pub filter: Option<Condition>,
    /// Order of the rows; the id is added.
    pub order: Vec<(Expression, bool)>,
    /// What is fetched of each row.
    pub row: Row,
}

/// A to-many step.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Model and field it is a field of, for field access; none when it was named from the other side.
    pub field: Option<(Name, Name)>,
    /// Model of the rows.
    pub model: Name,
    /// Table of the rows.
    pub table: Name,
    /// Field of the rows that points back; none for all rows of the model.
    pub inverse: Option<Name>,
    /// The rows have a field `active`; inactive ones are left out.
    pub active: bool,
}

/// A step to one other row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    /// Model that the step starts from.
    pub model: Name,
    /// The field, also its column: of `model`, or of `target` when the step goes back.
    pub field: Name,
    /// Target model.
    pub target: Name,
    /// Table of the target.
    pub table: Name,
    /// How the field leads there.
    pub way: Way,
}

/// How a step leads to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Along a many2one.
    Forward,
    /// Against a many2one: to the first of the rows whose field points here.
    Back,
    /// Along a Reference (`model,id` as text) that can point to any model: to a row of this one only.
    Typed,
}

/// SQL type of a column as far as writing and comparing need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are Tryton's field types")]
pub enum Kind {
    Boolean,
    Integer,
    Float,
    Numeric,
    Text,
    Date,
    /// Naive UTC.
    Timestamp,
    /// Of the local day.
    Time,
    Binary,
}

impl Kind {
    /// What it is, for findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "a whole number",
            Self::Float | Self::Numeric => "a decimal number",
            Self::Text => "a text",
            Self::Date => "a date",
            Self::Timestamp => "a time",
            Self::Time => "a time of day",
            Self::Binary => "a binary",
        }
    }
}

/// A column reached by a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Levels up to the scope in which the path starts (`^`).
    pub up: usize,
    /// Steps from there.
    pub hops: Vec<Hop>,
    /// Model that has the field.
    pub model: Name,
    /// Field, also its column.
    pub field: Name,
    /// Type.
    pub kind: Kind,
    /// Translated through `ir_translation`.
    pub translated: bool,
    /// Of a many2one: the step to the record that it refers to.
    pub target: Option<Box<Hop>>,
}

/// A scalar expression over the columns of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A column.
    Column(Box<Column>),
    /// A constant text.
    Constant(String),
    /// A constant number, as it is written.
    Number(String),
    /// The first that has a value.
    First(Vec<Expression>),
    /// All that have a value, joined.
    Join(Vec<Expression>, String),
    /// The text with every occurrence of the first replaced by the second.
    Replace(Box<Expression>, String, String),
    /// The part of the text that the group of a POSIX pattern matches.
    Extract(Box<Expression>, String),
    /// The number of such rows.
    Count(Box<Exists>),
    /// True when all are true.
    All(Vec<Expression>),
    /// The sum of numbers; none when one of them is missing.
    Sum(Vec<Expression>),
    /// The product of numbers; none when one of them is missing.
    Product(Vec<Expression>),
    /// The latest value of related rows.
    Latest(Box<Exists>, Box<Expression>),
    /// The value of the first condition that holds.
    Case(Vec<(Condition, Expression)>),
}

impl ResourceType {
    /// Its resources are contents: read one by one and never searched.
    pub fn is_content(&self) -> bool {
        self.sources.iter().any(|source| source.content.is_some())
    }
}

impl Expression {
    /// Type of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Column(column) => column.kind,
            Self::Constant(_) | Self::Join(..) | Self::Replace(..) | Self::Extract(..) => Kind::Text,
            Self::Number(_) => Kind::Numeric,
            Self::Count(_) => Kind::Integer,
            Self::All(_) => Kind::Boolean,
            Self::Latest(_, value) => value.kind(),
            Self::Sum(all) if all.iter().all(Self::is_whole) => Kind::Integer,
            Self::Sum(_) | Self::Product(_) => Kind::Numeric,
            Self::First(all) => all.first().map_or(Kind::Text, Self::kind),
            Self::Case(branches) => branches.first().map_or(Kind::Text, |(_, value)| value.kind()),
        }
    }

    /// Whether the value is a number.
    pub fn is_number(&self) -> bool {
        matches!(self.kind(), Kind::Integer | Kind::Float | Kind::Numeric)
    }

    fn is_whole(&self) -> bool {
        match self {
            Self::Number(number) => number.parse::<i64>().is_ok(),
            other => other.kind() == Kind::Integer,
        }
    }
}

/// A condition over a record. NULL never satisfies a condition, except the negation of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Always.
    Always,
    /// The value is known: not NULL, not an empty text, not a false boolean.
    Known(Expression),
    /// The value is one of these.
    OneOf(Expression, Vec<String>),
    /// The first number is above the second.
    Above(Expression, Expression),
    /// The text matches this POSIX pattern.
    Matches(Expression, String),
    /// Two values are equal.
    Same(Expression, Expression),
    /// There is such a row.
    Exists(Box<Exists>),
    /// All hold.
    All(Vec<Condition>),
    /// Any holds.
    Any(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
}

/// Existence of a related row.
#[derive(Clone, Debug, PartialEq)]
pub struct Exists {
    /// Steps to the record that has the relation.
    pub hops: Vec<Hop>,
    /// Levels up to the scope in which the path starts.
    pub up: usize,
    /// The relation.
    pub relation: Relation,
    /// What holds for the row.
    pub filter: Option<Condition>,
}

/// A complex value: a resource, a datatype or a backbone element.
#[derive(Debug)]
pub struct Object {
    /// FHIR type or backbone path: `Patient`, `HumanName`, `Patient.contact`.
    pub type_name: &'static str,
    /// Elements in the order of the specification.
    pub members: Vec<Member>,
    /// Slot of the condition that must hold.
    pub when: Option<usize>,
    /// Holds at least one value of the record; an object of constants only is written always.
    pub dynamic: bool,
}

/// An element of an object.
#[derive(Debug)]
pub struct Member {
    /// JSON name: `birthDate`, `valueQuantity`, `_birthDate`.
    pub name: Name,
    /// Definition name: `value[x]` for `valueQuantity`.
    pub element: &'static str,
    /// Repeats: written as an array.
    pub list: bool,
    /// Must be present (min ≥ 1).
    pub required: bool,
    /// Belongs to the summary of its type.
    pub summary: bool,
    /// What the rest means depends on it, as on a status.
    pub modifier: bool,
    /// Code of the data-absent-reason when there is no value.
    pub absent: Option<Name>,
    /// FHIR type of the value.
    pub type_name: &'static str,
    /// The value.
    pub node: Node,
}

/// The value of an element.
#[derive(Debug)]
pub enum Node {
    /// Constant primitive as JSON text, and its text for searches.
    Constant {
        /// JSON.
        json: Box<str>,
        /// Text.
        text: Box<str>,
        /// Of a `code`: the value set that its binding requires, which implies its system.
        bound: Option<Name>,
    },
    /// A primitive of the record.
    Leaf(Leaf),
    /// `system`, `code` and `display` from a code map, as the members of a Coding.
    Coding(Leaf),
    /// A constant Coding.
    FixedCoding {
        /// System.
        system: Name,
        /// Code.
        code: Box<str>,
        /// Display.
        display: Option<Box<str>>,
    },
    /// A reference to a resource made of the record that a many2one points to.
    Reference(Box<Reference>),
    /// The address of such a resource, where FHIR has a URL.
    Address(Box<Reference>),
    /// Content type, data of a binary column.
    Attachment(Leaf),
    /// The lines of a text, each a value of a repeating element.
    Lines(Leaf),
    /// The position of the related row among those of its `each`, from 1.
    Position,
    /// A complex value.
    Object(Object),
    /// Several values of a repeating element; alternatives of one that does not repeat.
    List(Vec<Node>),
    /// Values of related rows.
    Each {
        /// Index in [`Row::eaches`].
        each: usize,
        /// What each row becomes.
        node: Box<Node>,
    },
    /// A value under a condition.
    When {
        /// Slot of the condition.
        slot: usize,
        /// The value.
        node: Box<Node>,
    },
}

/// A primitive made of one expression.
#[derive(Debug)]
pub struct Leaf {
    /// Slot of the value.
    pub slot: usize,
    /// The value, shared with its slot.
    pub expression: Arc<Expression>,
    /// Code map that translates it.
    pub codes: Option<Arc<CodeMap>>,
    /// FHIR primitive type.
    pub type_name: &'static str,
    /// Of a `code`: the value set that its binding requires, which implies its system.
    pub bound: Option<Name>,
}

/// A reference.
#[derive(Debug)]
pub struct Reference {
    /// Type referred to.
    pub target: Name,
    /// Slot of the record id.
    pub slot: usize,
    /// The record id, shared with its slot.
    pub expression: Arc<Expression>,
    /// Prefix of the target's ids.
    pub prefix: Option<Name>,
    /// Key of the target's ids.
    pub key: Option<Name>,
    /// Tryton model of the target.
    pub model: Name,
    /// Display text.
    pub display: Option<Leaf>,
}

/// A search parameter of a type.
#[derive(Debug)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// FHIR search parameter type.
    pub kind: crate::search::registry::Kind,
    /// Canonical URL of the definition, when it is one of R4's.
    pub url: Option<String>,
    /// Target types of a reference parameter.
    pub targets: Vec<String>,
    /// Asks whether there is any value but `false`, as `deceased` does; the answer is never missing.
    pub holds: bool,
    /// Where it looks: per source, per emit, the places.
    pub places: Vec<Vec<Vec<Spot>>>,
    /// FHIR types of the elements that it looks at.
    pub types: BTreeSet<String>,
    /// Of a composite: its parts, in the order of its value.
    pub parts: Vec<Part>,
}

/// One part of a composite parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The parameter of the same type that it stands for.
    pub name: String,
    /// Type of its values.
    pub kind: crate::search::registry::Kind,
}

/// A place that a parameter looks at, of which there are tens of thousands: a way through members and repeated rows to a node.
#[derive(Clone, Debug, Default)]
pub struct Spot {
    /// Steps from the body of the emit to the node; none for the body itself.
    pub steps: Vec<Step>,
    /// Only where this sibling has this constant value (`telecom.where(system='phone')`).
    pub filter: Option<Box<(String, String)>>,
    /// Of a composite: where each of its parts looks, from the object that this place is.
    pub parts: Vec<Vec<Spot>>,
}

/// One step of a [`Spot`]; small, because there are a hundred thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Member of an object, by position.
    Member(Position),
    /// Item of a list.
    Item(Position),
    /// Into the value of a related row.
    Row,
    /// Into a conditional value.
    Inside,
}

impl Step {
    /// The member at this position.
    pub fn member(position: usize) -> Self {
        Self::Member(position.into())
    }

    /// The item at this position.
    pub fn item(position: usize) -> Self {
        Self::Item(position.into())
    }
}

/// A position in an object or a list of a mapping file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(u32);

impl From<usize> for Position {
    fn from(position: usize) -> Self {
        // A file with more parts than that is larger than any that can be read.
        Self(u32::try_from(position).unwrap_or(u32::MAX))
    }
}

impl From<Position> for usize {
    fn from(Position(position): Position) -> Self {
        position as Self
    }
}
