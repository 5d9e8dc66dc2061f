//! Whom an answer is about, for the audit trail.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use crate::search::compartment;

/// What the resources of an answer are about: addresses of patients; of a resource that belongs to a patient but does not
/// say to which, its own. Nothing is noted unless somebody wants to know.
#[derive(Clone, Debug, Default)]
pub struct Touched(Option<Arc<Mutex<BTreeSet<String>>>>);

impl Touched {
    /// Notes from now on.
    pub fn noting() -> Self {
        Self(Some(Arc::default()))
    }

    /// The same for a part of the request, which is told apart.
    #[must_use]
    pub fn part(&self) -> Self {
        Self(self.0.as_ref().map(|_| Arc::default()))
    }

    /// Somebody wants to know.
    pub(super) fn notes(&self) -> bool {
        self.0.is_some()
    }

    /// A resource of this type and address is part of the answer, and is or names these patients.
    pub fn add(&self, kind: &str, address: &str, patients: Vec<String>) {
        let Some(all) = &self.0 else { return };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        // A Binary is the content of a document, and documents belong to patients.
        let belongs = kind == "Patient"
            || (patients.is_empty()
                && (kind == "Binary" || compartment::parameters("Patient", kind).next().is_some()));
        if belongs {
            all.insert(address.to_owned());
        }
        all.extend(patients);
    }

    /// What was noted since it was taken last.
    pub fn take(&self) -> Vec<String> {
        let Some(all) = &self.0 else { return Vec::new() };
        mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Touched;

    #[test]
    fn patients_are_noted_and_what_does_not_say_whose_it_is() {
        let touched = Touched::noting();
        let patients = |ids: &[u32]| ids.iter().map(|id| format!("Patient/{id}")).collect::<Vec<_>>();
        touched.add("Observation", "Observation/ev-1", patients(&[7]));
        touched.add("Observation", "Observation/ev-2", patients(&[7, 8]));
        touched.add("Observation", "Observation/ev-3", Vec::new());
        touched.add("Patient", "Patient/9", patients(&[5]));
        touched.add("Practitioner", "Practitioner/1", Vec::new());
        touched.add("Binary", "Binary/4", Vec::new());
        let expected = ["Binary/4", "Observation/ev-3", "Patient/5", "Patient/7", "Patient/8", "Patient/9"];
        assert_eq!(touched.take(), expected);
        assert!(touched.take().is_empty());
        let nobody = Touched::default();
        nobody.add("Patient", "Patient/9", Vec::new());
        assert!(!nobody.notes() && nobody.part().take().is_empty());
    }
}
