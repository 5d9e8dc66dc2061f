//! What users are told about themselves, for the page: no interaction of FHIR.

use serde_json::json;

use super::{Answer, Fhir, Own, Request, rights};
use crate::{
    error::{self, Error, Result},
    tryton::Explanation,
};

/// Answers the user who asks.
pub(super) async fn own(fhir: &Fhir, request: &Request, asked: Own) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let security = fhir.security()?;
    let user = security.user(caller.user).ok_or_else(|| Error::new(&error::CREDENTIAL_WRONG))?;
    let body = match asked {
        Own::Account => json!({
            "signedIn": true,
            "login": user.login,
            "name": user.name,
            "idle": fhir.idle().as_secs(),
        }),
        Own::Rights => {
            let explanation = Explanation::load(&fhir.store, &security, user).await?;
            rights::data(&explanation, fhir.compiled.types.values())
        }
    };
    Ok(Answer { body: body.to_string().into_bytes(), personal: true, ..Answer::default() })
}
