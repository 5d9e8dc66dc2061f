//! The query of an address: read as a search with values of every type, or refused.

#![no_main]

use gnuhealth_fhir::{
    search::{
        self, Filter,
        value::{
            self, DateValue, HierarchyValue, NumberValue, QuantityValue, ReferenceValue, TokenValue, TypedValue,
            unescape,
        },
    },
    server,
};
use jiff::{Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;

fn values(filter: &Filter, zone: &TimeZone) {
    filter.parts().for_each(|filter| values(filter, zone));
    if let Some(rest) = &filter.chain {
        assert!(filter.values.is_empty(), "the values belong to the end of a chain");
        values(rest, zone);
    }
    for value in &filter.values {
        if let Ok(date) = DateValue::parse(value, zone, Timestamp::UNIX_EPOCH) {
            assert!(date.range.start <= date.range.end, "{value}");
            assert!(date.local.end.is_none_or(|end| date.local.start <= end), "{value}");
        }
        if let Ok(number) = NumberValue::parse(value) {
            assert!(value.ends_with(&number.literal), "digits are kept");
            assert!(number.literal.parse::<f64>().is_ok(), "{value}");
        }
        if let Ok(token) = TokenValue::parse(value) {
            let _ = token.matches(Some("http://loinc.org"), "8480-6");
        }
        if let Ok(reference) = ReferenceValue::parse(value) {
            assert!(!reference.id.contains('/'), "{value}");
        }
        if let Ok(quantity) = QuantityValue::parse(value) {
            let _ = quantity.within("mg/dL");
        }
        if let Ok(code) = HierarchyValue::parse(Some("above"), value) {
            assert!(matches!(&code.wanted, value::Wanted::Above(codes) if !codes.is_empty()), "{value}");
        }
        let _ = (HierarchyValue::parse(Some("below"), value), TypedValue::parse(value), value::parts(value, 2));
        let _ = (unescape(value), value::folder(value));
    }
}

fuzz_target!(|query: &str| {
    let Ok(pairs) = server::pairs(query) else { return };
    let (request, faults) = search::parse(&pairs);
    let pages = pairs.iter().filter(|(key, _)| key == "_page").count();
    let understood = request.applied.len() + faults.len();
    assert!((pairs.len() - pages..=pairs.len()).contains(&understood), "no parameter is lost");
    for name in ["UTC", "America/Argentina/Buenos_Aires", "Pacific/Apia"] {
        let zone = TimeZone::get(name).expect("a zone");
        request.filters.iter().for_each(|filter| values(filter, &zone));
    }
    // The self link asks the same.
    let (again, faults) = search::parse(&request.applied);
    assert!(faults.is_empty(), "{:?}", request.applied);
    assert_eq!((again.filters, again.sort, again.count), (request.filters, request.sort, request.count));
});
