//! How a search is answered, instead of its answer: `gnuhealth-fhir explain` for operators, `_explain=true` for the
//! administrators of GNU Health.
//!
//! The statements hold the conditions of the rights, and the estimates of PostgreSQL know hidden rows too. So over HTTP
//! only who may change groups in Tryton, and so the rights, is told.

use serde_json::{Value, json};

use super::{
    Answer, Request,
    gateway::{Caller, Fhir},
    rights,
    search::{Place, Understood, value_sets},
};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::ResourceType,
    plan::{self, Lookup, Situation, Step},
    search::Total,
    store::{Class, Store},
    tryton::Explanation,
};

/// The parameter.
const PARAMETER: &str = "_explain";

/// Whether the explanation is asked for, and the other parameters.
///
/// # Errors
/// Neither `true` nor `false`.
pub(super) fn asked(pairs: &[(String, String)]) -> Result<Option<Vec<(String, String)>>> {
    if !pairs.iter().any(|(name, _)| name == PARAMETER) {
        return Ok(None);
    }
    let (asked, others): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(name, _)| name == PARAMETER);
    match asked.as_slice() {
        [(_, value)] if value == "true" => Ok(Some(others)),
        _ => Err(Error::new(&error::PARAMETER_VALUE).detail("Expected true, once.").at(PARAMETER)),
    }
}

/// The statements that answer the first page of a search; those of what it includes depend on what is found.
///
/// # Errors
/// As the search.
pub fn steps(
    situation: Situation<'_>,
    place: Place<'_>,
    pairs: &[(String, String)],
    (default, max): (u32, u32),
) -> Result<Vec<Step>> {
    let types = place.types(situation.compiled, pairs)?;
    let search = Understood::of(situation, types, place, false)?;
    let (parts, wanted) = (search.parts(), &search.wanted);
    let searched = search.searched(&parts);
    let limit = wanted.count.unwrap_or(default).min(max);
    let mut steps = Vec::new();
    if wanted.total != Total::None || limit == 0 {
        steps.extend(plan::count(situation, searched)?.statements.into_iter().map(|part| ("total", part)));
    }
    if wanted.total != Total::Only && limit > 0 {
        let (name, plan) = match parts.as_slice() {
            [part] => ("matches", plan::page(situation, *part, &wanted.sort, None, limit)?),
            _ => {
                let found = plan::positions(situation, searched, &wanted.sort, None, limit)?;
                ("positions of the matches", found)
            }
        };
        steps.extend(plan.statements.into_iter().map(|statement| (name, statement)));
    }
    Ok(steps)
}

/// By which columns a search looks rows up, for each source of its types, and whether its first sort key descends.
///
/// # Errors
/// As the search.
pub fn lookups(
    situation: Situation<'_>,
    place: Place<'_>,
    pairs: &[(String, String)],
) -> Result<(Vec<Vec<Lookup>>, bool)> {
    let types = place.types(situation.compiled, pairs)?;
    let search = Understood::of(situation, types, place, false)?;
    let sort = &search.wanted.sort;
    let mut all = Vec::new();
    for part in search.parts() {
        all.extend(plan::lookups(situation, part, sort)?);
    }
    Ok((all, sort.first().is_some_and(|key| key.descending)))
}

/// What PostgreSQL expects of a statement, line by line. It is not run.
///
/// # Errors
/// The database does not answer.
pub async fn expected(store: &Store, (_, statement): &Step) -> Result<Vec<String>> {
    let rows = store.rows(Class::Request.to("explain"), &statement.explained()).await?;
    rows.iter().map(|row| row.column(0)).collect()
}

/// The types that share a table with the statements: what is searched, and what chains lead through.
pub fn touched<'a>(situation: Situation<'a>, steps: &[Step]) -> Vec<&'a ResourceType> {
    let in_it = |table: &str| steps.iter().any(|(_, step)| step.text.contains(&format!("\"{table}\"")));
    let types = situation.compiled.types.values();
    types.filter(|kind| kind.sources.iter().any(|source| in_it(&source.table))).collect()
}

/// The explanation as Parameters, for an administrator.
pub(super) async fn answer(
    fhir: &Fhir,
    caller: &Caller,
    request: &Request,
    place: Place<'_>,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let security = fhir.security()?;
    let user = security.user(caller.user).ok_or_else(|| Error::new(&error::CREDENTIAL_WRONG))?;
    let explanation = Explanation::load(&fhir.store, &security, user).await?;
    if !explanation.administers() {
        return Err(Error::new(&error::EXPLANATION_FORBIDDEN).at(PARAMETER));
    }
    let value_sets = value_sets(fhir, request, pairs).await?;
    let situation = Situation { value_sets: &value_sets, ..caller.situation(fhir, &request.base) };
    let steps = steps(situation, place, pairs, (fhir.options.default_count, fhir.options.max_count))?;
    let text = |name: &str, value: &str| json!({ "name": name, "valueString": value });
    let mut parameters = Vec::new();
    for step in &steps {
        let (what, statement) = step;
        let mut parts = vec![text("for", what), text("sql", &statement.text)];
        let values = statement.values.iter().enumerate();
        parts.extend(values.map(|(index, value)| text("value", &format!("${} = {value:?}", index + 1))));
        parts.push(text("expected", &expected(&fhir.store, step).await?.join("\n")));
        parameters.push(json!({ "name": "statement", "part": parts }));
    }
    parameters.push(text("rights", &rights::types(&explanation, &touched(situation, &steps))));
    let body: Value = json!({ "resourceType": "Parameters", "parameter": parameters });
    Ok(Answer { body: body.to_string().into_bytes(), personal: true, ..Answer::default() })
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn an_explanation_is_asked_for_once_and_clearly() {
        let pairs = |all: &[(&str, &str)]| -> Vec<_> {
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(asked(&pairs(&[("code", "x")])).unwrap(), None);
        let others = asked(&pairs(&[("_explain", "true"), ("code", "x")])).unwrap();
        assert_eq!(others, Some(pairs(&[("code", "x")])));
        for wrong in
            [&[("_explain", "1")][..], &[("_explain", "")], &[("_explain", "true"), ("_explain", "true")]]
        {
            assert!(asked(&pairs(wrong)).is_err());
        }
    }
}
