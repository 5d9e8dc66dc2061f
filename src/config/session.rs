//! What a hospital has decided about signing in: `[session]` of trytond.conf, which the settings here can override.

use std::{fmt, num::NonZero, time::Duration};

use super::{Config, Problem, trytond::TrytondConf};

/// How signing in works at this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Ways of signing in to Tryton.
    pub authentications: Authentications,
    /// How long after its beginning a session ends.
    pub max_age: Duration,
    /// The time in which failed sign-ins are counted.
    pub window: Duration,
    /// Failed sign-ins of one login that are still no reason to refuse.
    pub max_attempt: u32,
    /// Failed sign-ins of one network that are still no reason to refuse.
    pub max_attempt_network: u32,
    /// Prefix length of a network of IPv4.
    pub prefix_4: u8,
    /// Prefix length of a network of IPv6.
    pub prefix_6: u8,
}

/// `authentications` as trytond reads it: alternatives parted by commas, methods of one alternative by `+`. Blanks count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentications(String);

impl Authentications {
    /// Takes any text: a method that this program does not know is one that it does not offer.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A login and a password are enough. An alternative with a further method is none that can be offered here, also
    /// where Tryton would skip that method for known devices or networks.
    pub fn password(&self) -> bool {
        self.0.split(',').any(|alternative| alternative == "password")
    }
}

