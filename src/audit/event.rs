//! An event as an AuditEvent of R4: <https://hl7.org/fhir/R4/auditevent.html>. Codes are those of DICOM and of the basic audit
//! patterns of IHE (<https://profiles.ihe.net/ITI/BALP/>), which it does not claim to follow in everything.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const TYPES: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTIONS: &str = "http://hl7.org/fhir/restful-interaction";
const ENTITIES: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ROLES: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// A user of GNU Health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id in `res_user`.
    pub id: i64,
    /// Login.
    pub login: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An interaction of FHIR (<https://hl7.org/fhir/R4/valueset-type-restful-interaction.html>).
    Rest(&'static str),
    /// Somebody signed in, or tried to.
    SignIn,
    /// Somebody signed out.
    SignOut,
}

/// <https://hl7.org/fhir/R4/valueset-audit-event-action.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `R`.
    Read,
    /// `E`.
    Execute,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Status of HTTP.
    pub status: u16,
    /// Code of the error.
    pub error: Option<&'static str>,
}

impl Outcome {
    /// <https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>
    fn code(&self) -> &'static str {
        match self.status {
            ..400 => "0",
            400..500 => "4",
            _ => "8",
        }
    }
}

/// An access.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// What happened.
    pub happened: Happened,
    /// How.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Who it was, when that is known.
    pub user: Option<&'a User>,
    /// The login that was sent, when it is not.
    pub tried: Option<&'a str>,
    /// From where.
    pub client: Option<IpAddr>,
    /// `X-Request-Id`.
    pub request: &'a str,
    /// Template of the address.
    pub route: &'static str,
    /// Method and address as sent.
    pub query: Option<&'a str>,
    /// Addresses below the base of what the answer is about.
    pub about: &'a [String],
    /// Another record of the same request came before.
    pub continues: bool,
}

impl Event<'_> {
    /// The AuditEvent; `site` is the prefix of local systems.
    pub fn json(&self, site: &str, now: Timestamp) -> Vec<u8> {
        let (of, sub) = match self.happened {
            Happened::Rest(interaction) => (
                coding(TYPES, "rest", "RESTful Operation"),
                json!({ "system": INTERACTIONS, "code": interaction }),
            ),
            Happened::SignIn => {
                (coding(DICOM, "110114", "User Authentication"), coding(DICOM, "110122", "Login"))
            }
            Happened::SignOut => {
                (coding(DICOM, "110114", "User Authentication"), coding(DICOM, "110123", "Logout"))
            }
        };
        let mut outcome = self.outcome.status.to_string();
        if let Some(code) = self.outcome.error {
            outcome.push(' ');
            outcome.push_str(code);
        }
        let mut entities = Vec::with_capacity(2 + self.about.len());
        entities.push(json!({
            "what": { "identifier": { "value": self.request } },
            "type": { "system": BALP, "code": "XrequestId" },
        }));
        if let Some(query) = self.query {
            entities.push(json!({
                "type": coding(ENTITIES, "2", "System Object"),
                "role": coding(ROLES, "24", "Query"),
                "query": STANDARD.encode(query),
                "detail": [{ "type": "route", "valueString": self.route }],
            }));
        }
        entities.extend(self.about.iter().map(|address| {
            let (code, role) = if address.starts_with("Patient/") { ("1", "1") } else { ("2", "4") };
            json!({
                "what": { "reference": address },
                "type": { "system": ENTITIES, "code": code },
                "role": { "system": ROLES, "code": role },
            })
        }));
        let mut event = json!({
            "resourceType": "AuditEvent",
            "type": of,
            "subtype": [sub],
            "action": match self.action { Action::Read => "R", Action::Execute => "E" },
            "recorded": now.to_string(),
            "outcome": self.outcome.code(),
            "outcomeDesc": outcome,
            "agent": [self.agent(site)],
            "source": source(site),
            "entity": entities,
        });
        if self.continues {
            event["subtype"] = json!([sub, { "system": format!("{site}/audit"), "code": "continued" }]);
        }
        event.to_string().into_bytes()
    }

    fn agent(&self, site: &str) -> Value {
        let mut agent = json!({
            "type": { "coding": [coding(PARTICIPATION, "IRCP", "information recipient")] },
            "requestor": true,
        });
        match (self.user, self.tried) {
            (Some(user), _) => {
                agent["who"] = json!({ "identifier": {
                    "system": format!("{site}/user"), "value": user.id.to_string() } });
                agent["altId"] = user.login.as_str().into();
            }
            (None, Some(tried)) if !tried.is_empty() => agent["altId"] = tried.into(),
            (None, _) => {}
        }
        if let Some(client) = self.client {
            agent["network"] = json!({ "address": client.to_string(), "type": "2" });
        }
        agent
    }
}

