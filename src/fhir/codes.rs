//! Codes of FHIR R4: the displays of code systems and the membership of value sets.
//!
//! <https://hl7.org/fhir/R4/terminologies.html>. The data are `r4/codes.tsv`, written from the specification by
//! `tests/definitions/generate`, and read once, when first asked. They are what bindings of elements and mappings
//! need, not a terminology server: of what is not there, the answer is `None`.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

const CODES: &str = include_str!("r4/codes.tsv");
const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

static TERMINOLOGY: LazyLock<Terminology> = LazyLock::new(|| Terminology::read(CODES));

/// What the code system calls a code.
pub fn display(system: &str, code: &str) -> Option<&'static str> {
    let found = TERMINOLOGY.systems.get(system)?.codes.get(code)?;
    (!found.is_empty()).then_some(found)
}

/// Whether the code system has a code; `None` when the system, or the rest of its codes, is not known.
pub fn in_system(system: &str, code: &str) -> Option<bool> {
    let system = TERMINOLOGY.systems.get(system)?;
    match system.codes.contains_key(code) {
        false if !system.complete => None,
        found => Some(found),
    }
}

/// Whether a coding is in a value set; `None` when the value set is not known.
pub fn in_value_set(url: &str, system: &str, code: &str) -> Option<bool> {
    let includes = value_set(url)?;
    Some(includes.iter().any(|include| include.system == system && include.has(code)))
}

/// Whether a `code`, which carries no system, is in a value set; `None` when the value set is not known.
pub fn allows(url: &str, code: &str) -> Option<bool> {
    Some(value_set(url)?.iter().any(|include| include.has(code)))
}

/// The codes of a value set as (system, code), in the order of the alphabet; `None` when it is not known.
pub fn listed(url: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let mut codes: Vec<_> = value_set(url)?.iter().flat_map(Include::codes).collect();
    codes.sort_unstable();
    Some(codes)
}

/// The codes of a code system with their displays, in the order of the alphabet, and whether these are all of them;
/// `None` when it is not known.
pub fn concepts(system: &str) -> Option<(Vec<(&'static str, &'static str)>, bool)> {
    let system = TERMINOLOGY.systems.get(system)?;
    let mut codes: Vec<_> = system.codes.iter().map(|(code, display)| (*code, *display)).collect();
    codes.sort_unstable();
    Some((codes, system.complete))
}

/// <https://hl7.org/fhir/R4/references.html#canonical>: a canonical may end with the version.
fn value_set(url: &str) -> Option<&'static [Include]> {
    let (url, _) = url.split_once('|').unwrap_or((url, ""));
    let key = url.strip_prefix(VALUE_SETS).unwrap_or(url);
    TERMINOLOGY.value_sets.get(key).map(Vec::as_slice)
}

struct Terminology {
    systems: HashMap<&'static str, System>,
    /// By canonical URL, or by what follows [`VALUE_SETS`] in it.
    value_sets: HashMap<&'static str, Vec<Include>>,
}

struct System {
    /// Whether `codes` are all codes it has.
    complete: bool,
    codes: HashMap<&'static str, &'static str>,
}

struct Include {
    system: &'static str,
    /// None for all of the system.
    codes: Option<HashSet<&'static str>>,
}

impl Include {
    fn has(&self, code: &str) -> bool {
        match &self.codes {
            Some(codes) => codes.contains(code),
            None => self.known().is_some_and(|system| system.codes.contains_key(code)),
        }
    }

    fn codes(&self) -> Vec<(&'static str, &'static str)> {
        let named = self.codes.iter().flatten();
        let known = self.known().filter(|_| self.codes.is_none());
        let all = known.into_iter().flat_map(|system| system.codes.keys());
        named.chain(all).map(|code| (self.system, *code)).collect()
    }

    fn known(&self) -> Option<&'static System> {
        TERMINOLOGY.systems.get(self.system)
    }
}

