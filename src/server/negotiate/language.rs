//! `Accept-Language`.

use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};

use super::weighted;

/// More languages than any person has set.
const LANGUAGES: usize = 10;

/// Languages that the client understands, best first, as BCP 47 tags. What is no tag is left out.
pub(in crate::server) fn languages(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut languages: Vec<(String, u16)> =
        lines.flat_map(weighted).filter(|(tag, weight)| *weight > 0 && is_tag(tag)).collect();
    languages.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    languages.truncate(LANGUAGES);
    languages.into_iter().map(|(tag, _)| tag).collect()
}

fn is_tag(text: &str) -> bool {
    text.len() <= 35
        && text
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue};

    use super::languages;

    #[test]
    fn languages_are_sorted_by_weight() {
        let mut headers = HeaderMap::new();
        assert!(languages(&headers).is_empty());
        headers.append(ACCEPT_LANGUAGE, HeaderValue::from_static("en;q=0.5, es-AR, *;q=0.1, fr;q=0, x y"));
        headers.append(ACCEPT_LANGUAGE, HeaderValue::from_static("pt;q=0.7, ../etc, waytoolongsubtag"));
        assert_eq!(languages(&headers), ["es-AR", "pt", "en"]);
    }
}
