//! Read: <https://hl7.org/fhir/R4/http.html#read>.

use super::{
    Answer, Request, Touched, content,
    gateway::{Caller, Fhir},
    search::known_elements,
};
use crate::{
    error::{self, Error, Result},
    mapping::{Place, compiled::ResourceType},
    plan::{self, Target},
    render::{Renderer, Site},
    search::{self, Subset, Total},
    spans,
    store::Class,
};

/// Reads one resource.
pub(super) async fn read(
    fhir: &Fhir,
    request: &Request,
    kind: &str,
    id: &str,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let kind = fhir.kind(kind)?;
    let subset = subset(&kind.name, pairs, "A read takes _format, _pretty, _summary and _elements.")?;
    if kind.is_content() && !pairs.is_empty() {
        return Err(Error::new(&error::PARAMETER_UNKNOWN).detail("A read of a Binary takes _format."));
    }
    let Some(target) = plan::parse_id(kind, id) else {
        // Whether the type is open must not depend on the id.
        return Err(if is_open(kind, &caller) {
            Error::new(&error::RESOURCE_UNKNOWN)
        } else {
            Error::new(&error::MODEL_FORBIDDEN)
        });
    };
    let touched = request.trace.touched();
    if kind.is_content() {
        let answer = content::read(fhir, request, &caller, kind, id, target).await?;
        touched.add(&kind.name, &format!("{}/{id}", kind.name), Vec::new());
        return Ok(answer);
    }
    one(fhir, &caller, kind, id, target, &subset, touched).await
}

/// `_summary` and `_elements` of one resource of a type; `offered` tells that nothing else belongs to it.
pub(super) fn subset(kind: &str, pairs: &[(String, String)], offered: &str) -> Result<Subset> {
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !matches!(key.as_str(), "_summary" | "_elements")) {
        return Err(Error::new(&error::PARAMETER_UNKNOWN).detail(offered).at_key(key));
    }
    let (wanted, faults) = search::parse(pairs);
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault.error);
    }
    if wanted.total != Total::None {
        return Err(Error::new(&error::PARAMETER_VALUE)
            .detail("A read has nothing to count.")
            .at("_summary"));
    }
    known_elements(&[kind], &wanted.subset)?;
    Ok(wanted.subset)
}

fn is_open(kind: &ResourceType, caller: &Caller) -> bool {
    kind.sources.iter().any(|source| caller.permit.model(&source.model))
}

async fn one(
    fhir: &Fhir,
    caller: &Caller,
    kind: &ResourceType,
    id: &str,
    target: Target,
    subset: &Subset,
    touched: &Touched,
) -> Result<Answer> {
    let source = &kind.sources[target.source];
    let emit = &source.emits[target.emit];
    let place = Place { kind, source: target.source, emit: target.emit };
    let plan = || plan::read(source, emit, &caller.permit, &caller.languages, fhir.unchanged.keeps());
    let plan = fhir.plans.read((&caller.permit, &caller.languages), place, plan);
    let (plan, number) = plan.ok_or_else(|| Error::new(&error::MODEL_FORBIDDEN))?;
    let read = fhir.store.rows_of_record(Class::Request.to("read"), &plan.statement, target.record);
    let rows = fhir.unchanged.rows(number, || target.record.to_string(), 1, read).await?;
    let Some(row) = rows.first() else {
        return Err(Error::new(&error::RESOURCE_UNKNOWN));
    };
    let record = row.raw(0)?.ok_or_else(|| Error::new(&error::INTERNAL).cause("a row without a record"))?;
    let unmappable =
        |_| Error::new(&error::RECORD_UNMAPPABLE).cause("the row has not the form that was planned");
    let site = Site { zone: caller.zone.clone(), narrative: fhir.options.narrative };
    let renderer = Renderer {
        site: &site,
        row: &source.row,
        shape: &plan.shape,
        profiles: &emit.profiles,
        subset,
        patients: touched.notes(),
    };
    let mut body = Vec::with_capacity(4096);
    let rendered = spans::timed("render", || renderer.resource(&mut body, &emit.body, id, record));
    let rendered = rendered.map_err(unmappable)?;
    touched.add(&kind.name, &format!("{}/{id}", kind.name), rendered.patients);
    let (version, last_modified) = (Some(rendered.version), rendered.updated);
    Ok(Answer { body, version, last_modified, personal: true, ..Answer::default() })
}
