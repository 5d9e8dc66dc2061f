//! Reference search and chains: <https://hl7.org/fhir/R4/search.html#reference>.

use super::{check, filter as plan_filter, forbidden, spot, token};
use crate::{
    error::{self, Error, Result},
    mapping::{
        Place,
        compiled::{Expression, Kind as ColumnKind, Node, Parameter, Reference, ResourceType, Row, Way},
    },
    plan::{
        ids,
        lookup::How,
        page::Situation,
        scope::{Builder, Masked},
    },
    search::{
        Filter,
        registry::Kind,
        value::{ReferenceValue, TokenValue, unescape},
    },
    sql::Fragment,
};

/// The condition that the values of a reference put on a node: any of them.
pub fn reference(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    node: &Node,
    row: &Row,
    values: &[&str],
    modifier: Option<&str>,
) -> Result<Fragment> {
    let Some(reference) = node.reference() else {
        return match modifier {
            None => canonical(builder, node, row, values),
            Some("identifier") => logical(builder, node, row, values),
            Some(_) => Ok(Fragment::truth(false)),
        };
    };
    if modifier == Some("identifier") {
        // What has none is found by none; a reference may lead to other types that have one.
        let kind = situation.compiled.types.get(reference.target.as_str());
        if !kind.is_some_and(|kind| kind.parameters.contains_key("identifier")) {
            return Ok(Fragment::truth(false));
        }
        let rest = Filter {
            key: "identifier".to_owned(),
            name: "identifier".to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..Filter::default()
        };
        return through(builder, situation, reference, &rest);
    }
    builder.probe(|builder| builder.referred(&reference.expression)).map_err(forbidden)?;
    let Some(place) = situation.compiled.target(reference) else {
        return Ok(Fragment::truth(false));
    };
    let mut records = Vec::new();
    for value in values {
        let value = ReferenceValue::parse(value)?;
        let wanted = modifier.or(value.kind.as_deref());
        let elsewhere = value.base.as_deref().is_some_and(|base| base != situation.base);
        if elsewhere || wanted.is_some_and(|wanted| wanted != reference.target) {
            continue;
        }
        if let Some(target) = ids::parse_id(place.kind, &value.id)
            && (target.source, target.emit) == (place.source, place.emit)
        {
            records.push(target.record);
        }
    }
    let among = |id: Fragment| match records.as_slice() {
        [] => Fragment::truth(false),
        [record] => id.text(" = ").bind(*record),
        _ => id.text(" = ANY(").bind(records.clone()).text(")"),
    };
    if !records.is_empty()
        && let Some(sought) = choice(builder, reference, &among)?
    {
        return Ok(sought);
    }
    builder.note(&reference.expression, How::Equal);
    Ok(among(builder.referred(&reference.expression).map_err(forbidden)?))
}

/// The type whose resources each have few others that refer to them.
const OF_FEW: &str = "Patient";

/// What is asked of a patient that several columns can lead to, column by column: each can have an index.
fn choice(
    builder: &mut Builder<'_>,
    reference: &Reference,
    holds: &dyn Fn(Fragment) -> Fragment,
) -> Result<Option<Fragment>> {
    let Expression::First(parts) = reference.expression.as_ref() else { return Ok(None) };
    if reference.target != OF_FEW || reference.expression.kind() == ColumnKind::Text {
        return Ok(None);
    }
    // A part behind a typed reference to a closed model is none (as where the reference is written). Of another one that is
    // closed the whole choice says what follows.
    let open = |builder: &mut Builder<'_>, part: &Expression| match builder.referred(part) {
        Ok(_) => Some(true),
        Err(Masked) => builder.closed_target(part).map(|_| false),
    };
    let open: Option<Vec<bool>> =
        builder.probe(|builder| parts.iter().map(|part| open(builder, part)).collect());
    let Some(open) = open else { return Ok(None) };
    let parts: Vec<&Expression> =
        parts.iter().zip(open).filter_map(|(part, open)| open.then_some(part)).collect();
    builder.sought(parts.len(), forbidden, &mut |builder, number| {
        let mut all = Vec::new();
        for before in parts[..number].iter().filter(|before| !exclude(before, parts[number])) {
            all.push(builder.referred(before).map_err(forbidden)?.text(" IS NULL"));
        }
        builder.note(parts[number], How::Equal);
        all.push(holds(builder.referred(parts[number]).map_err(forbidden)?));
        Ok(Fragment::all(all))
    })
}

/// At most one of two columns has a value: one Reference leads to both, by records of different models.
fn exclude(left: &Expression, right: &Expression) -> bool {
    let typed = |expression: &'_ Expression| {
        let Expression::Column(column) = expression else { return None };
        let at = column.hops.iter().position(|hop| hop.way == Way::Typed)?;
        let hop = &column.hops[at];
        Some((column.up, column.hops[..at].to_vec(), hop.field, hop.target))
    };
    match (typed(left), typed(right)) {
        (Some(left), Some(right)) => {
            (left.0, &left.1, &left.2) == (right.0, &right.1, &right.2) && left.3 != right.3
        }
        _ => false,
    }
}

/// The URL of a definition, as in `QuestionnaireResponse.questionnaire`.
fn canonical(builder: &mut Builder<'_>, node: &Node, row: &Row, values: &[&str]) -> Result<Fragment> {
    let urls: Result<Vec<_>> = values.iter().map(|value| unescape(value).map(TokenValue::Code)).collect();
    token::token(builder, node, row, &urls?).map_err(forbidden)
}