/// What the trail tells of itself: <https://dicom.nema.org/medical/dicom/current/output/chtml/part16/sect_CID_401.html>.
pub(super) fn own(started: Option<bool>, what: &str, site: &str, now: Timestamp) -> Vec<u8> {
    let sub = started.map(|started| match started {
        true => coding(DICOM, "110120", "Application Start"),
        false => coding(DICOM, "110121", "Application Stop"),
    });
    let mut event = json!({
        "resourceType": "AuditEvent",
        "type": coding(DICOM, "110100", "Application Activity"),
        "action": "E",
        "recorded": now.to_string(),
        "outcome": "0",
        "outcomeDesc": what,
        "agent": [{
            "type": { "coding": [coding(DICOM, "110150", "Application")] },
            "who": { "display": "gnuhealth-fhir" },
            "altId": std::process::id().to_string(),
            "requestor": false,
        }],
        "source": source(site),
    });
    if let Some(sub) = sub {
        event["subtype"] = json!([sub]);
    }
    event.to_string().into_bytes()
}

/// Whether the program began (true) or ended in order (false) with it; `None` for all other events.
pub(super) fn began(event: &[u8]) -> Option<bool> {
    let has = |code: &str| {
        let code = format!("\"code\":\"{code}\"");
        event.windows(code.len()).any(|part| part == code.as_bytes())
    };
    let start =
        format!("{{\"resourceType\":\"AuditEvent\",\"type\":{{\"system\":\"{DICOM}\",\"code\":\"110100\"");
    let own = event.starts_with(start.as_bytes());
    (own && (has("110120") || has("110121"))).then(|| has("110120"))
}

fn source(site: &str) -> Value {
    json!({
        "observer": { "identifier": { "system": site, "value": "gnuhealth-fhir" }, "display": "gnuhealth-fhir" },
        "type": [{ "system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4" }],
    })
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::Value;

    use super::{Action, Event, Happened, Outcome, User, began, own};

    const SITE: &str = "http://hospital.example";

    #[test]
    fn beginnings_and_ends_are_told_from_what_users_send() {
        let now = Timestamp::now();
        assert_eq!(began(&own(Some(true), "x", SITE, now)), Some(true));
        assert_eq!(began(&own(Some(false), "x", SITE, now)), Some(false));
        assert_eq!(began(&own(None, r#""code":"110120""#, SITE, now)), None);
        let event = Event {
            happened: Happened::Rest("search-type"),
            action: Action::Execute,
            outcome: Outcome { status: 503, error: Some("overloaded") },
            user: None,
            tried: Some(r#"","code":"110120""#),
            client: None,
            request: "id",
            route: "/[type]",
            query: Some("GET /fhir/Patient?name=x"),
            about: &[],
            continues: false,
        };
        let json = event.json(SITE, now);
        assert_eq!(began(&json), None);
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((&json["outcome"], &json["outcomeDesc"]), (&"8".into(), &"503 overloaded".into()));
        assert_eq!(json["agent"][0]["altId"], r#"","code":"110120""#);
        let user = User { id: 7, login: "doctor".to_owned() };
        let json = Event { user: Some(&user), ..event }.json(SITE, now);
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["agent"][0]["who"]["identifier"]["system"], "http://hospital.example/user");
    }
}