impl Terminology {
    /// The format is described at the top of the file.
    fn read(text: &'static str) -> Self {
        let mut systems: HashMap<&'static str, System> = HashMap::new();
        let mut value_sets: HashMap<&'static str, Vec<Include>> = HashMap::new();
        let mut section = Section::Start;
        for line in text.lines() {
            if let Some(url) = line.strip_prefix(['=', '+']) {
                section = Section::System(url);
                systems.insert(url, System { complete: line.starts_with('='), codes: HashMap::new() });
            } else if let Some(url) = line.strip_prefix('@') {
                section = Section::ValueSet(url);
                value_sets.insert(url, Vec::new());
            } else {
                let mut columns = line.split('\t');
                let first = columns.next().unwrap_or_default();
                match section {
                    Section::Start => {}
                    Section::System(url) => {
                        let system = systems.get_mut(url).expect("its line came before its codes");
                        system.codes.insert(first, columns.next().unwrap_or_default());
                    }
                    Section::ValueSet(url) => {
                        let codes: HashSet<_> = columns.collect();
                        let codes = Some(codes).filter(|codes| !codes.is_empty());
                        let includes = value_sets.get_mut(url).expect("its line came before its parts");
                        includes.push(Include { system: first, codes });
                    }
                }
            }
        }
        Self { systems, value_sets }
    }
}

/// What the line being read belongs to; before the first section there are only comments.
enum Section {
    Start,
    System(&'static str),
    ValueSet(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::structure::{self, Strength};

    const TERMINOLOGY_HL7: &str = "http://terminology.hl7.org/CodeSystem";

    #[test]
    fn systems_have_displays() {
        for (system, code, expected) in [
            ("v3-MaritalStatus", "M", "Married"),
            ("v2-0203", "MR", "Medical record number"),
            ("condition-clinical", "active", "Active"),
            ("v3-ActCode", "AMB", "ambulatory"),
            ("v3-ObservationValue", "REDACTED", "redacted"),
            ("v3-NullFlavor", "UNK", "unknown"),
            ("data-absent-reason", "masked", "Masked"),
            ("location-physical-type", "wa", "Ward"),
            ("v2-0131", "N", "Next-of-Kin"),
            ("v2-0276", "ROUTINE", "Routine appointment - default if not valued"),
            ("v3-RoleCode", "MTH", "mother"),
        ] {
            assert_eq!(display(&format!("{TERMINOLOGY_HL7}/{system}"), code), Some(expected), "{system}");
        }
        assert_eq!(display("http://hl7.org/fhir/administrative-gender", "male"), Some("Male"));
        assert_eq!(display("http://hl7.org/fhir/administrative-gender", "m"), None);
        assert_eq!(display("http://nowhere.example", "male"), None);
    }

    #[test]
    fn membership_is_known_or_not_known() {
        let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
        let system = "http://hl7.org/fhir/administrative-gender";
        assert_eq!(in_value_set(gender, system, "male"), Some(true));
        assert_eq!(
            in_value_set("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", system, "male"),
            Some(true)
        );
        assert_eq!(in_value_set(gender, system, "Male"), Some(false));
        assert_eq!(in_value_set(gender, "http://nowhere.example", "male"), Some(false));
        assert_eq!(in_value_set("http://nowhere.example", system, "male"), None);
        assert_eq!(allows(gender, "female"), Some(true));
        assert_eq!(allows(gender, "f"), Some(false));
        assert_eq!(allows("http://hl7.org/fhir/ValueSet/mimetypes", "text/plain"), None);
        let encounter = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
        let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
        assert_eq!(in_value_set(encounter, act, "EMER"), Some(true));
        assert_eq!(in_value_set(encounter, act, "ETHUD"), Some(false));
        assert_eq!(in_system(act, "no such code"), None);
        assert_eq!(in_system(system, "m"), Some(false));
        let codes = listed(gender).expect("R4 has it");
        assert_eq!(
            codes.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            ["female", "male", "other", "unknown"]
        );
    }

    #[test]
    fn only_these_required_value_sets_are_not_known() {
        let mut missing: Vec<_> = structure::resources()
            .chain(["Attachment", "Money", "Timing.repeat", "Identifier", "HumanName", "Quantity"])
            .flat_map(structure::children)
            .filter_map(|element| element.binding.as_ref())
            .filter(|binding| binding.strength == Strength::Required && listed(&binding.value_set).is_none())
            .map(|binding| binding.value_set.as_str())
            .collect();
        missing.sort_unstable();
        missing.dedup();
        assert_eq!(
            missing,
            ["http://hl7.org/fhir/ValueSet/currencies", "http://hl7.org/fhir/ValueSet/mimetypes",]
        );
    }

    #[test]
    fn what_a_value_set_names_is_in_the_system() {
        for includes in TERMINOLOGY.value_sets.values() {
            assert!(!includes.is_empty());
            for include in includes {
                let system = include.known().expect("every included system is written");
                assert!(include.codes.is_some() || system.complete, "{}", include.system);
                let mut named = include.codes.iter().flatten();
                assert!(named.all(|code| system.codes.contains_key(code)), "{}", include.system);
            }
        }
    }
}
