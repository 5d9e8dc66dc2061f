//! What stands above what. ICD-10 and ICD-11 say it in the code itself: `E11` is above `E11.0`, and `1A03.0` above
//! `1A03.0Z` (<https://icd.who.int/browse10/Content/statichtml/ICD10Volume2_en_2019.pdf>, 2.4.4). Chapters and blocks
//! have no codes in these catalogues; the others are flat.

const HIERARCHIES: [&str; 2] = ["http://hl7.org/fhir/sid/icd-10", "http://id.who.int/icd/release/11/mms"];

/// Characters of a code before its dot at least.
const CATEGORY: usize = 3;

/// Codes of this system stand above others.
pub(super) fn is_tree(system: &str) -> bool {
    HIERARCHIES.contains(&system)
}

/// Whether one code stands above another.
pub(super) fn is_above(system: &str, upper: &str, lower: &str) -> bool {
    is_tree(system)
        && lower.strip_prefix(upper).is_some_and(|rest| {
            rest.starts_with('.') && rest.len() > 1 || !rest.is_empty() && upper.contains('.')
        })
}

/// The codes that could stand above one, nearest first.
pub(super) fn above(system: &str, code: &str) -> Vec<String> {
    if !is_tree(system) || !code.is_ascii() {
        return Vec::new();
    }
    let prefixes = (CATEGORY..code.len()).rev().map(|end| &code[..end]);
    prefixes
        .filter(|upper| is_above(system, upper, code) && !upper.ends_with('.'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{above, is_above};

    #[test]
    fn a_code_stands_above_those_that_go_on_behind_its_dot() {
        let icd10 = "http://hl7.org/fhir/sid/icd-10";
        for (upper, lower) in [("E11", "E11.0"), ("M05", "M05.31"), ("M05.3", "M05.31")] {
            assert!(is_above(icd10, upper, lower), "{upper} {lower}");
        }
        for (upper, lower) in
            [("E11", "E11"), ("E1", "E11"), ("E11.0", "E11"), ("E10", "E11.0"), ("E11", "E11.")]
        {
            assert!(!is_above(icd10, upper, lower), "{upper} {lower}");
        }
        assert!(!is_above("http://loinc.org", "E11", "E11.0"));
        assert_eq!(above(icd10, "M05.31"), ["M05.3", "M05"]);
        assert_eq!(above("http://id.who.int/icd/release/11/mms", "1A03.0"), ["1A03"]);
        assert!(above(icd10, "E11").is_empty() && above(icd10, "é").is_empty());
    }
}
