//! Composite search: <https://hl7.org/fhir/R4/search.html#composite>.
//!
//! All parts hold for the same element: for the same component of an Observation, not across components.

use super::{Asked, forbidden, node, spot, token};
use crate::{
    error::Result,
    mapping::compiled::{Object, Row, Spot},
    plan::scope::Builder,
    search::{Filter, value},
    sql::Fragment,
};

/// The condition that the values of a composite put on an emit: any of them at any place.
pub fn composite(builder: &mut Builder<'_>, place: Asked<'_>, filter: &Filter) -> Result<Fragment> {
    let values: Vec<_> = match filter.modifier {
        None => {
            let count = place.parameter.parts.len();
            filter.values.iter().map(|text| value::parts(text, count)).collect::<Result<_>>()?
        }
        // `:missing`
        Some(_) => Vec::new(),
    };
    let mut any = Vec::new();
    for spot in &place.parameter.places[place.source][place.emit] {
        any.push(spot::whole(builder, place.body(), spot, place.row(), &mut |builder, object, row| {
            if filter.modifier.is_some() {
                return present(builder, object, spot, row);
            }
            let mut any = Vec::new();
            for value in &values {
                let condition = all(builder, place, object, spot, row, value)?;
                builder.spend(&condition)?;
                any.push(condition);
            }
            Ok(Fragment::any(any))
        })?);
    }
    Ok(Fragment::any(any))
}

/// Each part has its value.
fn all(
    builder: &mut Builder<'_>,
    place: Asked<'_>,
    object: &Object,
    spot: &Spot,
    row: &Row,
    values: &[&str],
) -> Result<Fragment> {
    let mut all = Vec::new();
    for ((part, spots), value) in place.parameter.parts.iter().zip(&spot.parts).zip(values) {
        let condition = spot::within(builder, object, spots, row, &mut |builder, here, row| {
            node(builder, place, part.kind, None, &[value], here, row)
        })?;
        // Constants of the mapping decide: what the other parts look at is not asked for, so it may be closed.
        if condition.is("FALSE") {
            return Ok(condition);
        }
        all.push(condition);
    }
    Ok(Fragment::all(all))
}

/// Each part has any value.
fn present(builder: &mut Builder<'_>, object: &Object, spot: &Spot, row: &Row) -> Result<Fragment> {
    let mut all = Vec::new();
    for spots in &spot.parts {
        all.push(spot::within(builder, object, spots, row, &mut |builder, here, row| {
            token::present(builder, here, row).map_err(forbidden)
        })?);
    }
    Ok(Fragment::all(all))
}