impl fmt::Display for Authentications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Brings the settings and `trytond_conf` together: what is set here wins, what neither says is Tryton's default.
    ///
    /// # Errors
    /// `trytond_conf` cannot be used, or contradicts `authentications`.
    pub fn session(&self) -> Result<Session, Problem> {
        let file = self.trytond_conf.as_deref().map(TrytondConf::read).transpose()?;
        let file = file.as_ref();
        let number = |name: &str, default: u32| {
            file.map_or(Ok(None), |file| file.number("session", name)).map(|found| found.unwrap_or(default))
        };
        let seconds =
            |name: &str, default| number(name, default).map(|found| Duration::from_secs(found.into()));
        let prefix = |set: Option<u8>, name: &str, most: u8| match set {
            Some(set) => Ok(set),
            None => number(name, if most == 32 { 32 } else { 56 }).and_then(|found| {
                u8::try_from(found).ok().filter(|found| *found <= most).ok_or_else(|| {
                    Problem::new(format!("trytond_conf: {name} in [session] is {found}; {most} is the most"))
                })
            }),
        };
        let set = |setting: Option<NonZero<u32>>| setting.map(NonZero::get);
        Ok(Session {
            authentications: self.accepted(file)?,
            max_age: self
                .session_max_age
                .map_or_else(|| seconds("max_age", 30 * 24 * 60 * 60), |age| Ok(age.0))?,
            window: self.login_window.map_or_else(|| seconds("timeout", 300), Ok)?,
            max_attempt: set(self.login_max_attempt).map_or_else(|| number("max_attempt", 5), Ok)?,
            max_attempt_network: set(self.login_max_attempt_network)
                .map_or_else(|| number("max_attempt_ip_network", 300), Ok)?,
            prefix_4: prefix(self.login_network_4.map(|prefix| prefix.0), "ip_network_4", 32)?,
            prefix_6: prefix(self.login_network_6.map(|prefix| prefix.0), "ip_network_6", 128)?,
        })
    }

    /// Nothing may be accepted here that the Tryton server beside does not accept: two answers are none.
    fn accepted(&self, file: Option<&TrytondConf>) -> Result<Authentications, Problem> {
        let tryton = file.map(|file| {
            Authentications::new(
                file.option("session", "authentications").unwrap_or_else(|| "password".to_owned()),
            )
        });
        match (&self.authentications, tryton) {
            (Some(set), Some(tryton)) if *set != tryton => Err(Problem::new(format!(
                "authentications is \"{set}\" here and \"{tryton}\" in [session] of trytond_conf; leave it out here"
            ))),
            (_, Some(tryton)) => Ok(tryton),
            (Some(set), None) => Ok(set.clone()),
            (None, None) => Ok(Authentications::new("password")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    fn session(settings: &str, tryton: Option<&str>) -> Result<Session, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trytond.conf");
        let mut settings = settings.to_owned();
        if let Some(text) = tryton {
            std::fs::write(&path, text).unwrap();
            settings.push_str(&format!("\ntrytond_conf = \"{}\"", path.display()));
        }
        let loaded = load(&[], Some((Path::new("config.toml"), &settings)))
            .map_err(|problems| problems[0].to_string())?;
        loaded.config.session().map_err(|problem| problem.to_string())
    }

    #[test]
    fn without_a_word_it_is_as_in_tryton() {
        let plain = session("", None).unwrap();
        assert_eq!(plain, session("", Some("[database]\nuri = x\n")).unwrap());
        assert_eq!(plain.max_age, Duration::from_secs(2_592_000));
        assert_eq!(plain.window, Duration::from_secs(300));
        assert_eq!((plain.max_attempt, plain.max_attempt_network), (5, 300));
        assert_eq!((plain.prefix_4, plain.prefix_6), (32, 56));
        assert!(plain.authentications.password());
    }

    #[test]
    fn trytond_conf_is_followed_and_a_setting_wins() {
        let text = "[session]\nmax_age: 3600\ntimeout = 60\nmax_attempt = 0\nmax_attempt_ip_network = 7\nip_network_4 = 24\nip_network_6 = 64\n";
        let tryton = session("", Some(text)).unwrap();
        assert_eq!((tryton.max_age.as_secs(), tryton.window.as_secs()), (3600, 60));
        assert_eq!((tryton.max_attempt, tryton.max_attempt_network), (0, 7));
        assert_eq!((tryton.prefix_4, tryton.prefix_6), (24, 64));
        let settings = "session_max_age = \"40d\"\nlogin_window = \"10m\"\nlogin_max_attempt = 3\nlogin_max_attempt_network = 9\nlogin_network_4 = 16\nlogin_network_6 = 48";
        let both = session(settings, Some(text)).unwrap();
        assert_eq!(both, session(settings, None).unwrap());
        assert_eq!((both.max_age.as_secs(), both.window.as_secs()), (40 * 86_400, 600));
        assert_eq!((both.max_attempt, both.max_attempt_network), (3, 9));
        assert_eq!((both.prefix_4, both.prefix_6), (16, 48));
    }

    #[test]
    fn a_password_alone_must_be_an_alternative() {
        let accepts = |value: &str| {
            let text = format!("[session]\nauthentications = {value}\n");
            session("", Some(&text)).unwrap().authentications.password()
        };
        for value in ["password", "ldap,password", "password,ldap", "password+sms,password"] {
            assert!(accepts(value), "{value}");
        }
        // trytond does not strip the names, so " password" is a method that does not exist.
        for value in [
            "ldap",
            "password+sms",
            "password+sms?ip_address",
            "ldap, password",
            "Password",
            "password?device_cookie",
            "pass\n word",
            "",
        ] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!session("authentications = \"ldap\"", None).unwrap().authentications.password());
    }

    #[test]
    fn contradictions_and_nonsense_are_told() {
        let both = session("authentications = \"password\"", Some("[session]\nauthentications = ldap\n"))
            .unwrap_err();
        assert!(both.contains("\"password\" here and \"ldap\" in [session]"), "{both}");
        assert!(
            session("authentications = \"ldap\"", Some("[session]\n")).is_err(),
            "Tryton's default counts"
        );
        assert!(session("authentications = \"ldap\"", Some("[session]\nauthentications = ldap\n")).is_ok());
        for line in [
            "timeout = soon",
            "max_attempt = -1",
            "max_age = 1d",
            "ip_network_4 = 33",
            "ip_network_6 = 129",
            "max_attempt =",
        ] {
            let told = session("", Some(&format!("[session]\n{line}\n"))).unwrap_err();
            assert!(
                told.contains(line.split([' ', '=']).next().unwrap()) && told.contains("[session]"),
                "{told}"
            );
        }
        assert!(session("login_network_4 = 33", None).is_err());
        assert!(session("session_max_age = \"0s\"", None).is_err());
        // Three centuries and more are an age, if a strange one; nothing overflows.
        assert!(session("session_max_age = \"99999999999999999999d\"", None).is_err());
    }
}
