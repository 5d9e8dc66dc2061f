//! `access`: what a user sees and why not, for operators. It names rights, never what is in a record.

use super::{Failure, open::Opened, serve, settings::Settings};
use crate::{
    error::Error,
    interaction::rights,
    mapping::compiled::ResourceType,
    plan::{self, Target},
    store::{Class, Store},
    tryton::{Explanation, RecordReason, Security},
};

/// Arguments of `access`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Login of the user.
    #[arg(long, value_name = "LOGIN")]
    user: String,
    /// Only this resource type, or also why this resource is there or not.
    #[arg(long, value_name = "TYPE[/ID]")]
    resource: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

/// Prints what a user may see.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    let options = serve::database(&loaded.config)?;
    serve::runtime()?.block_on(async {
        let opened = Opened::open(&loaded.config, &options).await?;
        opened.refuse()?;
        print!("{}", report(&opened, &arguments.user, arguments.resource.as_deref()).await?);
        Ok(())
    })
}

async fn report(opened: &Opened, login: &str, resource: Option<&str>) -> Result<String, Failure> {
    let told = |error: Error| super::open::failure(error);
    let kinds = &opened.compiled.types;
    let (kind, id) = match resource.map(|place| place.split_once('/').unwrap_or((place, ""))) {
        None => (None, None),
        Some((name, id)) => {
            let kind = kinds.get(name).ok_or_else(|| {
                let served: Vec<_> = kinds.keys().map(String::as_str).collect();
                Failure(vec![format!("{name} is not served; types served: {}", served.join(", "))])
            })?;
            (Some(kind), Some(id).filter(|id| !id.is_empty()))
        }
    };
    let security =
        Security::load(&opened.store, std::sync::Arc::clone(&opened.catalog), 1).await.map_err(told)?;
    let user = security
        .user_by_login(login)
        .ok_or_else(|| Failure(vec![format!("no user has the login \"{login}\"")]))?;
    if !user.active {
        return Ok(format!("user {login} (id {}): not active, may not sign in and sees nothing\n", user.id));
    }
    let explanation = Explanation::load(&opened.store, &security, user).await.map_err(told)?;
    let mut out = rights::user(&explanation, user);
    if let (Some(kind), Some(id)) = (kind, id) {
        out.push_str(&format!("\n{}/{id}: ", kind.name));
        out.push_str(&one(&opened.store, &explanation, kind, id).await.map_err(told)?);
    }
    match kind {
        Some(kind) => out.push_str(&rights::types(&explanation, &[kind])),
        None => out.push_str(&rights::types(&explanation, &kinds.values().collect::<Vec<_>>())),
    }
    Ok(out)
}

/// What happens when the user reads one resource.
async fn one(
    store: &Store,
    explanation: &Explanation<'_>,
    kind: &ResourceType,
    id: &str,
) -> Result<String, Error> {
    let permit = &explanation.permit;
    let Some(Target { source, emit, record }) = plan::parse_id(kind, id) else {
        return Ok(format!("no id of {}, whoever asks\n", kind.name));
    };
    let (source, emit) = (&kind.sources[source], &kind.sources[source].emits[emit]);
    let Some(plan) = plan::read(source, emit, permit, &[], false) else {
        return Ok(format!("closed, see {} below\n", source.model));
    };
    let seen = !store.rows_of_record(Class::Request, &plan.statement, record).await?.is_empty();
    let list = |rules: &[crate::tryton::RuleReason]| {
        rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    Ok(match explanation.record(store, &source.model, record).await? {
        RecordReason::Visible if seen => "visible\n".to_owned(),
        RecordReason::Visible => {
            format!("visible in Tryton as record {record} of {}, but it is no such resource\n", source.model)
        }
        RecordReason::Missing => format!("there is no record {record} of {}\n", source.model),
        RecordReason::Global(rules) => format!("hidden by {}\n", list(&rules)),
        RecordReason::Other(rules) => {
            format!("hidden, since none of these rules shows it: {}\n", list(&rules))
        }
        RecordReason::Attached => {
            "hidden, since what it is attached to is not open without rules\n".to_owned()
        }
    })
}