/// The identifier of a reference that leads nowhere.
fn logical(builder: &mut Builder<'_>, node: &Node, row: &Row, values: &[&str]) -> Result<Fragment> {
    match node {
        Node::Object(object) => {
            let wanted: Vec<_> =
                values.iter().map(|value| TokenValue::parse(value)).collect::<Result<_>>()?;
            let mut any = Vec::new();
            for member in object.members.iter().filter(|member| member.element == "identifier") {
                any.push(token::token(builder, &member.node, row, &wanted).map_err(forbidden)?);
            }
            Ok(Fragment::any(any))
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot).map_err(forbidden)?;
            Ok(Fragment::all([holds, logical(builder, node, row, values)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// The types that a chain leads to: those that the parameter refers to and for which the rest can be asked.
///
/// # Errors
/// It is no reference, does not refer to the type that is named, or the rest can be asked of none of its types.
pub(super) fn targets<'a>(
    situation: Situation<'a>,
    kind: &'a ResourceType,
    parameter: &'a Parameter,
    filter: &Filter,
    rest: &Filter,
) -> Result<Vec<&'a str>> {
    let wanted = filter.modifier.as_deref();
    if parameter.kind != Kind::Reference {
        return Err(Error::new(&error::PARAMETER_MODIFIER)
            .detail(format!("{} is no reference, so nothing can be chained to it.", filter.name)));
    }
    let all = situation.compiled.targets(kind, parameter);
    if let Some(wanted) = wanted.filter(|wanted| !all.contains(wanted)) {
        let known = all.join(", ");
        return Err(Error::new(&error::PARAMETER_MODIFIER)
            .detail(format!("{} refers to: {known}; not to {wanted}.", filter.name)));
    }
    let mut fault = None;
    let mut fits = Vec::new();
    for target in all.into_iter().filter(|target| wanted.is_none_or(|wanted| wanted == *target)) {
        match check::check(situation, &situation.compiled.types[target], rest) {
            Ok(()) => fits.push(target),
            Err(error) => fault = Some(error),
        }
    }
    if fits.is_empty() {
        return Err(fault.unwrap_or_else(|| check::unknown(kind, &filter.key)));
    }
    Ok(fits)
}

/// The condition of a chained filter.
#[expect(clippy::too_many_arguments, reason = "the place of a parameter and the two parts of its filter")]
pub fn chain(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    source: usize,
    emit: usize,
    parameter: &Parameter,
    filter: &Filter,
    rest: &Filter,
) -> Result<Fragment> {
    let fits = targets(situation, kind, parameter, filter, rest)?;
    spot::at(builder, kind, source, emit, parameter, &mut |builder, node, _| match node.reference() {
        Some(reference) if fits.contains(&reference.target.as_str()) => {
            through(builder, situation, reference, rest)
        }
        _ => Ok(Fragment::truth(false)),
    })
}

/// There is a resource at the other end, visible to the caller, for which the rest holds.
fn through(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    reference: &Reference,
    rest: &Filter,
) -> Result<Fragment> {
    let Some(place) = situation.compiled.target(reference) else {
        return Ok(Fragment::truth(false));
    };
    builder.spend(&Fragment::new())?;
    check::check(situation, place.kind, rest)?;
    builder.probe(|builder| builder.expression(&reference.expression)).map_err(forbidden)?;
    let among = match builder.sets.known(place, rest) {
        // Whoever wants to know what is looked up is told for each source.
        Some(known) if builder.notes.is_none() => known,
        _ => match target(builder, situation, place, rest)? {
            Some(found) => found,
            None => return Ok(Fragment::truth(false)),
        },
    };
    let among = |id: Fragment| id.then(among.clone()).text(")");
    if let Some(sought) = choice(builder, reference, &among)? {
        return Ok(sought);
    }
    builder.note(&reference.expression, How::Equal);
    let seeking = std::mem::replace(&mut builder.seeking, true);
    let id = builder.expression(&reference.expression);
    builder.seeking = seeking;
    Ok(among(id.map_err(forbidden)?))
}

/// ` IN (SELECT` the ids of the resources, visible to the caller, for which the rest holds; none when it can hold for none.
fn target(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    place: Place<'_>,
    rest: &Filter,
) -> Result<Option<Fragment>> {
    let source = &place.kind.sources[place.source];
    let root = builder.open_source(source);
    let inside = (|builder: &mut Builder<'_>| {
        let visible = builder
            .resource(source, place.emit, root)
            .map_err(|Masked| Error::new(&error::MODEL_FORBIDDEN).at(place.kind.name.clone()))?;
        let holds = plan_filter(builder, situation, place.kind, place.source, place.emit, rest)?;
        Ok((Fragment::all([visible, holds.clone()]), holds))
    })(builder);
    let scope = builder.close();
    let (conditions, holds) = inside?;
    if conditions.is("FALSE") {
        return Ok(None);
    }
    let select = scope.from(&source.table, conditions.clone());
    let select = Fragment::raw("SELECT ").column(root, "id").then(select);
    let kept = builder.sets.keep(place, rest, &holds, &conditions, &select);
    Ok(Some(kept.unwrap_or_else(|| Fragment::raw(" IN (").then(select))))
}
