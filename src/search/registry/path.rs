//! The part of FHIRPath that the search parameters of R4 are written in.
//!
//! <https://hl7.org/fhir/R4/fhirpath.html>. Of the whole language they need steps to elements, casts to a type of a
//! choice, filters on the type of a reference or on the value of a code, and `exists()`. What is written otherwise is
//! kept as [`Path::Unsupported`], so that whoever needs it can say so.

/// One part of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// The way from the resource, or from the element of a composite, to what is searched. Empty for the resource itself.
    Steps(Vec<Step>),
    /// Another expression, as the specification has it.
    Unsupported(&'static str),
}

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Down to an element, a choice without its type: `value`.
    Element(&'static str),
    /// Only where the choice has this type: `as(Quantity)`.
    As(&'static str),
    /// Only references to this type: `where(resolve() is Patient)`.
    Refers(&'static str),
    /// Only where the element below has this code: `where(system='phone')`.
    Where {
        /// The element below.
        element: &'static str,
        /// Its value.
        is: &'static str,
    },
    /// Whether there is any: `exists()`.
    Exists,
    /// Whether there is any and it is not `false`: `Patient.deceased.exists() and Patient.deceased != false`.
    Holds,
}

impl Path {
    /// The parts of a union, each without the resource type that it starts with; `base` is empty for a composite's.
    pub(super) fn parts(expression: &'static str, base: &str) -> Vec<Self> {
        split(expression).map(|part| Self::parse(part, base)).collect()
    }

    /// The names of the elements on the way, without casts and filters: `telecom`, `contact.name`.
    pub fn elements(&self) -> impl Iterator<Item = &'static str> {
        let steps = match self {
            Self::Steps(steps) => steps.as_slice(),
            Self::Unsupported(_) => &[],
        };
        steps.iter().filter_map(|step| match step {
            Step::Element(name) => Some(*name),
            _ => None,
        })
    }

    fn parse(text: &'static str, base: &str) -> Self {
        let holds = text
            .split_once(".exists() and ")
            .filter(|(path, also)| also.strip_suffix(" != false") == Some(path));
        let mut reader = Reader { rest: holds.map_or(text, |(path, _)| path) };
        match reader.path(base) {
            Some(mut steps) if reader.rest.is_empty() => {
                steps.extend(holds.map(|_| Step::Holds));
                Self::Steps(steps)
            }
            _ => Self::Unsupported(text),
        }
    }
}

/// Splits at each `|` that stands in no parentheses.
fn split(expression: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0_usize;
    expression
        .split(move |letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter == '|' && depth == 0
        })
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Reads from the front; `None` is what it does not know.
struct Reader {
    rest: &'static str,
}

impl Reader {
    /// `Patient.name`, `(Observation.value as Quantity)`, `(Observation.value as CodeableConcept).text`
    fn path(&mut self, base: &str) -> Option<Vec<Step>> {
        let mut steps = if self.take("(") {
            let mut inner = self.path(base)?;
            if self.take(" as ") {
                inner.push(Step::As(self.name()?));
            }
            self.expect(")")?;
            inner
        } else {
            match self.name()? {
                name if name == base => Vec::new(),
                name if base.is_empty() => vec![Step::Element(name)],
                _ => return None,
            }
        };
        while self.take(".") {
            let step = self.step()?;
            steps.push(step);
        }
        Some(steps)
    }

    fn step(&mut self) -> Option<Step> {
        let name = self.name()?;
        if !self.take("(") {
            return Some(Step::Element(name));
        }
        let step = match name {
            "as" => Step::As(self.name()?),
            "exists" => Step::Exists,
            "where" if self.take("resolve() is ") => Step::Refers(self.name()?),
            "where" => {
                let element = self.name()?;
                self.expect("='")?;
                let (is, rest) = self.rest.split_once('\'')?;
                self.rest = rest;
                Step::Where { element, is }
            }
            _ => return None,
        };
        self.expect(")")?;
        Some(step)
    }

    fn name(&mut self) -> Option<&'static str> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.take(text).then_some(())
    }
}
