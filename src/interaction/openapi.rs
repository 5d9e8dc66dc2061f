//! The OpenAPI description: <https://spec.openapis.org/oas/v3.1.0>. Made from the CapabilityStatement, so the two say the
//! same.

use serde_json::{Map, Value, json};

use super::{
    gateway::Fhir,
    operation::{Level, Methods, Operation},
    search::membership,
};
use crate::{plan, search::compartment};

const FORMATS: [&str; 2] = ["application/fhir+json", "application/fhir+xml"];
const LINES: &str = "application/fhir+ndjson";

/// The description of what a CapabilityStatement claims.
pub(super) fn document(fhir: &Fhir, statement: &Value, base: &str) -> Value {
    let mut paths = Map::new();
    let metadata =
        operation("capabilities", "What this server offers", "CapabilityStatement", false, subset());
    let mut open = metadata;
    open["security"] = json!([]);
    paths.insert("/metadata".into(), json!({ "get": open }));
    of_system(&statement["rest"][0], &mut paths);
    for resource in items(&statement["rest"][0]["resource"]) {
        of_type(fhir, resource, &mut paths);
        of_operations(resource, &mut paths);
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

/// The parameters that ask for a part of a resource.
fn subset() -> Vec<Value> {
    vec![reference("_summary"), reference("_elements")]
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What belongs to no type: searches over several types, and batches.
fn of_system(rest: &Value, paths: &mut Map<String, Value>) {
    let types: Vec<_> = items(&rest["resource"]).iter().map(|one| one["type"].clone()).collect();
    let of_types = json!({
        "name": "_type", "in": "query", "description": "Types that are searched, separated by commas; all by default.",
        "schema": { "type": "array", "items": { "enum": types } }, "style": "form", "explode": false
    });
    let common = items(&rest["searchParam"]).iter().map(parameter);
    let all = common.chain([of_types]).chain(controls().keys().map(|name| reference(name))).collect();
    let mut system =
        json!({ "get": operation("search-system", "Search several types", "Bundle", true, all) });
    let mut batch =
        operation("batch", "Reads, searches and operations in one request", "Bundle", false, vec![]);
    batch["requestBody"] = body("A Bundle of type batch.");
    system["post"] = batch;
    paths.insert("/".into(), system);
    let mut post = operation("search-system-by-post", "Search several types", "Bundle", true, vec![]);
    post["requestBody"] = form();
    paths.insert("/_search".into(), json!({ "post": post }));
    let get = operation("history-system", "History of all types", "Bundle", false, of_history());
    paths.insert("/_history".into(), json!({ "get": get }));
}

/// The operations of a type.
fn of_operations(resource: &Value, paths: &mut Map<String, Value>) {
    let kind = resource["type"].as_str().unwrap_or_default();
    let claimed =
        |one: &&Operation| items(&resource["operation"]).iter().any(|claim| claim["name"] == one.name);
    for one in Operation::of_type(kind).filter(claimed) {
        for (level, place) in
            [(Level::Type, format!("/{kind}")), (Level::Instance, format!("/{kind}/{{id}}"))]
        {
            let Some(methods) = one.methods(level) else { continue };
            let on = if level == Level::Instance { "instance" } else { "type" };
            let id = |how: &str| format!("{}-{kind}-{on}{how}", one.name);
            let title = format!("${} of {kind}", one.name);
            let place_of = || if level == Level::Instance { vec![path("id")] } else { vec![] };
            let mut item = Map::new();
            if methods == Methods::Both {
                // Parameters that are resources or structures are sent by POST.
                let given = one
                    .parameters
                    .iter()
                    .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }));
                let parameters = place_of().into_iter().chain(given).collect();
                item.insert("get".into(), operation(&id(""), &title, "Resource", one.is_list(), parameters));
            }
            let mut post = operation(&id("-by-post"), &title, "Resource", one.is_list(), place_of());
            post["requestBody"] = body(if one.takes_resource {
                "Parameters, or the resource that it is about."
            } else {
                "Parameters."
            });
            item.insert("post".into(), post);
            paths.insert(format!("{place}/${}", one.name), Value::Object(item));
        }
    }
}

