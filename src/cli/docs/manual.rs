//! `docs manual`: the manual of this very version as pages of HTML.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use include_dir::{Dir, include_dir};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

static MANUAL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/manual");

/// Readable at any width, in light and dark, without anything from elsewhere.
const STYLE: &str = "body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color-scheme:light dark}\
    table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #8888;padding:.25rem .5rem;text-align:left;vertical-align:top}\
    img{max-width:100%}pre{overflow-x:auto;padding:.75rem;background:#8882}code{font-size:.9em}";

/// The pages by the names of their files.
pub fn pages() -> BTreeMap<String, String> {
    let texts = MANUAL.files().filter_map(|file| {
        let name = file.path().to_str()?.strip_suffix(".md")?;
        Some((format!("{name}.html"), page(file.contents_utf8()?)))
    });
    texts.collect()
}

/// Writes the pages and their pictures into a folder, which is made when there is none.
pub fn write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in pages() {
        std::fs::write(folder.join(name), text)?;
    }
    for picture in MANUAL.files().filter(|file| file.path().extension().is_some_and(|kind| kind == "svg")) {
        std::fs::write(folder.join(picture.path()), picture.contents())?;
    }
    Ok(())
}

fn page(text: &str) -> String {
    let options = Options::ENABLE_TABLES;
    let mut events: Vec<_> = Parser::new_ext(text, options).collect();
    let (mut taken, mut title) = (BTreeSet::new(), String::new());
    for at in 0..events.len() {
        let Event::Start(Tag::Heading { .. }) = events[at] else { continue };
        let words = heading(&events[at..]);
        if title.is_empty() {
            title.clone_from(&words);
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(CowStr::from(anchor(&words, &mut taken)));
        }
    }
    // A link that leads out of the manual has no place in these pages: only its words stay.
    let mut outside = false;
    let events = events.into_iter().filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with("..") => {
            outside = true;
            None
        }
        Event::End(TagEnd::Link) if outside => {
            outside = false;
            None
        }
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = match dest_url.split_once(".md") {
                Some((name, rest)) if !dest_url.contains("://") => format!("{name}.html{rest}").into(),
                _ => dest_url,
            };
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        event => Some(event),
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title} – gnuhealth-fhir {}</title>\n<style>{STYLE}</style>\n<p><a href=\"index.html\">Manual</a></p>\n{body}</html>\n",
        env!("CARGO_PKG_VERSION"),
    )
}

/// The words of the heading that begins here.
fn heading(events: &[Event<'_>]) -> String {
    let inside = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let words = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    words.collect()
}

/// A heading as links name it, in the way of the places that show Markdown: lower case, blanks as hyphens; one that was there
/// before gets a number.
fn anchor(words: &str, taken: &mut BTreeSet<String>) -> String {
    let kept = words
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    let plain = kept.replace(' ', "-");
    let mut name = plain.clone();
    for number in 1.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = format!("{plain}-{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors() {
        let mut taken = BTreeSet::new();
        assert_eq!(anchor("What each header comes to", &mut taken), "what-each-header-comes-to");
        assert_eq!(anchor("Limits: `_count`, of pages", &mut taken), "limits-_count-of-pages");
        assert_eq!(anchor("TLS", &mut taken), "tls");
        assert_eq!(anchor("TLS", &mut taken), "tls-1");
    }

    #[test]
    fn every_link_of_the_pages_leads_somewhere() {
        let pages = pages();
        assert!(pages.len() > 12);
        let mut links = 0;
        for (name, text) in &pages {
            assert!(text.contains("<table>") || text.contains("<h1"), "{name}");
            for link in text.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                if link.contains(':') {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() {
                    text
                } else {
                    pages.get(file).unwrap_or_else(|| panic!("{name}: {link}"))
                };
                assert!(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\"")), "{name}: {link}");
                links += 1;
            }
        }
        assert!(links > 60, "{links}");
    }
}
