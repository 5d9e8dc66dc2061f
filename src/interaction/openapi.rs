//! The OpenAPI description: <https://spec.openapis.org/oas/v3.1.0>. Made from the CapabilityStatement, so the two say the
//! same.

use serde_json::{Map, Value, json};

use super::{gateway::Fhir, search::membership};
use crate::{plan, search::compartment};

const FORMATS: [&str; 2] = ["application/fhir+json", "application/fhir+xml"];
const LINES: &str = "application/fhir+ndjson";

/// The description of what a CapabilityStatement claims.
pub(super) fn document(fhir: &Fhir, statement: &Value, base: &str) -> Value {
    let mut paths = Map::new();
    let metadata = operation("capabilities", "What this server offers", "CapabilityStatement", false, vec![]);
    let mut open = metadata;
    open["security"] = json!([]);
    paths.insert("/metadata".into(), json!({ "get": open }));
    for resource in items(&statement["rest"][0]["resource"]) {
        of_type(fhir, resource, &mut paths);
    }
    let mut schemes = json!({ "key": { "type": "http", "scheme": "bearer", "description": "An application key of GNU Health." } });
    let mut security = vec![json!({ "key": [] })];
    if fhir.options.passwords {
        schemes["login"] =
            json!({ "type": "http", "scheme": "basic", "description": "Login and password of GNU Health." });
        security.push(json!({ "login": [] }));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "gnuhealth-fhir",
            "version": statement["software"]["version"],
            "summary": format!("FHIR {} over GNU Health; the CapabilityStatement at {base}/metadata says the same.", statement["fhirVersion"].as_str().unwrap_or_default()),
            "license": { "name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later" }
        },
        "servers": [{ "url": base }],
        "security": security,
        "paths": paths,
        "components": {
            "securitySchemes": schemes,
            "parameters": controls(),
            "schemas": {
                "Resource": {
                    "type": "object",
                    "description": "A resource of FHIR R4.",
                    "properties": { "resourceType": { "type": "string" }, "id": { "type": "string" } },
                    "required": ["resourceType"]
                }
            },
            "responses": {
                "Unchanged": { "description": "The client has this version already." },
                "Error": {
                    "description": "An OperationOutcome with a stable code: 400 not understood, 401 not signed in, 403 not allowed, 404 not there, 405 not offered, 406 no such format, 410 expired, 429 too many failures, 503 busy.",
                    "content": content("OperationOutcome", false)
                }
            }
        }
    })
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn of_type(fhir: &Fhir, resource: &Value, paths: &mut Map<String, Value>) {
    let kind = resource["type"].as_str().unwrap_or_default();
    let offers = |code: &str| items(&resource["interaction"]).iter().any(|one| one["code"] == code);
    let subset = || vec![reference("_summary"), reference("_elements")];
    let of_read = |more: Vec<Value>| if offers("search-type") { [more, subset()].concat() } else { more };
    if offers("read") {
        let mut get = operation(
            &format!("read-{kind}"),
            &format!("Read a {kind}"),
            kind,
            false,
            of_read(vec![path("id")]),
        );
        get["responses"]["304"] = json!({ "$ref": "#/components/responses/Unchanged" });
        paths.insert(format!("/{kind}/{{id}}"), json!({ "get": get }));
    }
    if offers("vread") {
        let parameters = of_read(vec![path("id"), path("vid")]);
        let get = operation(
            &format!("vread-{kind}"),
            &format!("Read the current version of a {kind}"),
            kind,
            false,
            parameters,
        );
        paths.insert(format!("/{kind}/{{id}}/_history/{{vid}}"), json!({ "get": get }));
    }
    if offers("history-instance") {
        let get = operation(
            &format!("history-instance-{kind}"),
            &format!("History of a {kind}"),
            "Bundle",
            false,
            vec![path("id")],
        );
        paths.insert(format!("/{kind}/{{id}}/_history"), json!({ "get": get }));
    }
    if offers("history-type") {
        let get = operation(
            &format!("history-type-{kind}"),
            &format!("History of {kind}"),
            "Bundle",
            false,
            vec![],
        );
        paths.insert(format!("/{kind}/_history"), json!({ "get": get }));
    }
    if offers("search-type") {
        let parameters: Vec<Value> =
            items(&resource["searchParam"]).iter().map(|one| searched(fhir, kind, one)).collect();
        let all = [parameters, controls().keys().map(|name| reference(name)).collect()].concat();
        let title = format!("Search {kind}");
        let get = operation(&format!("search-{kind}"), &title, "Bundle", true, all.clone());
        paths.insert(format!("/{kind}"), json!({ "get": get }));
        let mut post = operation(&format!("search-by-post-{kind}"), &title, "Bundle", true, vec![]);
        post["requestBody"] = json!({
            "description": "The parameters of the search as a form.",
            "content": { "application/x-www-form-urlencoded": { "schema": { "type": "object", "additionalProperties": { "type": "string" } } } }
        });
        paths.insert(format!("/{kind}/_search"), json!({ "post": post }));
        let Some(known) = fhir.compiled.types.get(kind) else { return };
        for of in compartment::ALL.into_iter().filter(|of| fhir.compiled.types.contains_key(*of)) {
            if membership(&fhir.compiled, known, of, "1").is_some() {
                let parameters = [vec![path("id")], all.clone()].concat();
                let get = operation(
                    &format!("search-of-{}-{kind}", of.to_lowercase()),
                    &format!("Search {kind} in the compartment of a {of}"),
                    "Bundle",
                    true,
                    parameters,
                );
                paths.insert(format!("/{of}/{{id}}/{kind}"), json!({ "get": get }));
            }
        }
    }
}