fn of_type(fhir: &Fhir, resource: &Value, paths: &mut Map<String, Value>) {
    let kind = resource["type"].as_str().unwrap_or_default();
    let offers = |code: &str| items(&resource["interaction"]).iter().any(|one| one["code"] == code);
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
            [vec![path("id")], of_history()].concat(),
        );
        paths.insert(format!("/{kind}/{{id}}/_history"), json!({ "get": get }));
    }
    if offers("history-type") {
        let get = operation(
            &format!("history-type-{kind}"),
            &format!("History of {kind}"),
            "Bundle",
            false,
            of_history(),
        );
        paths.insert(format!("/{kind}/_history"), json!({ "get": get }));
    }
    if offers("search-type") {
        let parameters: Vec<Value> =
            items(&resource["searchParam"]).iter().map(|one| searched(fhir, kind, one)).collect();
        let includes = [("_include", "searchInclude"), ("_revinclude", "searchRevInclude")];
        let includes = includes.into_iter().filter(|(_, member)| !items(&resource[*member]).is_empty());
        let includes = includes.map(|(name, member)| {
            json!({
                "name": name, "in": "query", "description": "What is brought with the matches; repetition brings more.",
                "schema": { "type": "array", "items": { "type": "string", "examples": resource[member] } },
                "style": "form", "explode": true
            })
        });
        let includes: Vec<Value> = includes.collect();
        let all = [parameters, includes, controls().keys().map(|name| reference(name)).collect()].concat();
        let title = format!("Search {kind}");
        let get = operation(&format!("search-{kind}"), &title, "Bundle", true, all.clone());
        paths.insert(format!("/{kind}"), json!({ "get": get }));
        let mut post = operation(&format!("search-by-post-{kind}"), &title, "Bundle", true, vec![]);
        post["requestBody"] = form();
        paths.insert(format!("/{kind}/_search"), json!({ "post": post }));
        let Some(known) = fhir.compiled.types.get(kind) else { return };
        for of in compartment::ALL.into_iter().filter(|of| fhir.compiled.types.contains_key(*of)) {
            if membership(&fhir.compiled, known, of, None).is_some() {
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

/// What a history takes.
fn of_history() -> Vec<Value> {
    let since = json!({
        "name": "_since", "in": "query", "description": "What changed at this instant or later.",
        "schema": { "type": "string", "format": "date-time" }
    });
    vec![since, reference("_count"), reference("_page")]
}

/// The parameters of a search as a body.
fn form() -> Value {
    json!({
        "description": "The parameters of the search as a form.",
        "content": { "application/x-www-form-urlencoded": { "schema": { "type": "object", "additionalProperties": { "type": "string" } } } }
    })
}

/// A resource as a body.
fn body(description: &str) -> Value {
    json!({ "description": description, "required": true, "content": content("Resource", false) })
}

/// A search parameter of several types.
fn parameter(parameter: &Value) -> Value {
    json!({
        "name": parameter["name"],
        "in": "query",
        "description": format!("{}; commas mean or, repetition means and", parameter["type"].as_str().unwrap_or_default()),
        "schema": { "type": "array", "items": { "type": "string" } },
        "style": "form",
        "explode": true,
        "x-fhir-type": parameter["type"],
    })
}

/// A search parameter with its modifiers.
fn searched(fhir: &Fhir, kind: &str, claimed: &Value) -> Value {
    let name = claimed["name"].as_str().unwrap_or_default();
    let known = fhir.compiled.types.get(kind).and_then(|kind| kind.parameters.get(name));
    let modifiers = known.map(plan::modifiers).unwrap_or_default();
    let modifiers: Vec<_> = modifiers.into_iter().filter(|modifier| *modifier != "identifier").collect();
    let mut searched = parameter(claimed);
    searched["x-fhir-modifiers"] = modifiers.into();
    searched
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
        ("_total", "Whether matches are counted.", json!({ "type": "string", "enum": ["none", "accurate"] })),
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
