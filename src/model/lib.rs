//! Placeholder of the FHIR model package; replaced when the model lands.
