//! The annotated `config.toml`, made from the documentation of the keys.

use super::{Config, Form, Key};

const WIDTH: usize = 100;

/// The annotated `config.toml`.
pub fn reference() -> String {
    let mut out = String::from(
        "# Settings of gnuhealth-fhir. Printed by `gnuhealth-fhir docs config`; every line shows the default, or an example where there is none.\n\
         # Each key is also a flag (--statement-timeout) and an environment variable (GNUHEALTH_FHIR_STATEMENT_TIMEOUT).\n\
         # A flag wins over the environment, the environment over this file.\n",
    );
    for key in Config::KEYS {
        if let Some(heading) = key.heading {
            out.push_str(&format!("\n\n## {heading}\n"));
        }
        out.push('\n');
        wrap(&key.text(), &mut out);
        let example = if key.default.is_none() { "  # example" } else { "" };
        out.push_str(&format!("# {} = {}{example}\n", key.name, literal(key)));
    }
    out
}

fn literal(key: &Key) -> String {
    let text = key.default.unwrap_or(key.example);
    match key.form {
        Form::Number | Form::Fraction | Form::Switch => text.to_owned(),
        Form::Text => format!("\"{text}\""),
        Form::List => {
            let items = text.split(", ").filter(|item| !item.is_empty()).map(|item| format!("\"{item}\""));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn wrap(text: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.chars().count() > WIDTH {
            out.push('\n');
            column = 0;
        }
        out.push_str(if column == 0 { "# " } else { " " });
        out.push_str(word);
        column += word.chars().count() + 1 + usize::from(column == 0);
    }
    out.push('\n');
}
