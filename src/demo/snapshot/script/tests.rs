use super::*;

fn parts(text: &str) -> Vec<Part> {
    let mut script = Script::new(text.as_bytes());
    let mut parts = Vec::new();
    while let Some(part) = script.next().expect("a whole script") {
        parts.push(part);
    }
    parts
}

fn statement(text: &str) -> Part {
    Part::Statement(text.to_owned())
}

#[test]
fn statements_end_with_a_semicolon_at_the_end_of_a_line() {
    let script = "CREATE TABLE a (\n    id integer\n);\n\nCREATE INDEX i ON a (id);\n";
    assert_eq!(
        parts(script),
        [statement("CREATE TABLE a (\n    id integer\n);\n"), statement("CREATE INDEX i ON a (id);\n")]
    );
}

#[test]
fn quoted_semicolons_do_not_end_a_statement() {
    let script = "COMMENT ON TABLE a IS 'it''s one;\ntwo';\nALTER TABLE \"b;\" ADD c text;\n";
    assert_eq!(
        parts(script),
        [
            statement("COMMENT ON TABLE a IS 'it''s one;\ntwo';\n"),
            statement("ALTER TABLE \"b;\" ADD c text;\n")
        ]
    );
}

#[test]
fn comments_settings_and_commands_of_psql_are_left_out() {
    let script = "--\n-- It's a dump\n--\n\n\\restrict abc\nSET client_encoding = 'UTF8';\n\
                  SELECT pg_catalog.set_config('search_path', '', false);\n\
                  SELECT pg_catalog.setval('public.a_id_seq', 3, true);\n\\unrestrict abc\n";
    assert_eq!(parts(script), [statement("SELECT pg_catalog.setval('public.a_id_seq', 3, true);\n")]);
}

#[test]
fn a_comment_within_a_statement_does_not_end_it() {
    let script = "CREATE TABLE a (\n    id integer -- don't;\n);\n";
    assert_eq!(parts(script), [statement(script)]);
}

#[test]
fn rows_follow_their_table() {
    let text =
        "COPY public.a (id, \"order\") FROM stdin;\n1\t;\n2\t\\\\.\n\\.\n\nCREATE INDEX i ON a (id);\n";
    let mut script = Script::new(text.as_bytes());
    let copy = script.next().expect("a whole script").expect("a statement");
    assert_eq!(copy, Part::Copy("COPY public.a (id, \"order\") FROM stdin".to_owned()));
    assert_eq!(script.rows(4).expect("rows").as_deref(), Some(&b"1\t;\n"[..]));
    assert_eq!(script.rows(100).expect("rows").as_deref(), Some(&b"2\t\\\\.\n"[..]));
    assert_eq!(script.rows(100).expect("the end"), None);
    assert_eq!(script.next().expect("a whole script"), Some(statement("CREATE INDEX i ON a (id);\n")));
}

#[test]
fn a_table_without_rows_has_none() {
    let mut script = Script::new(&b"COPY a (id) FROM stdin;\n\\.\n"[..]);
    script.next().expect("a whole script").expect("a statement");
    assert_eq!(script.rows(100).expect("the end"), None);
    assert_eq!(script.next().expect("the end"), None);
}

#[test]
fn a_script_that_breaks_off_is_refused() {
    let unfinished = |result: Result<_, Error>| match result {
        Err(Error::Unfinished(start)) => start,
        _ => panic!("it breaks off"),
    };
    assert_eq!(unfinished(Script::new(&b"CREATE TABLE a (\n"[..]).next().map(drop)), "CREATE TABLE a (");
    let mut script = Script::new(&b"COPY a (id) FROM stdin;\n1\n"[..]);
    script.next().expect("a statement");
    assert_eq!(unfinished(script.rows(100).map(drop)), "COPY a (id)");
}
