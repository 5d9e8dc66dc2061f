//! What is measured.

use std::ops::RangeInclusive;

use crate::database::Hospital;

/// A kind of request.
#[derive(Clone, Debug)]
pub struct Work {
    /// What it is called in the report.
    pub name: String,
    /// Its requests.
    pub paths: Paths,
    /// The share of the limit that it should reach at least.
    pub target: Option<f64>,
}

/// Paths below the base.
#[derive(Clone, Debug)]
pub enum Paths {
    /// For any patient: `{id}` stands for the id.
    Patients(String),
    /// These.
    Some(Vec<String>),
}

/// Sample requests of a work whose statements differ by more than the patient.
const SAMPLES: usize = 4;

impl Paths {
    /// The paths for these patients.
    pub fn all(&self, patients: &RangeInclusive<i32>) -> Vec<String> {
        match self {
            Self::Patients(path) => {
                patients.clone().map(|id| path.replace("{id}", &id.to_string())).collect()
            }
            Self::Some(paths) => paths.clone(),
        }
    }

    /// A few of them, of patients that stand for all.
    pub fn samples(&self, patients: &RangeInclusive<i32>) -> Self {
        match self {
            Self::Patients(path) => {
                let step = (patients.clone().count() / SAMPLES).max(1);
                let some = patients.clone().step_by(step).take(SAMPLES);
                Self::Some(some.map(|id| path.replace("{id}", &id.to_string())).collect())
            }
            Self::Some(paths) => Self::Some(paths.clone()),
        }
    }
}

/// Everything but the pages, which are walked to first.
pub fn all(hospital: &Hospital) -> Vec<Work> {
    let work = |name: &str, paths: Paths, target: Option<f64>| Work { name: name.to_owned(), paths, target };
    let any = |path: &str| Paths::Patients(path.to_owned());
    let each = |values: &[String], path: &str| {
        Paths::Some(values.iter().map(|value| path.replace("{}", value)).collect())
    };
    let one = |path: &str| Paths::Some(vec![path.to_owned()]);
    vec![
        work("read: Patient/[id]", any("Patient/{id}"), Some(0.70)),
        work("page of 50 Patients", one("Patient?_count=50"), Some(0.80)),
        work("Patients by name", each(&hospital.names, "Patient?name={}&_count=20"), None),
        work(
            "Observations by patient, code, date",
            any("Observation?patient={id}&code=8867-4&_sort=-date&_count=50"),
            Some(0.70),
        ),
        work(
            "chain: Conditions by patient's name",
            each(&hospital.names, "Condition?patient.name={}&_count=20"),
            None,
        ),
        work(
            "_has: Patients by their Conditions",
            each(&hospital.diagnoses, "Patient?_has:Condition:patient:code={}&_count=20"),
            None,
        ),
        work(
            "three includes",
            any(
                "Observation?patient={id}&_count=20&_include=Observation:subject&_include=Observation:performer&_include=Observation:encounter",
            ),
            None,
        ),
        work("Patient/[id]/$everything", any("Patient/{id}/$everything?_count=50"), None),
    ]
}

/// How far into all Observations the second of two pages is.
pub const DEEP: usize = 1000;

/// The first page of the pages that are walked.
pub const FIRST: &str = "Observation?_count=50";
