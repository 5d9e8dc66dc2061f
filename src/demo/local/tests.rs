use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn versions_are_read_from_what_the_server_says() {
    assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(), Some("15.18"));
    assert_eq!(version("postgres (PostgreSQL) 19beta1\n").as_deref(), Some("19beta1"));
    assert_eq!(version("something else"), None);
}

#[test]
fn versions_are_compared_as_numbers() {
    assert!(numbers("15.9") < numbers("15.18"));
    assert!(numbers("9.6.24") < numbers("12.1"));
    assert_eq!(major("19beta1"), Some(19));
}

#[test]
fn patterns_match_one_name() {
    let root = std::env::temp_dir().join(format!("local-{}", std::process::id()));
    for version in ["14", "15"] {
        fs::create_dir_all(root.join(format!("pgsql-{version}/bin"))).expect("temporary folder");
    }
    let mut found = matching(&format!("{}/pgsql-*/bin", root.display()));
    found.sort();
    assert_eq!(found, [root.join("pgsql-14/bin"), root.join("pgsql-15/bin")]);
    fs::remove_dir_all(&root).expect("own folder");
}

#[test]
fn the_newest_that_serves_is_chosen() {
    let root = std::env::temp_dir().join(format!("choose-{}", std::process::id()));
    for version in ["9.6.24", "12.20", "16.3", "16.11"] {
        install(&root.join(version), version);
    }
    fs::create_dir_all(root.join("17.0")).expect("a folder without programs");
    let folders = || ["17.0", "9.6.24", "12.20", "16.11", "16.3"].map(|name| root.join(name)).into_iter();
    let version = |wanted| choose(folders(), wanted).map(|programs| programs.version);
    assert_eq!(version(None).as_deref(), Some("16.11"));
    assert_eq!(version(Some(12)).as_deref(), Some("12.20"));
    assert_eq!(version(Some(9)), None);
    fs::remove_dir_all(&root).expect("own folder");
}

fn install(folder: &Path, version: &str) {
    fs::create_dir_all(folder).expect("temporary folder");
    for name in ["postgres", "initdb"] {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n"))
            .expect("own folder");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("own file");
    }
}
