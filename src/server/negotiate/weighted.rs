//! Lists with weights, `a;q=0.5, b` (<https://www.rfc-editor.org/rfc/rfc9110#name-quality-values>).

/// More items than any client has reason to send.
const ITEMS: usize = 50;

/// Items of a list with their weights in thousandths, in order. An item keeps its other parameters. A weight that cannot
/// be read counts as 0: the client wanted less than everything of it.
pub(in crate::server) fn weighted(list: &str) -> impl Iterator<Item = (String, u16)> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).take(ITEMS).map(|item| {
        let mut weight = 1000;
        let mut kept = String::new();
        for part in item.split(';').map(str::trim) {
            match part.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => {
                    weight = thousandths(value.trim())
                }
                _ => {
                    kept.push_str(if kept.is_empty() { "" } else { ";" });
                    kept.push_str(part);
                }
            }
        }
        (kept, weight)
    })
}

fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::weighted;

    #[test]
    fn weights_are_read() {
        let read: Vec<_> =
            weighted("a;x=1; q=0.5, b ,, c;Q=1.000,d;q=0,e;q=-1,f;q=0.05,g;q=2,h;q=0.1234").collect();
        let expected =
            [("a;x=1", 500), ("b", 1000), ("c", 1000), ("d", 0), ("e", 0), ("f", 50), ("g", 0), ("h", 0)];
        assert_eq!(read, expected.map(|(item, weight)| (item.to_owned(), weight)));
        assert_eq!(weighted(&"a,".repeat(1000)).count(), 50);
    }
}