/// A search parameter with its modifiers.
fn searched(fhir: &Fhir, kind: &str, parameter: &Value) -> Value {
    let name = parameter["name"].as_str().unwrap_or_default();
    let known = fhir.compiled.types.get(kind).and_then(|kind| kind.parameters.get(name));
    let modifiers = known.map(plan::modifiers).unwrap_or_default();
    let modifiers: Vec<_> = modifiers.into_iter().filter(|modifier| *modifier != "identifier").collect();
    json!({
        "name": name,
        "in": "query",
        "description": format!("{}; commas mean or, repetition means and", parameter["type"].as_str().unwrap_or_default()),
        "schema": { "type": "array", "items": { "type": "string" } },
        "style": "form",
        "explode": true,
        "x-fhir-type": parameter["type"],
        "x-fhir-modifiers": modifiers,
    })
}

/// An operation of OpenAPI that answers with this type of resource.
fn operation(id: &str, summary: &str, answer: &str, lines: bool, mut parameters: Vec<Value>) -> Value {
    parameters.extend(["_format", "_pretty"].map(|name| {
        json!({
            "name": name, "in": "query", "schema": { "type": "string" },
        })
    }));
    json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": answer, "content": content(answer, lines) },
            "default": { "$ref": "#/components/responses/Error" }
        }
    })
}

fn content(answer: &str, lines: bool) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Resource", "description": answer });
    let mut content: Map<String, Value> =
        FORMATS.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
    if lines {
        content.insert(LINES.to_owned(), json!({ "schema": { "type": "string", "description": "All matches, one resource in each line." } }));
    }
    Value::Object(content)
}

fn path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// What every search takes.
fn controls() -> Map<String, Value> {
    let all = [
        ("_count", "Resources on a page.", json!({ "type": "integer", "minimum": 0 })),
        (
            "_sort",
            "Parameters to sort by, separated by commas; `-` before one reverses it.",
            json!({ "type": "string" }),
        ),
        (
            "_total",
            "Whether matches are counted.",
            json!({ "type": "string", "enum": ["none", "accurate", "estimate"] }),
        ),
        (
            "_summary",
            "Which part of the resources is wanted.",
            json!({ "type": "string", "enum": ["true", "text", "data", "count", "false"] }),
        ),
        ("_elements", "Elements that are wanted, separated by commas.", json!({ "type": "string" })),
        ("_page", "A position; comes with the links of a Bundle.", json!({ "type": "string" })),
    ];
    all.into_iter()
        .map(|(name, text, schema)| {
            (name.to_owned(), json!({ "name": name, "in": "query", "description": text, "schema": schema }))
        })
        .collect()
}
